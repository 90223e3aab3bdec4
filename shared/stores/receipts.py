"""Receipts: what became of each event, step by step, and each of its deliveries with every attempt.

Table `receipts`: a commit's events share a partition, `{id}|` holds the steps, `{id}|{route}` one delivery, `{id}|!`
a note. One range read is a whole receipt, and one transaction writes what processing a commit decided.
What is asked for or saved at the same time in one partition is read or written together.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace

from shared import ids
from shared.errors import Unavailable
from shared.gather import Gather
from shared.ids import Commit
from shared.ports import MAX_OPERATIONS, Operation, Row, RowChanged, RowTooLarge, Tables, Verb
from shared.storage import RECEIPTS
from shared.stores.trail import OPEN, Delivery, Trail, delivery_in, delivery_row, extended, steps_row


class Receipts:
    """Reads and writes the receipts table."""

    def __init__(self, tables: Tables, end_pause: float = 0) -> None:
        """Deliveries that end within `end_pause` seconds of each other are written together."""
        self._tables = tables
        self._reads = Gather(self._read, most=ids.MAX_EVENTS_A_COMMIT)
        self._saves = Gather(self._save, most=MAX_OPERATIONS)
        self._ends = Gather(self._save, most=MAX_OPERATIONS, pause_seconds=end_pause)

    async def trail(self, section: str, id: str) -> Trail:
        """The trail of one event. Raises ValueError for what is no event id."""
        return await self._reads.add((section, ids.commit_of(id)), id)

    async def trails(self, section: str, commit: Commit) -> dict[str, Trail]:
        """The trails of a commit's events, by id: one range read."""
        return await self._trails(section, commit, f"{commit.id}|", f"{commit.last}|~")

    async def write(self, section: str, commit: Commit, trails: Mapping[str, Trail]) -> None:
        """Write what processing decided: deliveries and steps where there are none yet.

        Steps say that an event is processed, so they come last: many routes take more than one transaction.
        Raises RowExists when somebody has written some of it before: read and decide again.
        """
        pk = _pk(section, commit)
        operations = [
            Operation(Verb.INSERT, delivery_row(pk, delivery))
            for trail in trails.values()
            for delivery in trail.deliveries
            if delivery.etag is None
        ]
        operations += [
            Operation(Verb.INSERT, steps_row(pk, id, trail))
            for id, trail in trails.items()
            if not trail.written
        ]
        for start in range(0, len(operations), MAX_OPERATIONS):
            await self._tables.transact(RECEIPTS.name, operations[start : start + MAX_OPERATIONS])

    async def delivery(self, section: str, id: str, route: str) -> Delivery | None:
        """One delivery. A `route` that is none may name another row of the event: that is no delivery."""
        row = await self._tables.get(RECEIPTS.name, _pk(section, ids.commit_of(id)), f"{id}|{route}")
        return delivery_in(row) if row is not None and "destination" in row.values else None

    async def save(self, section: str, delivery: Delivery) -> Delivery:
        """Write a delivery that was read before. Raises RowChanged when someone else changed it."""
        lane = self._saves if delivery.status in OPEN else self._ends
        saved = await lane.add(_pk(section, ids.commit_of(delivery.event_id)), delivery)
        if isinstance(saved, Exception):
            raise saved
        return saved

    async def note_difference(self, section: str, id: str) -> None:
        """Note that a sender repeated this event with another content under the same delivery id."""
        await self._tables.upsert(
            RECEIPTS.name, Row(_pk(section, ids.commit_of(id)), f"{id}|!", {"schema": 1})
        )

    async def remove(self, section: str, ids_: Iterable[str]) -> None:
        """Delete everything about some events."""
        for id in ids_:
            commit = ids.commit_of(id)
            async for row in self._rows(section, commit, f"{id}|", f"{id}|~"):
                await self._tables.delete(RECEIPTS.name, row.pk, row.rk)

    async def _read(self, place: tuple[str, Commit], wanted: Sequence[str]) -> Sequence[Trail]:
        found = await self._trails(*place, f"{min(wanted)}|", f"{max(wanted)}|~")
        return [found.get(id, Trail()) for id in wanted]

    async def _save(self, pk: str, deliveries: Sequence[Delivery]) -> Sequence[Delivery | Exception]:
        """All in one transaction; when one of them stands in its way, each by itself."""
        rows = [delivery_row(pk, one) for one in deliveries]
        if len({row.rk for row in rows}) == len(rows) > 1:
            try:
                etags = await self._tables.transact(
                    RECEIPTS.name, [Operation(Verb.REPLACE, row) for row in rows]
                )
            except (RowChanged, RowTooLarge):
                pass
            else:
                return [replace(one, etag=etag) for one, etag in zip(deliveries, etags, strict=True)]
        return await asyncio.gather(*(self._save_one(pk, one) for one in deliveries))

    async def _save_one(self, pk: str, delivery: Delivery) -> Delivery | Exception:
        try:
            etag = await self._tables.replace(RECEIPTS.name, delivery_row(pk, delivery))
        except (RowChanged, RowTooLarge, Unavailable) as error:
            return error
        return replace(delivery, etag=etag)

    def _rows(self, section: str, commit: Commit, low: str, high: str) -> AsyncIterator[Row]:
        return self._tables.range(RECEIPTS.name, _pk(section, commit), low, high)

    async def _trails(self, section: str, commit: Commit, low: str, high: str) -> dict[str, Trail]:
        trails: dict[str, Trail] = {}
        async for row in self._rows(section, commit, low, high):
            id, _, kind = row.rk.partition("|")
            trails[id] = extended(trails.get(id, Trail()), kind, row)
        return trails


def _pk(section: str, commit: Commit) -> str:
    return f"{section}|{commit.id[24:26]}"
