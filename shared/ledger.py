"""The events table: event, key, outbox and expiry rows of a section's buckets, and every way they are read."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared import documents, ids, times
from shared.event import Event, Stored
from shared.ids import Commit
from shared.ports import Blobs, Operation, Row, RowChanged, Tables, Value, Verb
from shared.storage import EVENTS

MAX_ROW_BYTES = 512 * 1024
"""A larger body goes to a blob, and the row keeps its name (claim check)."""
_AFTER = "~"
"""Sorts after every character of a row key."""


class State(StrEnum):
    """What recording found: NEW was stored now; PENDING lies there, maybe never handed off; DONE was handed off."""

    NEW = "new"
    PENDING = "pending"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event about to be stored under its id, with its idempotency marks."""

    id: str
    event: Event
    key_hash: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What an idempotency key is bound to. It holds nothing personal and outlives the event."""

    id: str
    event: str
    version: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Outbox:
    """The row of a commit that is not finished: what the sweeper looks at."""

    commit: Commit
    events: int
    sent_at: datetime | None
    looked_at: datetime | None
    checks: int
    resends: int
    etag: str | None = None


class Ledger:
    """Reads and writes the events table. Groups and duplicates are decided in `stages.record`."""

    def __init__(self, tables: Tables, blobs: Blobs) -> None:
        self._tables = tables
        self._blobs = blobs

    async def insert(self, section: str, commit: Commit, entries: Sequence[Entry], key_days: int) -> None:
        """Store a group, all or nothing. Raises RowExists, RowTooLarge, Unavailable (then maybe stored)."""
        pk = _pk(section, commit)
        rows = [await self._event_row(section, pk, entry) for entry in entries]
        rows += [_key_row(pk, entry) for entry in entries if entry.key_hash]
        rows += [Row(pk, f"c|{commit.id}", {"events": len(entries), "checks": 0, "resends": 0, "schema": 1})]
        rows += _expiry_rows(pk, commit, entries, key_days)
        await self._tables.transact(EVENTS.name, [Operation(Verb.INSERT, row) for row in rows])

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

    async def state(self, section: str, commit: Commit) -> State:
        """PENDING while the commit has never been handed off, else DONE."""
        row = await self._tables.get(EVENTS.name, _pk(section, commit), f"c|{commit.id}")
        return State.PENDING if row is not None and row.values.get("sentAt") is None else State.DONE

    async def mark_sent(self, section: str, commit: Commit, now: datetime) -> None:
        """Note that the commit's message is on the bus. A commit that is finished already stays so."""
        await self.update(section, commit, {"sentAt": times.text(now)})

    async def update(self, section: str, commit: Commit, values: Mapping[str, Value]) -> None:
        """Write members of the outbox row, if the commit is not finished yet."""
        try:
            await self._tables.merge(EVENTS.name, Row(_pk(section, commit), f"c|{commit.id}", values))
        except RowChanged:
            return

    async def finish(self, section: str, commit: Commit, etag: str | None = None) -> None:
        """Take the commit out of the outbox: everything of it has ended somewhere that an operator can see.

        With the `etag` of its row only if nobody has touched it since: a replay may just have reopened it.
        """
        row = Row(_pk(section, commit), f"c|{commit.id}", etag=etag)
        if etag is None:
            await self._tables.delete(EVENTS.name, row.pk, row.rk)
            return
        with suppress(RowChanged):
            await self._tables.transact(EVENTS.name, [Operation(Verb.DELETE, row)])

    async def reopen(self, section: str, commit: Commit, now: datetime) -> None:
        """Put a commit back into the outbox, because a delivery of it starts anew."""
        values: dict[str, Value] = {
            "events": 0,
            "checks": 0,
            "resends": 0,
            "sentAt": times.text(now),
            "schema": 1,
        }
        await self._tables.upsert(EVENTS.name, Row(_pk(section, commit), f"c|{commit.id}", values))

    async def commit(self, section: str, commit: Commit) -> list[Stored]:
        """The events of a commit, in their order: one range read."""
        high = f"e|{commit.last}{_AFTER}"
        return await self._read(_pk(section, commit), f"e|{commit.id}", high)

    async def event(self, section: str, id: str) -> Stored | None:
        """One event by its id. Raises ValueError for what is no event id."""
        row = await self._tables.get(EVENTS.name, _pk(section, ids.commit_of(id)), f"e|{id}")
        return None if row is None else await self._stored(row)

    async def outbox(self, section: str, bucket: int, before: datetime, most: int) -> AsyncIterator[Outbox]:
        """Commits of a bucket that are not finished, oldest first, made before `before`."""
        high = f"c|{ids.lowest(before)}"
        async for row in self._tables.range(EVENTS.name, f"{section}|{bucket}", "c|", high, limit=most):
            yield _outbox(row)

    async def between(self, section: str, bucket: int, low: str, high: str, most: int | None) -> list[Stored]:
        """Events of a bucket with low <= id < high, oldest first."""
        return await self._read(f"{section}|{bucket}", f"e|{low}", f"e|{high}", most)

    async def expired(self, section: str, bucket: int, today: str, most: int) -> AsyncIterator[Row]:
        """The expiry rows of a bucket whose day (YYYYMMDD) has passed."""
        async for row in self._tables.range(
            EVENTS.name, f"{section}|{bucket}", "x|", f"x|{today}", limit=most
        ):
            yield row

    async def purge(self, section: str, commit: Commit, row_keys: Sequence[str]) -> None:
        """Delete rows of a commit's partition, at most 100, the last one last; and the bodies that lie beside."""
        pk = _pk(section, commit)
        bodies = [f"{section}/{key[2:]}" for key in row_keys if key.startswith("e|")]
        await asyncio.gather(*(self._blobs.delete(name) for name in bodies))
        try:
            operations = [Operation(Verb.DELETE, Row(pk, key)) for key in row_keys]
            await self._tables.transact(EVENTS.name, operations)
        except RowChanged:
            # Some are gone already, by an erasure or by a purge that was cut short.
            for key in row_keys:
                await self._tables.delete(EVENTS.name, pk, key)

    async def _event_row(self, section: str, pk: str, entry: Entry) -> Row:
        document = documents.write_event(entry.event)
        values: dict[str, Value] = {"schema": documents.SCHEMA}
        if len(document) > MAX_ROW_BYTES:
            values["blob"] = f"{section}/{entry.id}"
            await self._blobs.put(f"{section}/{entry.id}", document)
        else:
            values["doc"] = document
        return Row(pk, f"e|{entry.id}", values)

    async def _read(self, pk: str, low: str, high: str, most: int | None = None) -> list[Stored]:
        rows = self._tables.range(EVENTS.name, pk, low, high, limit=most)
        return [stored async for row in rows if (stored := await self._stored(row))]

    async def _stored(self, row: Row) -> Stored | None:
        document = row.values.get("doc") or await self._blobs.get(str(row.values.get("blob")))
        # A body is written before its row and deleted before it: none means that the event is being erased.
        return Stored(row.rk[2:], documents.read_event(document)) if isinstance(document, bytes) else None


def _pk(section: str, commit: Commit) -> str:
    return f"{section}|{commit.bucket}"


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
    return [
        Row(pk, f"x|{day}|{commit.id}", {"rows": ",".join(keys), "schema": 1}) for day, keys in days.items()
    ]


def _day(event: Event, days: int) -> str:
    return (event.received_at + timedelta(days=days)).strftime("%Y%m%d")


def _outbox(row: Row) -> Outbox:
    return Outbox(
        commit=ids.commit_of(row.rk[2:]),
        events=int(row.values["events"] or 0),
        sent_at=_time(row.values.get("sentAt")),
        looked_at=_time(row.values.get("lookedAt")),
        checks=int(row.values["checks"] or 0),
        resends=int(row.values["resends"] or 0),
        etag=row.etag,
    )


def _time(value: Value) -> datetime | None:
    return times.parse(value) if isinstance(value, str) else None
