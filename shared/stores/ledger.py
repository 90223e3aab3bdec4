"""The events table: event, key and expiry rows of a section's buckets, and every way they are read.

Events of one commit that are asked for at the same time are read together: they lie side by side.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import documents, ids, times
from shared.event import Event, Stored
from shared.exact import Json
from shared.gather import Gather
from shared.ids import Commit
from shared.killpoints import reached
from shared.ports import Blobs, Operation, Row, RowChanged, RowExists, RowTooLarge, Tables, Value, Verb
from shared.storage import EVENTS
from shared.stores.outbox import unsent_row

MAX_ROW_BYTES = 512 * 1024
"""A larger body goes to a blob, and the row keeps its name (claim check)."""
_AFTER = "~"
"""Sorts after every character of a row key."""
_SUMMARY = ("event", "version", "source", "occurredAt", "receivedAt", "test")
"""What a row says of its event beside the document, so that a list reads no bodies. None of it is personal."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event about to be stored under its id, with its document and its idempotency marks."""

    id: str
    event: Event
    document: bytes
    key_hash: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What an idempotency key is bound to. It holds nothing personal and outlives the event."""

    id: str
    event: str
    version: str
    fingerprint: str


class Ledger:
    """Reads and writes the events table. Groups and duplicates are decided in `stages.record`."""

    def __init__(self, tables: Tables, blobs: Blobs) -> None:
        self._tables = tables
        self._blobs = blobs
        self._reads = Gather(self._read, most=ids.MAX_EVENTS_A_COMMIT)

    async def insert(self, section: str, commit: Commit, entries: Sequence[Entry], key_days: int) -> None:
        """Store a group, all or nothing. Raises RowExists, RowTooLarge, Unavailable (then maybe stored)."""
        pk = _pk(section, commit)
        large = [entry for entry in entries if len(entry.document) > MAX_ROW_BYTES]
        await asyncio.gather(*(self._blobs.put(_blob(section, entry.id), entry.document) for entry in large))
        if large:
            reached("ledger.body-put")
        rows = [_event_row(section, pk, entry) for entry in entries]
        rows += [_key_row(pk, entry) for entry in entries if entry.key_hash]
        rows += [unsent_row(pk, commit), *_expiry_rows(pk, commit, entries, key_days)]
        try:
            await self._tables.transact(EVENTS.name, [Operation(Verb.INSERT, row) for row in rows])
        except (RowExists, RowTooLarge):
            if large and not await self.holds(section, commit):
                await asyncio.gather(*(self._blobs.delete(_blob(section, entry.id)) for entry in large))
            raise

    async def holds(self, section: str, commit: Commit) -> bool:
        """Whether this commit was stored: asked when the answer to its insert was lost."""
        return await self._tables.get(EVENTS.name, _pk(section, commit), f"e|{commit.event(0)}") is not None

    async def key(self, section: str, bucket: int, key_hash: str) -> KeyRow | None:
        """What the key is bound to."""
        row = await self._tables.get(EVENTS.name, f"{section}|{bucket}", f"k|{key_hash}")
        if row is None:
            return None
        value = row.values
        return KeyRow(str(value["id"]), str(value["event"]), str(value["version"]), str(value["fingerprint"]))

    async def commit(self, section: str, commit: Commit) -> list[Stored]:
        """The events of a commit, in their order: one range read."""
        rows = self._tables.range(EVENTS.name, _pk(section, commit), *_span(commit))
        return [stored async for row in rows if (stored := await self._stored(row))]

    async def ids(self, section: str, commit: Commit) -> list[str]:
        """The ids of what is still there of a commit."""
        rows = self._tables.range(EVENTS.name, _pk(section, commit), *_span(commit), select=())
        return [row.rk[2:] async for row in rows]

    async def event(self, section: str, id: str) -> Stored | None:
        """One event by its id. Raises ValueError for what is no event id."""
        return await self._reads.add((section, ids.commit_of(id)), id)

    async def after(self, section: str, bucket: int, id: str, most: int) -> AsyncIterator[Stored]:
        """Whole events of a bucket after an id, oldest first; after the empty one from the beginning."""
        # A space sorts before all that could follow an id.
        low = f"e|{id} " if id else "e|"
        rows = self._tables.range(EVENTS.name, f"{section}|{bucket}", low, f"e|{_AFTER}", limit=most)
        async for row in rows:
            stored = await self._stored(row)
            if stored is not None:
                yield stored

    async def summaries(
        self, section: str, bucket: int, low: str, high: str, most: int
    ) -> list[dict[str, Json]]:
        """What lists show of the events of a bucket with low <= id < high, oldest first; no bodies are read."""
        place = (EVENTS.name, f"{section}|{bucket}", f"e|{low}", f"e|{high}")
        rows = self._tables.range(*place, limit=most, select=_SUMMARY)
        return [_summary(row) async for row in rows]

    async def expired(self, section: str, bucket: int, today: str, most: int) -> AsyncIterator[Row]:
        """The expiry rows of a bucket whose day (YYYYMMDD) has passed."""
        rows = self._tables.range(EVENTS.name, f"{section}|{bucket}", "x|", f"x|{today}", limit=most)
        async for row in rows:
            yield row

    async def purge(self, section: str, row: Row) -> None:
        """Delete what an expiry row lists, then the row itself; and the bodies that lie beside."""
        blobs = str(row.values.get("blobs") or "").split()
        await asyncio.gather(*(self._blobs.delete(_blob(section, id)) for id in blobs))
        if blobs:
            reached("ledger.bodies-deleted")
        keys = [*str(row.values["rows"]).split(","), row.rk]
        try:
            operations = [Operation(Verb.DELETE, Row(row.pk, key)) for key in keys]
            await self._tables.transact(EVENTS.name, operations)
        except RowChanged:
            # Some are gone already, by an erasure or by a purge that was cut short.
            for key in keys:
                await self._tables.delete(EVENTS.name, row.pk, key)

    async def _read(self, place: tuple[str, Commit], wanted: Sequence[str]) -> Sequence[Stored | None]:
        """Events of one commit: a point read of one, a range read of several."""
        pk, low, high = _pk(*place), f"e|{min(wanted)}", f"e|{max(wanted)}{_AFTER}"
        if len(set(wanted)) == 1:
            row = await self._tables.get(EVENTS.name, pk, low)
            rows = [] if row is None else [row]
        else:
            rows = [row async for row in self._tables.range(EVENTS.name, pk, low, high)]
        found = {row.rk[2:]: row for row in rows if row.rk[2:] in wanted}
        stored = await asyncio.gather(*(self._stored(row) for row in found.values()))
        by_id = dict(zip(found, stored, strict=True))
        return [by_id.get(id) for id in wanted]

    async def _stored(self, row: Row) -> Stored | None:
        document = row.values.get("doc") or await self._blobs.get(str(row.values.get("blob")))
        # A body is written before its row and deleted before it: none means that the event is being erased.
        return Stored(row.rk[2:], documents.read_event(document)) if isinstance(document, bytes) else None


def _pk(section: str, commit: Commit) -> str:
    return f"{section}|{commit.bucket}"


def _span(commit: Commit) -> tuple[str, str]:
    return f"e|{commit.id}", f"e|{commit.last}{_AFTER}"


def _blob(section: str, id: str) -> str:
    return f"{section}/{id}"


def _event_row(section: str, pk: str, entry: Entry) -> Row:
    event = entry.event
    values: dict[str, Value] = {
        "event": event.event,
        "version": event.version,
        "source": event.source,
        "occurredAt": event.occurred_at,
        "receivedAt": event.received_at.isoformat(),
        "test": event.test,
        "schema": documents.SCHEMA,
    }
    if len(entry.document) > MAX_ROW_BYTES:
        return Row(pk, f"e|{entry.id}", {**values, "blob": _blob(section, entry.id)})
    return Row(pk, f"e|{entry.id}", {**values, "doc": entry.document})


def _key_row(pk: str, entry: Entry) -> Row:
    values: dict[str, Value] = {
        "id": entry.id,
        "event": entry.event.event,
        "version": entry.event.version,
        "fingerprint": entry.fingerprint,
        "schema": 1,
    }
    return Row(pk, f"k|{entry.key_hash}", values)


def _expiry_rows(pk: str, commit: Commit, entries: Sequence[Entry], key_days: int) -> list[Row]:
    days: dict[str, list[str]] = {}
    for entry in entries:
        if entry.event.retention_days is not None:
            days.setdefault(_day(entry.event, entry.event.retention_days), []).append(f"e|{entry.id}")
        if entry.key_hash:
            days.setdefault(_day(entry.event, key_days), []).append(f"k|{entry.key_hash}")
    large = {f"e|{entry.id}": entry.id for entry in entries if len(entry.document) > MAX_ROW_BYTES}
    return [
        Row(pk, f"x|{day}|{commit.id}", _expiry(keys, [large[key] for key in keys if key in large]))
        for day, keys in days.items()
    ]


def _expiry(keys: Sequence[str], blobs: Sequence[str]) -> dict[str, Value]:
    return {"rows": ",".join(keys), "blobs": " ".join(blobs) or None, "schema": 1}


def _day(event: Event, days: int) -> str:
    return (event.received_at + timedelta(days=days)).strftime("%Y%m%d")


def _summary(row: Row) -> dict[str, Json]:
    received = times.text(datetime.fromisoformat(str(row.values["receivedAt"])))
    shown = {name: row.values.get(name) for name in _SUMMARY}
    return {"id": row.rk[2:], **shown, "receivedAt": received, "occurredAt": shown["occurredAt"] or received}
