"""Deliveries that wait: for their time (long retries), or for a paused destination to be resumed.

Table `due`: `{shard}` / `{milliseconds}|{section}|{id}|{route}` is read by time; `parked|{section}|{destination}` /
`{id}|{route}` is read when the destination is resumed.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared.ports import Operation, Row, RowChanged, Tables, Verb
from shared.storage import DUE
from shared.times import milliseconds

SHARDS = 4


@dataclass(frozen=True, slots=True)
class Waiting:
    """One delivery that waits; `row` is what is deleted once it has been handed off."""

    section: str
    route: str
    event: str
    row: Row


class Due:
    """Writes and reads the due table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, section: str, route: str, event: str, at: datetime) -> None:
        """Let a delivery wait until `at`."""
        shard = int(event[-4:-2], 16) % SHARDS
        row = Row(str(shard), f"{milliseconds(at)}|{section}|{event}|{route}", {"schema": 1})
        await self._tables.upsert(DUE.name, row)

    async def park(self, section: str, destination: str, route: str, event: str) -> None:
        """Let a delivery wait until its destination is resumed."""
        row = Row(f"parked|{section}|{destination}", f"{event}|{route}", {"schema": 1})
        await self._tables.upsert(DUE.name, row)

    async def ready(self, now: datetime, most: int) -> AsyncIterator[Waiting]:
        """What is due, earliest first in each shard, at most `most` of each."""
        for shard in range(SHARDS):
            rows = self._tables.range(DUE.name, str(shard), "", milliseconds(now), limit=most)
            async for row in rows:
                _, section, event, route = row.rk.split("|")
                yield Waiting(section, route, event, row)

    async def parked(self, section: str, destination: str, most: int) -> AsyncIterator[Waiting]:
        """What waits for a destination, oldest first, at most `most`."""
        async for row in self._tables.range(DUE.name, f"parked|{section}|{destination}", limit=most):
            event, route = row.rk.split("|")
            yield Waiting(section, route, event, row)

    async def destinations(self, section: str, most: int) -> Counter[str]:
        """How many deliveries of a section, or of all (""), wait for which destination; of at most so many."""
        begin = f"parked|{section}|" if section else "parked|"
        counts = Counter[str]()
        async for row in self._tables.scan(DUE.name, begin, f"{begin}~", select=()):
            counts[row.pk.rpartition("|")[2]] += 1
            if counts.total() >= most:
                break
        return counts

    async def remove(self, waiting: Waiting) -> None:
        """Forget one that has been handed off, unless it has been parked anew since it was read."""
        with suppress(RowChanged):
            await self._tables.transact(DUE.name, [Operation(Verb.DELETE, waiting.row)])
