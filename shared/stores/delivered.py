"""Delivered: when something last reached each destination, so that one that is dead is told from one that is picky.

Table `usage`: partition `{section}`, row `delivered|{destination}`.
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
_PREFIX = "delivered|"


class Delivered:
    """Notes and tells it."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables, self._clock = tables, clock
        self._noted: LRUCache[tuple[str, str], datetime] = LRUCache(MOST_NOTED)

    async def note(self, section: str, destination: str) -> None:
        """Something has arrived there. That it cannot be noted harms nobody: the next delivery notes it."""
        place, now = (section, destination), self._clock.now()
        noted = self._noted.get(place)
        if noted is not None and now - noted < NOTED_EVERY:
            return
        self._noted[place] = now
        row = Row(section, _PREFIX + destination, {"at": times.text(now), "schema": 1})
        try:
            await self._tables.upsert(USAGE.name, row)
        except Unavailable:
            self._noted.pop(place, None)

    async def last(self, section: str, destination: str) -> datetime | None:
        """When something last arrived, to ten minutes. Raises Unavailable."""
        row = await self._tables.get(USAGE.name, section, _PREFIX + destination)
        return None if row is None else times.parse(str(row.values["at"]))
