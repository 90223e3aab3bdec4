"""Webhook sources: registered senders with their signing secrets and what their event types mean here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared import times
from shared.access.opened import Opened
from shared.access.source_body import (
    A_SOURCE,
    QuotaBody,
    SecretsBody,
    SettingsBody,
    SourceBody,
    TypeBody,
    TypesBody,
)
from shared.bodies import read_body
from shared.errors import Fault, Invalid, NotFound
from shared.exact import Json
from shared.faults import pointer
from shared.mapping import compile_mapping
from shared.ports import Clock, Seal
from shared.registry import Kind, Record, Registry
from shared.sources import load

ID_BYTES = 16
MAX_LIVE_SECRETS = 2
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ANSWERED = ("name", "kind", "label", "types", "paused", "createdAt")
NO_SECRET = "The source has no secret, so it takes nothing in. Rotate it to give it one."  # noqa: S105
UNVERIFIED = (
    "Nobody is checked: whoever knows the path of the hook can post. Rotate the source to give it a secret."
)
FORBIDDEN = (
    "The source has no verifier, and SIGNALBOX_FORBID_UNVERIFIED forbids that: it takes nothing in. "
    "Rotate it to give it a secret."
)


@dataclass(frozen=True, slots=True)
class VendorType:
    """What one of the vendor's event types becomes."""

    event: str
    version: str | None
    mapping: Mapping[str, Json] | None


@dataclass(frozen=True, slots=True)
class Source:
    """A source as the line uses it."""

    section: str
    id: str
    name: str
    kind: str
    label: str
    """The envelope's source."""
    paused: bool
    types: Mapping[str, VendorType]
    secrets: tuple[str, ...] = field(repr=False)
    """Signing secrets, the current one first."""
    settings: Mapping[str, Json] = field(default_factory=dict)
    """What the kind is set up with."""
    unverified: bool = False
    """Whoever registered it has chosen that nobody is checked."""
    per_minute: int = A_SOURCE
    """Genuine webhooks, and the events that they carry, that it may send in a minute."""


class Sources:
    """Registers, mends and finds webhook sources."""

    def __init__(
        self, registry: Registry, seal: Seal, clock: Clock, *, forbid_unverified: bool = False
    ) -> None:
        self._registry = registry
        self._seal = seal
        self._clock = clock
        self._forbidden = forbid_unverified
        self._opened = Opened(self._open)

    async def create(self, section: str, body: Json, random: bytes, kinds: Sequence[str]) -> dict[str, Json]:
        """A new source of one of the known `kinds`; its id is 16 random bytes. Raises Invalid."""
        if len(random) != ID_BYTES:
            raise ValueError(f"a source id is {ID_BYTES} random bytes, not {len(random)}")
        wanted = read_body(SourceBody, body, kinds=kinds)
        self._check_verified(wanted)
        _check_settings(wanted.kind, wanted.settings, "/settings")
        _check_mappings(wanted.types, "/types")
        id = random.hex()
        doc = {
            **wanted.model_dump(by_alias=True, exclude={"secrets"}),
            "secrets": [] if wanted.secrets is None else [self._sealed(section, id, wanted.secrets.signing)],
            "paused": False,
            "createdAt": times.text(self._clock.now()),
        }
        record = Record(Kind.SOURCE, section, id, doc)
        await self._registry.create_findable(record)
        return self._answer(record)

    def _check_verified(self, wanted: SourceBody) -> None:
        if wanted.unverified and self._forbidden:
            fault = Fault(
                "/unverified", "Give the source a secret. This deployment forbids the other.", "false"
            )
            raise Invalid("A source without a verifier is forbidden here.", faults=[fault])

    async def list(self, section: str) -> list[dict[str, Json]]:
        """The section's sources, by id."""
        return [self._answer(record) for record in await self._registry.list(Kind.SOURCE, section)]

    async def read(self, section: str, id: str) -> dict[str, Json]:
        """A source as the API answers it. Raises NotFound."""
        return self._answer(await self._read(section, id))

    async def pause(self, section: str, id: str) -> dict[str, Json]:
        """Stop taking its events in; the sender is answered to come back later. Raises NotFound."""
        return await self._change(section, id, paused=True)

    async def resume(self, section: str, id: str) -> dict[str, Json]:
        """Take its events in again. Raises NotFound."""
        return await self._change(section, id, paused=False)

    async def set_types(self, section: str, id: str, types: Json) -> dict[str, Json]:
        """Replace what the vendor's types mean, whole, by a map like the one that `create` takes. Raises Invalid, NotFound."""
        wanted = read_body(TypesBody, types)
        _check_mappings(wanted.root, "")
        return await self._change(section, id, types=wanted.model_dump(by_alias=True))

    async def set_settings(self, section: str, id: str, settings: Json) -> dict[str, Json]:
        """Set its kind up anew, by settings like those that `create` takes. Raises Invalid, NotFound."""
        wanted = read_body(SettingsBody, settings).root
        record = await self._read(section, id)
        _check_settings(record.doc["kind"], wanted, "")
        return await self._replace(record.with_doc(settings=wanted or None))

    async def set_quota(self, section: str, id: str, body: Json) -> dict[str, Json]:
        """Let it send `{"perMinute": ...}` from now on; instances follow within CACHE_SECONDS. Raises Invalid, NotFound."""
        return await self._change(section, id, perMinute=read_body(QuotaBody, body).per_minute)

    async def rotate_secret(self, section: str, id: str, body: Json) -> dict[str, Json]:
        """`{"signing": "..."}` becomes current and the one before it still verifies. Raises Invalid, NotFound."""
        wanted = read_body(SecretsBody, body)
        record = await self._read(section, id)
        secrets = [self._sealed(section, id, wanted.signing), *record.doc["secrets"]]
        return await self._replace(record.with_doc(secrets=secrets[:MAX_LIVE_SECRETS], unverified=False))

    async def find(self, id: str) -> Source | None:
        """The source of a hook's path, paused or not, at most CACHE_SECONDS old.

        Raises Unavailable when storage is away or its secrets cannot be unsealed: the sender must repeat then.
        """
        if not _ID.fullmatch(id):
            return None
        section = await self._registry.section_of(Kind.SOURCE, id)
        record = None if section is None else await self._registry.find(Kind.SOURCE, section, id)
        return None if record is None else self._opened.get(record)

    async def fresh(self, section: str, id: str) -> Source:
        """The source as it stands now, for whoever has just mended it. Raises NotFound, Unavailable."""
        return self._opened.get(await self._read(section, id))

    async def _read(self, section: str, id: str) -> Record:
        record = await self._registry.read(Kind.SOURCE, section, id) if _ID.fullmatch(id) else None
        if record is None:
            raise NotFound("There is no such source here. List the sources to find its id.")
        return record

    async def _change(self, section: str, id: str, **members: Json) -> dict[str, Json]:
        return await self._replace((await self._read(section, id)).with_doc(**members))

    async def _replace(self, record: Record) -> dict[str, Json]:
        await self._registry.replace(record)
        return self._answer(record)

    def _answer(self, record: Record) -> dict[str, Json]:
        return {
            "id": record.id,
            "hookPath": f"/v1/hooks/{record.id}",
            **{name: record.doc[name] for name in _ANSWERED},
            "settings": record.doc.get("settings"),
            "unverified": record.doc.get("unverified", False),
            "perMinute": _per_minute(record.doc),
            "secrets": len(record.doc["secrets"]),
            "warnings": [*self._warnings(record)],
        }

    def _warnings(self, record: Record) -> Sequence[str]:
        if record.doc.get("unverified", False):
            return (FORBIDDEN if self._forbidden else UNVERIFIED,)
        return () if record.doc["secrets"] else (NO_SECRET,)

    def _sealed(self, section: str, id: str, secret: str) -> str:
        return self._seal.seal(_context(section, id), secret)

    def _open(self, record: Record) -> Source:
        doc = record.doc
        context = _context(record.section, record.id)
        return Source(
            section=record.section,
            id=record.id,
            name=doc["name"],
            kind=doc["kind"],
            label=doc["label"],
            paused=doc["paused"],
            types={name: _vendor_type(meaning) for name, meaning in doc["types"].items()},
            secrets=tuple(self._seal.unseal(context, sealed) for sealed in doc["secrets"]),
            settings=doc.get("settings") or {},
            unverified=doc.get("unverified", False) and not self._forbidden,
            per_minute=_per_minute(doc),
        )


def _per_minute(doc: Mapping[str, Json]) -> int:
    """Sources that were registered before they had quotas of their own name none."""
    return int(doc.get("perMinute") or A_SOURCE)


def _check_settings(kind: str, settings: Json, prefix: str) -> None:
    """Raises Invalid with every fault, as the kind sees it."""
    try:
        load(kind, settings)
    except Invalid as error:
        faults = [replace(fault, pointer=prefix + fault.pointer) for fault in error.faults]
        here = faults or [Fault(prefix, error.detail)]
        raise Invalid(f"The settings do not fit a source of the kind {kind}.", faults=here) from None


def _check_mappings(types: Mapping[str, TypeBody], prefix: str) -> None:
    """Raises Invalid with every fault, so that none is found only when a webhook meets it."""
    faults: list[Fault] = []
    for name, meaning in types.items():
        try:
            compile_mapping(meaning.mapping or {}, prefix + pointer(name, "mapping"))
        except Invalid as error:
            faults += error.faults
    if faults:
        raise Invalid("The mappings have errors. Correct each member that is listed.", faults=faults)


def _vendor_type(meaning: Json) -> VendorType:
    return VendorType(meaning["event"], meaning["version"], meaning["mapping"])


def _context(section: str, id: str) -> str:
    return f"source/{section}/{id}"
