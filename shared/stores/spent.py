"""Spent: what was taken from each quota in every minute of an hour, and how often it was used up; for those who look at usage.

Table `usage`: partition `{section}`, row `hour|{hour}|{what is counted}`. What is noted within a minute is written together, and
nobody waits for it: what an instance noted in the last minute before it ended is lost. No quota holds by these numbers.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared import exact, times
from shared.background import Background
from shared.errors import Unavailable
from shared.ports import MAX_OPERATIONS, Clock, Operation, Row, RowChanged, RowExists, Tables, Verb, bytes_of
from shared.storage import USAGE
from shared.stores.rollups import hour_of, hour_text

MOST_NOTED = 10_000
"""Quotas that wait to be written; what comes beyond them is not counted."""
FORGOTTEN_AT_ONCE = 1_000
MINUTE = timedelta(minutes=1)
_TRIES = 3
_PREFIX = "hour|"
_REFUSED = -1
"""In the place of a minute: how many were refused in the hour."""


@dataclass(frozen=True, slots=True)
class Spent:
    """An hour of a quota: what may be taken a minute, what was in which minute (0 to 59), and how many were refused."""

    hour: datetime
    name: str
    a_minute: int
    minutes: Mapping[int, int] = field(default_factory=dict)
    refused: int = 0
    told: bool = False
    """Whether somebody was told that little was left."""
    row: Row | None = None

    @property
    def total(self) -> int:
        """All that was taken."""
        return sum(self.minutes.values())

    @property
    def fullest(self) -> tuple[datetime, int]:
        """The minute in which most was taken, the first of those, and how much."""
        minute, count = max(self.minutes.items(), key=lambda one: (one[1], -one[0]), default=(0, 0))
        return self.hour + MINUTE * minute, count


class SpentStore:
    """Notes and reads it."""

    def __init__(self, tables: Tables, clock: Clock, pause_seconds: float = 0) -> None:
        """What is noted within `pause_seconds` of each other is written together."""
        self._tables, self._clock, self._pause_seconds = tables, clock, pause_seconds
        self._noted: dict[tuple[str, str, datetime, int], Counter[int]] = defaultdict(Counter)
        self._writing, self._is_writing = Background(), False

    def note(self, section: str, name: str, a_minute: int, amount: int, *, refused: int = 0) -> None:
        """So much was taken of a quota just now, or so many were refused."""
        now = self._clock.now()
        place = (section, name, hour_of(now), a_minute)
        if place not in self._noted and len(self._noted) >= MOST_NOTED:
            return
        self._noted[place].update({now.minute: amount, _REFUSED: refused})
        if not self._is_writing:
            self._is_writing = True
            self._writing.start(self._write())

    async def idle(self) -> None:
        """Wait until all that was noted is written."""
        await self._writing.idle()

    async def between(self, section: str, since: datetime, until: datetime) -> AsyncIterator[Spent]:
        """The hours of all quotas of a section that begin in a time, oldest first. Raises Unavailable."""
        low, high = (f"{_PREFIX}{hour_text(one)}" for one in (since, until))
        async for row in self._tables.range(USAGE.name, section, low, high):
            yield _spent(row)

    async def told(self, spent: Spent) -> None:
        """Note that somebody was told. If more was taken meanwhile, it is noted next time. Raises Unavailable."""
        if spent.row is not None:
            with suppress(RowChanged):
                await self._tables.replace(USAGE.name, _row(spent.row, replace(spent, told=True)))

    async def forget(self, section: str, before: datetime) -> None:
        """Delete at most FORGOTTEN_AT_ONCE hours that are older. Raises Unavailable."""
        place = USAGE.name, section, _PREFIX, f"{_PREFIX}{hour_text(before)}"
        rows = [row async for row in self._tables.range(*place, limit=FORGOTTEN_AT_ONCE, select=())]
        for start in range(0, len(rows), MAX_OPERATIONS):
            some = [
                Operation(Verb.DELETE, Row(row.pk, row.rk)) for row in rows[start : start + MAX_OPERATIONS]
            ]
            # Another tick may be at them.
            with suppress(RowChanged):
                await self._tables.transact(USAGE.name, some)

    async def _write(self) -> None:
        await asyncio.sleep(self._pause_seconds)
        noted, self._noted, self._is_writing = self._noted, defaultdict(Counter), False
        for (section, name, hour, a_minute), counts in noted.items():
            with suppress(Unavailable):
                await self._add(section, Spent(hour, name, a_minute), counts)

    async def _add(self, section: str, empty: Spent, counts: Counter[int]) -> None:
        """Add to what all instances have counted. Who is too often too slow gives up: it is approximate."""
        key = f"{_PREFIX}{hour_text(empty.hour)}|{empty.name}"
        for _ in range(_TRIES):
            found = await self._tables.get(USAGE.name, section, key)
            before = empty if found is None else _spent(found)
            minutes = Counter(before.minutes) + Counter({m: n for m, n in counts.items() if m != _REFUSED})
            after = replace(
                before,
                a_minute=empty.a_minute,
                minutes=minutes,
                refused=before.refused + counts[_REFUSED],
            )
            with suppress(RowExists, RowChanged):
                if found is None:
                    await self._tables.insert(USAGE.name, _row(Row(section, key), after))
                else:
                    await self._tables.replace(USAGE.name, _row(found, after))
                return


def _row(place: Row, spent: Spent) -> Row:
    doc = {
        "perMinute": spent.a_minute,
        "minutes": {str(minute): count for minute, count in sorted(spent.minutes.items())},
        "refused": spent.refused,
        "told": spent.told,
    }
    return replace(place, values={"doc": exact.dumps(doc).encode(), "schema": 1})


def _spent(row: Row) -> Spent:
    doc = exact.read(bytes_of(row, "doc"))
    hour, _, name = row.rk.removeprefix(_PREFIX).partition("|")
    return Spent(
        hour=times.parse(f"{hour}:00:00Z"),
        name=name,
        a_minute=int(doc["perMinute"]),
        minutes={int(minute): int(count) for minute, count in doc["minutes"].items()},
        refused=int(doc["refused"]),
        told=bool(doc["told"]),
        row=row,
    )
