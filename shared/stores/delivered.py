"""Delivered: when something last reached each destination, and since when everything fails there.

So one that is dead is told from one that is picky. Table `usage`: partition `{section}`, rows `delivered|{destination}` and
`failing|{destination}`.
"""

from datetime import datetime, timedelta

from cachetools import LRUCache

from shared import times
from shared.errors import Unavailable
from shared.ports import Clock, Row, Tables
from shared.storage import USAGE

NOTED_EVERY = timedelta(minutes=10)
"""How often an instance notes it: what is known may be this much older than what is."""
MOST_NOTED = 10_000
"""Destinations of which an instance knows when it noted them."""
BROKEN_AFTER = timedelta(days=2)
"""Failures that lie further apart are no row of failures: longer than any wait of a schedule by default."""
_DELIVERED, _FAILING = "delivered|", "failing|"


class Delivered:
    """Notes and tells it."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables, self._clock = tables, clock
        self._noted: LRUCache[tuple[str, str, str], datetime] = LRUCache(MOST_NOTED)

    async def note(self, section: str, destination: str) -> None:
        """Something has arrived there. That it cannot be noted harms nobody: the next delivery notes it."""
        if self._is_due(_DELIVERED, section, destination):
            try:
                await self._write(section, _DELIVERED + destination, at=self._clock.now())
            except Unavailable:
                self._noted.pop((_DELIVERED, section, destination), None)

    async def failing_since(self, section: str, destination: str) -> datetime | None:
        """Something has failed there: since when everything does, or None if that was looked at just now.

        Raises Unavailable.
        """
        if not self._is_due(_FAILING, section, destination):
            return None
        now, last = self._clock.now(), await self.last(section, destination)
        row = await self._tables.get(USAGE.name, section, _FAILING + destination)
        since, seen = (_time(row, "since"), _time(row, "at")) if row else (now, now)
        is_unbroken = now - seen < BROKEN_AFTER and (last is None or last < since)
        await self._write(section, _FAILING + destination, since=since if is_unbroken else now, at=now)
        return since if is_unbroken else now

    async def last(self, section: str, destination: str) -> datetime | None:
        """When something last arrived, to ten minutes. Raises Unavailable."""
        row = await self._tables.get(USAGE.name, section, _DELIVERED + destination)
        return None if row is None else _time(row, "at")

    def _is_due(self, what: str, section: str, destination: str) -> bool:
        place, now = (what, section, destination), self._clock.now()
        noted = self._noted.get(place)
        if noted is not None and now - noted < NOTED_EVERY:
            return False
        self._noted[place] = now
        return True

    async def _write(self, section: str, rk: str, **at: datetime) -> None:
        values = {name: times.text(time) for name, time in at.items()}
        await self._tables.upsert(USAGE.name, Row(section, rk, {**values, "schema": 1}))


def _time(row: Row, name: str) -> datetime:
    return times.parse(str(row.values[name]))
