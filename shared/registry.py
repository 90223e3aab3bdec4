"""The configuration of a deployment as small JSON documents: sections, keys, clients, sources, definitions, routes.

Table `registry`: partition `{section}|{kind}`, row `{id}`. What is found by its id alone, before the section is
known (keys and webhook sources), has a pointer row in section "" as well, written first. Each change of a document
writes an audit row in the same transaction (`shared.changes`), behind the documents of the partition.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic

from shared import exact
from shared.cached import Cached
from shared.changes import FIRST, change, newest_of, row_of
from shared.errors import BodyTooLarge, Conflict, LimitReached
from shared.exact import Json
from shared.killpoints import reached
from shared.ports import Operation, Row, RowChanged, RowExists, RowTooLarge, Tables, Verb, bytes_of
from shared.storage import REGISTRY

MAX_SECTIONS = 500
"""Of a deployment: a tick looks after each."""
MAX_KEYS = 10_000
"""Of a section, revoked ones too: nothing deletes one."""
MAX_CLIENTS = 1_000
MAX_SOURCES = 1_000
MAX_DEFINITIONS = 2_000
MAX_ROUTES = 1_000
"""Of a section: an instance reads them all, since an event may take any."""
MAX_DESTINATIONS = 1_000
MAX_SUBSCRIPTIONS = 500
"""Of a section: read as routes are."""
_AFTER = "~"
"""Sorts after every character of an id."""
CACHE_SECONDS = 10
"""How long an instance may go on with an older document: a revoked key is refused within this."""


class Kind(StrEnum):
    """The kinds of document, as they stand in partition keys."""

    SECTION = "section"
    KEY = "key"
    CLIENT = "client"
    SOURCE = "source"
    DEFINITION = "definition"
    VERSION = "version"
    ROUTE = "route"
    DESTINATION = "destination"
    SUBSCRIPTION = "subscription"
    ACT = "act"
    """No document: what was started, in the audit alone."""


@dataclass(frozen=True, slots=True)
class Record:
    """One document with its place; `etag` is None until it has been read."""

    kind: Kind
    section: str
    id: str
    doc: Mapping[str, Json]
    etag: str | None = None
    was: Mapping[str, Json] | None = field(default=None, compare=False, repr=False)
    """The document as it was read."""

    def with_doc(self, **members: Json) -> "Record":
        """The same record with some members of its document replaced."""
        return replace(self, doc={**self.doc, **members}, was=self.doc if self.was is None else self.was)


Place = tuple[Kind, str, str]
FINDABLE = (Kind.KEY, Kind.SOURCE)
"""What has a pointer."""
_MOST: Mapping[Kind, tuple[int, str]] = {
    Kind.SECTION: (MAX_SECTIONS, "Use one that is there, or another deployment."),
    Kind.KEY: (MAX_KEYS, "Rotate a key instead of creating another, or use another section."),
    Kind.CLIENT: (MAX_CLIENTS, "Register one again that was revoked, or use another section."),
    Kind.SOURCE: (MAX_SOURCES, "Set one up anew that nobody uses, or use another section."),
    Kind.DEFINITION: (MAX_DEFINITIONS, "Add a version to one, or use another section."),
    Kind.ROUTE: (MAX_ROUTES, "Resume one that is paused, or use another section."),
    Kind.DESTINATION: (MAX_DESTINATIONS, "Use one that is there, or another section."),
    Kind.SUBSCRIPTION: (MAX_SUBSCRIPTIONS, "Delete one that nobody needs any more."),
}
"""How many documents of a kind a section may have, and what to do then."""


class Registry:
    """Reads and writes configuration documents."""

    def __init__(
        self,
        tables: Tables,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._tables = tables
        self._now = now
        self._cache: Cached[Place, Record] = Cached(self._fetch, seconds=CACHE_SECONDS, clock=clock)
        self._lists: Cached[tuple[Kind, str], Sequence[Record]] = Cached(
            lambda place: self.list(*place), seconds=CACHE_SECONDS, most=1_000, clock=clock
        )

    async def find(self, kind: Kind, section: str, id: str) -> Record | None:
        """A document, at most CACHE_SECONDS old: for the line, which only reads."""
        return await self._cache.get((kind, section, id))

    async def read(self, kind: Kind, section: str, id: str) -> Record | None:
        """A document as it stands now: for whoever changes it."""
        return await self._fetch((kind, section, id))

    async def list(self, kind: Kind, section: str, prefix: str = "") -> list[Record]:
        """All documents of a kind in a section, by id; `prefix` narrows to ids that begin so."""
        rows = self._tables.range(REGISTRY.name, f"{section}|{kind}", prefix, prefix + _AFTER)
        return [_record(kind, section, row) async for row in rows]

    async def listed(self, kind: Kind, section: str) -> Sequence[Record]:
        """All documents of a kind in a section, at most CACHE_SECONDS old."""
        return await self._lists.get((kind, section)) or ()

    async def require_room(self, kind: Kind, section: str) -> None:
        """Raises LimitReached where there are as many as there may be. Of those who come at once a few more may pass."""
        most, advice = _MOST.get(kind, (0, ""))
        if most:
            place = REGISTRY.name, f"{section}|{kind}", "", _AFTER
            if len([row.rk async for row in self._tables.range(*place, limit=most, select=())]) >= most:
                whose = "A deployment" if kind is Kind.SECTION else "A section"
                raise LimitReached(f"{whose} has at most {most:,} {kind}s. {advice}")

    async def create(self, record: Record) -> None:
        """Raises Conflict when the id is taken, LimitReached, BodyTooLarge for more than a row holds."""
        await self.require_room(record.kind, record.section)
        await self._create(record, [self._audit(record, "created")])

    async def _create(self, record: Record, also: Sequence[Operation]) -> None:
        try:
            await self._tables.transact(REGISTRY.name, [Operation(Verb.INSERT, _row(record)), *also])
        except RowExists:
            raise Conflict(
                f"A {record.kind} named {record.id} exists already. Choose another name."
            ) from None
        except RowTooLarge:
            raise _too_large(record) from None
        self._forget(record)

    async def replace(self, record: Record, done: str = "changed") -> None:
        """Write a document that was read before; the audit says what was `done`.

        Raises Conflict when someone else changed it, BodyTooLarge.
        """
        try:
            row = Operation(Verb.REPLACE, _row(record))
            await self._tables.transact(REGISTRY.name, [row, self._audit(record, done)])
        except RowChanged:
            raise Conflict(f"The {record.kind} {record.id} has changed. Read it and try again.") from None
        except RowTooLarge:
            raise _too_large(record) from None
        self._forget(record)

    async def remove(self, record: Record, done: str) -> None:
        """Delete a document that was read before; the audit stays. Raises Conflict when someone else changed it."""
        try:
            gone = replace(record, doc={}, was=record.doc)
            row = Operation(Verb.DELETE, _row(record))
            await self._tables.transact(REGISTRY.name, [row, self._audit(gone, done)])
        except RowChanged:
            raise Conflict(f"The {record.kind} {record.id} has changed. Read it and try again.") from None
        self._forget(record)

    async def section_of(self, kind: Kind, id: str) -> str | None:
        """The section that a key or source id belongs to."""
        pointer = await self.find(kind, "", id)
        return None if pointer is None else str(pointer.doc["section"])

    async def create_findable(self, record: Record) -> None:
        """Create a document that can be found by its id alone: the pointer first, which harms nobody alone."""
        await self.require_room(record.kind, record.section)
        await self._create(Record(record.kind, "", record.id, {"section": record.section}), [])
        reached("registry.pointer-written")
        await self._create(record, [self._audit(record, "created")])

    async def changes(self, kind: Kind, section: str, limit: int, after: str = "") -> Sequence[Row]:
        """The audit rows of a kind in a section, newest first; `after` is the place of one to go on from."""
        pk, prefix = told_at(kind, section)
        low = f"{prefix}{after}{_AFTER}" if after else prefix
        rows = self._tables.range(REGISTRY.name, pk, low, prefix + _AFTER, limit=limit)
        return [row async for row in rows]

    async def changes_before(self, kind: Kind, section: str, at: datetime) -> AsyncIterator[Row]:
        """The audit rows of a kind in a section that are older than that."""
        pk, prefix = told_at(kind, section)
        async for row in self._tables.range(REGISTRY.name, pk, prefix + newest_of(at), prefix + _AFTER):
            yield row

    async def sections_told(self) -> AsyncIterator[str]:
        """Every section of whose own document the audit tells, also one that is gone: one request each."""
        low: str | None = FIRST
        while low is not None:
            rows = self._tables.range(REGISTRY.name, f"|{Kind.SECTION}", low, limit=1)
            low = None
            async for row in rows:
                section = row.rk.removeprefix(FIRST).partition("|")[0]
                low = f"{FIRST}{section}|{_AFTER}"
                yield section

    async def forget_change(self, row: Row) -> None:
        """Delete an audit row that is past its time."""
        await self._tables.delete(REGISTRY.name, row.pk, row.rk)

    async def note(self, section: str, what: str, id: str, told: Mapping[str, Json]) -> None:
        """Write into the audit that something was started."""
        started = change(what, id, {}, told)
        await self._tables.upsert(REGISTRY.name, row_of(f"{section}|{Kind.ACT}", started, self._now()))

    def _audit(self, record: Record, done: str) -> Operation:
        told = change(f"{record.kind} {done}", record.id, record.was or {}, record.doc)
        pk, prefix = told_at(record.kind, record.id if record.kind is Kind.SECTION else record.section)
        return Operation(Verb.INSERT, row_of(pk, told, self._now(), record.etag, prefix=prefix))

    async def _fetch(self, place: Place) -> Record | None:
        kind, section, id = place
        if id.startswith(FIRST):
            return None
        row = await self._tables.get(REGISTRY.name, f"{section}|{kind}", id)
        return None if row is None else _record(kind, section, row)

    def _forget(self, record: Record) -> None:
        self._cache.forget((record.kind, record.section, record.id))
        self._lists.forget((record.kind, record.section))


def told_at(kind: Kind, section: str) -> tuple[str, str]:
    """The partition of a section's audit rows, and how their keys begin: sections lie together, each for itself."""
    return (f"|{kind}", f"{FIRST}{section}|") if kind is Kind.SECTION else (f"{section}|{kind}", FIRST)


def _too_large(record: Record) -> BodyTooLarge:
    return BodyTooLarge(f"The {record.kind} is larger than storage takes. Make it smaller.")


def _row(record: Record) -> Row:
    doc = exact.dumps({**record.doc, "schema": 1}).encode()
    return Row(f"{record.section}|{record.kind}", record.id, {"doc": doc}, record.etag)


def _record(kind: Kind, section: str, row: Row) -> Record:
    return Record(kind, section, row.rk, exact.read(bytes_of(row, "doc")), row.etag)
