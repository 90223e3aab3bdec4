"""Sections: the isolated spaces that everything belongs to, each with a hash key of its own."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared import times
from shared.access.opened import Opened
from shared.access.section_body import A_SECTION, SectionBody, SectionSettings
from shared.bodies import read_body
from shared.errors import Conflict, Fault, Invalid, NotFound
from shared.exact import Json
from shared.ports import Clock, Seal
from shared.registry import Kind, Record, Registry

HASH_KEY_BYTES = 32
_EVERYWHERE = ""
"""Sections are listed across the deployment, so they lie in the registry's own section."""

Running = Literal["active", "paused"]
Status = Literal["active", "paused", "deleted"]

_ANSWERED = (
    "id",
    "name",
    "country",
    "timeZone",
    "publicBaseUrl",
    "retentionDays",
    "idempotencyDays",
    "perMinute",
    "buckets",
    "status",
    "createdAt",
    "deletedAt",
)


@dataclass(frozen=True, slots=True)
class Section:
    """A section as the line uses it."""

    id: str
    name: str
    country: str
    """Of phone numbers without a country code (ISO 3166-1 alpha-2)."""
    time_zone: str
    public_base_url: str
    retention_days: int | None
    idempotency_days: int
    buckets: int
    hash_key: bytes = field(repr=False)
    """The key of every keyed hash in this section; it never changes, or no hash would be found again."""
    per_minute: int = A_SECTION
    """Requests and events that all its keys and sources may send in a minute."""
    paused: bool = False
    """What comes in is stored, and nothing of it is processed or sent."""


class Sections:
    """Creates, lists and finds sections."""

    def __init__(self, registry: Registry, seal: Seal, clock: Clock) -> None:
        self._registry = registry
        self._seal = seal
        self._clock = clock
        self._opened = Opened(self._open)

    async def create(self, body: Json, random: bytes) -> dict[str, Json]:
        """A new section; `random` is 32 random bytes, its hash key. Raises Invalid, Conflict when the id is taken."""
        if len(random) != HASH_KEY_BYTES:
            raise ValueError(f"a hash key is {HASH_KEY_BYTES} random bytes, not {len(random)}")
        wanted = read_body(SectionBody, body)
        doc = {
            **wanted.model_dump(by_alias=True),
            "status": "active",
            "createdAt": times.text(self._clock.now()),
            "hashKey": self._seal.seal(_context(wanted.id), base64.b64encode(random).decode()),
        }
        await self._registry.create(Record(Kind.SECTION, _EVERYWHERE, wanted.id, doc))
        return _answer(doc)

    async def list(self, *, deleted_too: bool = False) -> list[dict[str, Json]]:
        """All sections, by id; `deleted_too`: with those of which not everything is cleared away yet."""
        records = await self._registry.list(Kind.SECTION, _EVERYWHERE)
        return [_answer(one.doc) for one in records if deleted_too or not _is_deleted(one)]

    async def deleted(self) -> Sequence[tuple[str, datetime]]:
        """The sections that are to be cleared away, and when they were deleted."""
        records = await self._registry.list(Kind.SECTION, _EVERYWHERE)
        return [(one.id, times.parse(one.doc["deletedAt"])) for one in records if _is_deleted(one)]

    async def show(self, id: str) -> dict[str, Json]:
        """A section as the API answers it. Raises NotFound."""
        record = await self._registry.find(Kind.SECTION, _EVERYWHERE, id)
        if record is None or _is_deleted(record):
            raise _unknown()
        return _answer(record.doc)

    async def configure(self, id: str, body: Json) -> dict[str, Json]:
        """Replace a section's settings, whole; instances follow within CACHE_SECONDS.

        What is stored already stays as it was accepted. Raises NotFound, Invalid, Conflict.
        """
        wanted = read_body(SectionSettings, body)
        return await self._change(id, **wanted.model_dump(by_alias=True))

    async def delete(self, id: str, confirm: str | None) -> dict[str, Json]:
        """Delete a paused section: instances know no such section within CACHE_SECONDS, and the tick clears it away.

        Deleting it again changes nothing. Raises NotFound, Invalid unless `confirm` repeats its id, and Conflict
        unless it is paused.
        """
        record = await self._read(id)
        if confirm != id:
            fault = Fault("/confirm", "Repeat the section's id to delete it with all that is in it.", id)
            raise Invalid("This would delete the section and all its data for good.", faults=[fault])
        if not _is_deleted(record):
            if _status(record.doc) != "paused":
                raise Conflict("The section is active. Pause it, and see that nobody misses it, first.")
            record = record.with_doc(deletedAt=times.text(self._clock.now()))
            await self._registry.replace(record, "deleted")
        return _answer(record.doc)

    async def forget(self, id: str) -> None:
        """Let go of a deleted section's own document, once nothing else of it is left. Raises NotFound, Conflict."""
        record = await self._read(id)
        if not _is_deleted(record):
            raise Conflict("The section is not deleted.")
        await self._registry.remove(record, "cleared away")

    async def set_status(self, id: str, status: Running) -> dict[str, Json]:
        """Pause a section, or resume it; instances follow within CACHE_SECONDS. Raises NotFound, Conflict."""
        return await self._change(id, status=status)

    async def read(self, id: str) -> Section:
        """Raises NotFound when there is no such section, Unavailable when its hash key cannot be unsealed."""
        section = await self.find(id)
        if section is None:
            raise _unknown()
        return section

    async def find(self, id: str) -> Section | None:
        """Like `read`, with None for a section that is not there."""
        return self._live(await self._registry.find(Kind.SECTION, _EVERYWHERE, id))

    async def find_now(self, id: str) -> Section | None:
        """Like `find`, but storage is asked before it is said that there is none: what is remembered may be older."""
        return await self.find(id) or self._live(await self._registry.read(Kind.SECTION, _EVERYWHERE, id))

    def _live(self, record: Record | None) -> Section | None:
        return None if record is None or _is_deleted(record) else self._opened.get(record)

    async def _read(self, id: str) -> Record:
        record = await self._registry.read(Kind.SECTION, _EVERYWHERE, id)
        if record is None:
            raise _unknown()
        return record

    async def _change(self, id: str, **members: Json) -> dict[str, Json]:
        record = await self._read(id)
        if _is_deleted(record):
            raise Conflict("The section has been deleted, and is being cleared away.")
        changed = record.with_doc(**members)
        await self._registry.replace(changed)
        return _answer(changed.doc)

    def _open(self, record: Record) -> Section:
        doc = record.doc
        days = doc["retentionDays"]
        return Section(
            id=record.id,
            name=doc["name"],
            country=doc["country"],
            time_zone=doc["timeZone"],
            public_base_url=doc["publicBaseUrl"],
            retention_days=None if days is None else int(days),
            idempotency_days=int(doc["idempotencyDays"]),
            buckets=int(doc["buckets"]),
            hash_key=base64.b64decode(self._seal.unseal(_context(record.id), doc["hashKey"])),
            per_minute=_per_minute(doc),
            paused=_status(doc) == "paused",
        )


def _context(id: str) -> str:
    return f"section/{id}"


def _answer(doc: Json) -> dict[str, Json]:
    whole = {"deletedAt": None, **doc, "status": _status(doc), "perMinute": _per_minute(doc)}
    return {name: whole[name] for name in _ANSWERED}


def _per_minute(doc: Json) -> int:
    """Sections that were made before there were quotas name none."""
    return int(doc.get("perMinute") or A_SECTION)


def _status(doc: Json) -> Status:
    """Sections that were made before they could be paused name none.

    A deleted one stays paused, so that a version which knows of no deletion does nothing with it.
    """
    if doc.get("deletedAt"):
        return "deleted"
    return "paused" if doc.get("status") == "paused" else "active"


def _is_deleted(record: Record) -> bool:
    return _status(record.doc) == "deleted"


def _unknown() -> NotFound:
    return NotFound("There is no such section. Create it first, or correct its id.")
