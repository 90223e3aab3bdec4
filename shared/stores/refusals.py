"""Refusals: how many events of a definition the API refused in an hour, and why; noted without anybody having to wait for it.

Table `rollups`: `{section}` / `!{hour}|{event}`. Nothing is stored of what was refused, so this is counted as it is answered
and not computed from rows: it is approximate. What an instance noted in the last moment before it ended is lost, and an event
that is sent again and refused again counts again.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from shared import exact
from shared.background import Background
from shared.errors import Unavailable
from shared.ports import Clock, Row, RowChanged, RowExists, Tables, bytes_of
from shared.storage import ROLLUPS
from shared.stores.rollups import hour_text

MOST_NOTED = 10_000
"""Definitions, hours and reasons that wait to be written; what comes beyond them is not counted."""
_TRIES = 3
_FIRST = "!"
"""Sorts before every event's name."""

Place = tuple[str, str]
"""An hour and a definition."""


class Refusals:
    """Notes and reads what was refused."""

    def __init__(self, tables: Tables, clock: Clock, pause_seconds: float = 0) -> None:
        """What is noted within `pause_seconds` of each other is written together."""
        self._tables, self._clock, self._pause_seconds = tables, clock, pause_seconds
        self._noted: dict[str, Counter[tuple[Place, str]]] = {}
        self._writing = Background()

    def note(self, section: str, event: str, reason: str) -> None:
        """An event of a definition that there is was refused just now; the reason is a problem's type."""
        counts = self._noted.get(section)
        if counts is None:
            counts = self._noted[section] = Counter()
            self._writing.start(self._write(section))
        if len(counts) < MOST_NOTED:
            counts[(hour_text(self._clock.now()), event), reason] += 1

    async def idle(self) -> None:
        """Wait until all that was noted is written."""
        await self._writing.idle()

    async def of_hour(self, section: str, hour: datetime) -> Mapping[str, Counter[str]]:
        """By definition, how many were refused for which reason."""
        low = f"{_FIRST}{hour_text(hour)}|"
        rows = self._tables.range(ROLLUPS.name, section, low, f"{low}~")
        return {row.rk.removeprefix(low): _counts(row) async for row in rows}

    async def remove(self, section: str, hour: datetime) -> None:
        """Forget an hour."""
        for event in await self.of_hour(section, hour):
            await self._tables.delete(ROLLUPS.name, section, _key((hour_text(hour), event)))

    async def _write(self, section: str) -> None:
        await asyncio.sleep(self._pause_seconds)
        by_place: dict[Place, Counter[str]] = defaultdict(Counter)
        for (place, reason), count in self._noted.pop(section).items():
            by_place[place][reason] += count
        for place, counts in by_place.items():
            with suppress(Unavailable):
                await self._add(section, place, counts)

    async def _add(self, section: str, place: Place, counts: Counter[str]) -> None:
        """Add to what all instances have counted. Who is too often too slow gives up: it is approximate."""
        for _ in range(_TRIES):
            found = await self._tables.get(ROLLUPS.name, section, _key(place))
            with suppress(RowExists, RowChanged):
                if found is None:
                    await self._tables.insert(ROLLUPS.name, _row(section, place, counts))
                else:
                    row = _row(section, place, counts + _counts(found))
                    await self._tables.replace(ROLLUPS.name, replace(row, etag=found.etag))
                return


def _key(place: Place) -> str:
    return f"{_FIRST}{place[0]}|{place[1]}"


def _row(section: str, place: Place, counts: Counter[str]) -> Row:
    return Row(section, _key(place), {"doc": exact.dumps(counts).encode(), "schema": 1})


def _counts(row: Row) -> Counter[str]:
    return Counter({reason: int(count) for reason, count in exact.read(bytes_of(row, "doc")).items()})
