"""Destinations as they are set up: their kind, settings and sealed secrets, paused or not."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from shared import destinations, exact, times
from shared.access.opened import Opened
from shared.bodies import Body, Slug, read_body
from shared.destinations import secrets
from shared.destinations.settings import DestinationSettings
from shared.errors import Conflict, Fault, Invalid, NotFound
from shared.exact import Json
from shared.faults import faults_of
from shared.ports import Clock, Seal
from shared.registry import Kind, Record, Registry
from shared.routing import subscribed
from shared.times import EPOCH

Status = Literal["active", "paused", "disabled"]


Running = Literal["active", "paused"]


class Doubt(StrEnum):
    """Why a destination is disabled."""

    GONE = "gone"
    EXHAUSTED = "exhausted"
    FAILING = "failing"

    @property
    def sentence(self) -> str:
        """For the person who decides whether to resume it."""
        return _DOUBTS[self]


_DOUBTS = {
    Doubt.GONE: "It answered that it is gone for good (410).",
    Doubt.EXHAUSTED: "A delivery used up its attempts, and for at least a day nothing arrived there.",
    Doubt.FAILING: "Everything has failed there for at least five days.",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A destination ready to send to: checked settings, secrets in clear."""

    id: str
    kind: str
    settings: DestinationSettings
    secrets: Mapping[str, str]
    status: Status


def _settings_of_any_kind(schema: dict[str, Json]) -> None:
    """For the description of the API."""
    schema["anyOf"] = [destinations.load(kind).settings.model_json_schema() for kind in destinations.KINDS]


Secrets = Annotated[dict[str, Annotated[str, Field(max_length=8_192)]], Field(max_length=8)]


class DestinationBody(Body):
    """A destination to set up. Secrets are written and never answered."""

    name: Slug
    kind: str = Field(max_length=32, json_schema_extra={"enum": [*destinations.KINDS]})
    settings: dict[str, Json] = Field(json_schema_extra=_settings_of_any_kind)
    secrets: Secrets = Field(default_factory=dict)


class ChangeBody(Body):
    """What a destination is changed to. Without `secrets` they stay, unless they would be sent somewhere else."""

    settings: dict[str, Json] = Field(json_schema_extra=_settings_of_any_kind)
    secrets: Secrets | None = None


class Destinations:
    """Creates, lists, reads and pauses destinations; `open` is for the delivery itself."""

    def __init__(self, registry: Registry, seal: Seal, clock: Clock) -> None:
        self._registry = registry
        self._seal = seal
        self._clock = clock
        self._opened = Opened(self._open)

    async def create(self, section: str, body: Json, random: bytes) -> dict[str, Json]:
        """Set a destination up; without secrets it gets new ones, made of 32 random bytes and shown this once.

        Raises Invalid with every fault, Conflict when the name is taken.
        """
        wanted = read_body(DestinationBody, body)
        plugin = destinations.load(wanted.kind)
        _check_rate(wanted.kind, _settings(wanted.kind, wanted.settings))
        made = {} if wanted.secrets else secrets.made(plugin.secrets, random)
        given = wanted.secrets or made
        secrets.check(wanted.kind, plugin.secrets, given)
        sealed = self._seal.seal(_context(section, wanted.name), exact.dumps(given))
        doc = {
            "kind": wanted.kind,
            "settings": wanted.settings,
            "secrets": sealed,
            "status": "active",
            "createdAt": times.text(self._clock.now()),
        }
        record = Record(Kind.DESTINATION, section, wanted.name, doc)
        await self._registry.create(record)
        return {**_shown(record), "secrets": made} if made else _shown(record)

    async def list(self, section: str) -> list[dict[str, Json]]:
        return [_shown(record) for record in await self._registry.list(Kind.DESTINATION, section)]

    async def read(self, section: str, id: str) -> dict[str, Json]:
        return _shown(await self._record(section, id))

    async def change(self, section: str, id: str, body: Json) -> dict[str, Json]:
        """Replace its settings, whole, and its secrets, all of them; instances follow within CACHE_SECONDS.

        Raises NotFound, Invalid, Conflict.
        """
        wanted = read_body(ChangeBody, body)
        record = await self._record(section, id)
        kind = record.doc["kind"]
        settings = _settings(kind, wanted.settings)
        _check_rate(kind, settings)
        if wanted.secrets is None:
            self._check_kept(record, settings)
            return await self._replace(self._changed(record, settings=wanted.settings))
        secrets.check(kind, destinations.load(kind).secrets, wanted.secrets)
        sealed = self._seal.seal(_context(section, id), exact.dumps(wanted.secrets))
        return await self._replace(self._changed(record, settings=wanted.settings, secrets=sealed))

    def _check_kept(self, record: Record, settings: DestinationSettings) -> None:
        """Who may change where a destination is must not get at secrets that others gave it. Raises Invalid."""
        before = self._open(record)
        known = destinations.load(before.kind).secrets
        is_sent = any(known[name].sent for name in before.secrets if name in known)
        if is_sent and settings.of_its_kind() != before.settings.of_its_kind():
            detail = "Send the secrets again: these settings may lead to somebody else."
            raise Invalid(
                "The secrets were given for other settings.",
                faults=[Fault("/secrets", detail, "its secrets")],
            )

    async def set_status(self, section: str, id: str, status: Running) -> dict[str, Json]:
        """Pause it, or let it go on, also if it was disabled; instances follow within CACHE_SECONDS.

        Raises NotFound, Conflict.
        """
        record = await self._record(section, id)
        return await self._replace(self._changed(record, status=status, disabledAt=None, disabledBy=None))

    async def disable(self, section: str, id: str, doubt: Doubt, *, unless_changed_since: datetime) -> bool:
        """Stop sending to an active one; what goes there is parked. Answers whether this call did it.

        Whoever has changed it since then, or does so at this moment, knows better.
        """
        record = await self._registry.read(subscribed.kind_of(id), section, id)
        if record is None or record.doc["status"] != "active" or _changed_at(record) >= unless_changed_since:
            return False
        now = times.text(self._clock.now())
        disabled = record.with_doc(status="disabled", disabledAt=now, disabledBy=doubt.value)
        with suppress(Conflict):
            await self._registry.replace(disabled, "disabled")
            return True
        return False

    async def changed_at(self, section: str, id: str) -> datetime:
        """When somebody last changed it, paused or resumed it; long ago, if nobody has."""
        record = await self._registry.read(subscribed.kind_of(id), section, id)
        return EPOCH if record is None else _changed_at(record)

    async def disabled(self, section: str, id: str) -> dict[str, Json]:
        """When and why it, or a subscription, was disabled; empty where it is not."""
        record = await self._registry.read(subscribed.kind_of(id), section, id)
        return {} if record is None else disabled_in(record)

    def _changed(self, record: Record, **members: Json) -> Record:
        return record.with_doc(changedAt=times.text(self._clock.now()), **members)

    async def open(self, section: str, id: str) -> Target | None:
        """The destination with its secrets. Raises Unavailable when they cannot be unsealed."""
        record = await self._registry.find(subscribed.kind_of(id), section, id)
        return None if record is None else self._opened.get(record)

    async def active(self, section: str) -> Sequence[str]:
        """The ids of those that take something, the subscriptions' among them."""
        kinds = (Kind.DESTINATION, Kind.SUBSCRIPTION)
        records = [one for kind in kinds for one in await self._registry.list(kind, section)]
        return [record.id for record in records if record.doc["status"] == "active"]

    def _open(self, record: Record) -> Target:
        doc = record.doc
        is_one = record.kind is Kind.SUBSCRIPTION
        kind, members = (
            (subscribed.KIND, subscribed.settings(record)) if is_one else (doc["kind"], doc["settings"])
        )
        unsealed = exact.read(self._seal.unseal(_context(record.section, record.id), doc["secrets"]))
        return Target(record.id, kind, _settings(kind, members), unsealed, doc["status"])

    async def _replace(self, record: Record) -> dict[str, Json]:
        await self._registry.replace(record)
        return _shown(record)

    async def _record(self, section: str, id: str) -> Record:
        record = await self._registry.read(Kind.DESTINATION, section, id)
        if record is None:
            raise NotFound("There is no such destination in this section.")
        return record


def _settings(kind: str, settings: dict[str, Json]) -> DestinationSettings:
    try:
        checked: DestinationSettings = destinations.load(kind).settings.model_validate(settings)
    except ValidationError as error:
        faults = faults_of(error, "/settings")
        raise Invalid(f"The settings do not fit a {kind} destination.", faults=faults) from None
    return checked


def _check_rate(kind: str, settings: DestinationSettings) -> None:
    """Whoever asks for more than the kind takes would only be refused there. Raises Invalid."""
    asked, most = settings.per_minute, destinations.load(kind).limits.per_minute
    if asked is not None and most is not None and asked > most:
        expected, pointer = f"at most {most:,} a minute", "/settings/perMinute"
        fault = Fault(pointer, f"A {kind} destination takes no more than {most:,}.", expected, f"{asked:,}")
        raise Invalid(f"The settings do not fit a {kind} destination.", faults=[fault])


_context = subscribed.context


def _changed_at(record: Record) -> datetime:
    at = record.doc.get("changedAt")
    return EPOCH if at is None else times.parse(at)


def _shown(record: Record) -> dict[str, Json]:
    """With when and why it was disabled, while it is."""
    hidden = ("schema", "secrets", "changedAt", "disabledAt", "disabledBy")
    doc = {name: value for name, value in record.doc.items() if name not in hidden}
    return {"id": record.id, **doc, **disabled_in(record)}


def disabled_in(record: Record) -> dict[str, Json]:
    """When and why a destination or a subscription was disabled, by its document; empty where it is not."""
    doubt = record.doc.get("disabledBy")
    return {"disabledAt": record.doc["disabledAt"], "disabledReason": Doubt(doubt).sentence} if doubt else {}
