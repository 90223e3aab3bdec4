"""Receipts: what became of each event, step by step, and each of its deliveries with every attempt.

Table `receipts`: a commit's events share a partition, `{id}|` holds the steps, `{id}|{route}` one delivery, `{id}|!`
a note. One range read is a whole receipt, and one transaction writes what processing a commit decided.
What is asked for or saved at the same time in one partition is read or written together.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace

from shared import ids
from shared.gather import Gather
from shared.ids import Commit
from shared.joined import Joined
from shared.ports import MAX_OPERATIONS, Operation, Row, Tables, Verb
from shared.storage import RECEIPTS
from shared.stores.trail import JUDGED, OPEN, Delivery, Trail, delivery_in, delivery_row, extended, steps_row

_AT_ONCE = 20
"""Partitions that are read side by side for counting, which nobody waits for."""


class Receipts:
    """Reads and writes the receipts table."""

    def __init__(self, tables: Tables, join_pause: float = 0) -> None:
        """Deliveries that end within `join_pause` seconds of each other are written together."""
        self._tables = tables
        self._reads = Gather(self._read, most=ids.MAX_EVENTS_A_COMMIT)
        self._saves = Joined(tables, RECEIPTS.name)
        self._ends = Joined(tables, RECEIPTS.name, pause_seconds=join_pause)

    async def trail(self, section: str, id: str) -> Trail:
        """The trail of one event. Raises ValueError for what is no event id."""
        return await self._reads.add((section, ids.commit_of(id)), id)

    async def trails(self, section: str, commit: Commit) -> dict[str, Trail]:
        """The trails of a commit's events, by id: one range read."""
        return await self._trails(section, commit, f"{commit.id}|", f"{commit.last}|~")

    async def judged(self, section: str, commits: Iterable[Commit]) -> dict[str, Trail]:
        """The trails of many commits' events, without the attempts: for counting.

        Ids sort by time, so what commits of one time have in a partition lies side by side: one range read for each
        partition that has some, of which there are 256.
        """
        by_partition: dict[str, list[Commit]] = {}
        for commit in sorted(set(commits), key=lambda one: one.id):
            by_partition.setdefault(_pk(section, commit), []).append(commit)
        places = [(pk, f"{some[0].id}|", f"{some[-1].last}|~") for pk, some in by_partition.items()]
        found: dict[str, Trail] = {}
        for start in range(0, len(places), _AT_ONCE):
            parts = await asyncio.gather(*(self._judged(*one) for one in places[start : start + _AT_ONCE]))
            found.update(item for part in parts for item in part.items())
        return found

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
        row = delivery_row(_pk(section, ids.commit_of(delivery.event_id)), delivery)
        [etag] = await lane.transact(Operation(Verb.REPLACE, row))
        return replace(delivery, etag=etag)

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

    def _rows(self, section: str, commit: Commit, low: str, high: str) -> AsyncIterator[Row]:
        return self._tables.range(RECEIPTS.name, _pk(section, commit), low, high)

    async def _trails(self, section: str, commit: Commit, low: str, high: str) -> dict[str, Trail]:
        return await _gathered(self._rows(section, commit, low, high))

    async def _judged(self, pk: str, low: str, high: str) -> dict[str, Trail]:
        return await _gathered(self._tables.range(RECEIPTS.name, pk, low, high, select=JUDGED))


async def _gathered(rows: AsyncIterator[Row]) -> dict[str, Trail]:
    """The trails that rows make, by id."""
    trails: dict[str, Trail] = {}
    async for row in rows:
        id, _, kind = row.rk.partition("|")
        trails[id] = extended(trails.get(id, Trail()), kind, row)
    return trails


def _pk(section: str, commit: Commit) -> str:
    return f"{section}|{commit.id[24:26]}"
