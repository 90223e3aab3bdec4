"""Used: when each key and client was last used, to the hour, so that whoever cleans up sees which are not needed.

Table `usage`: partition `{section}`, row `used|{id}`.
"""

from collections.abc import Mapping

from cachetools import LRUCache

from shared import times
from shared.background import Background
from shared.errors import Unavailable
from shared.ports import Clock, Row, Tables
from shared.storage import USAGE

NOTED_EVERY_SECONDS = 3_600
MOST_NOTED = 10_000
"""Credentials of which an instance knows when it noted them."""
_PREFIX = "used|"


class Used:
    """Notes uses without anybody having to wait for it."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables, self._clock = tables, clock
        self._noted: LRUCache[tuple[str, str], float] = LRUCache(MOST_NOTED)
        self._writing = Background()

    def note(self, section: str, id: str) -> None:
        """A key or client of this section was used just now; at most one write an hour, instance and credential."""
        place, now = (section, id), self._clock.seconds()
        noted = self._noted.get(place)
        if noted is not None and now - noted < NOTED_EVERY_SECONDS:
            return
        self._noted[place] = now
        self._writing.start(self._write(place))

    async def last(self, section: str) -> Mapping[str, str]:
        """When the section's keys and clients were last used, by id; those that never were are missing."""
        rows = self._tables.range(USAGE.name, section, _PREFIX, f"{_PREFIX}~")
        return {row.rk.removeprefix(_PREFIX): str(row.values["at"]) async for row in rows}

    async def idle(self) -> None:
        """Wait until all uses are noted."""
        await self._writing.idle()

    async def _write(self, place: tuple[str, str]) -> None:
        section, id = place
        row = Row(section, f"{_PREFIX}{id}", {"at": times.text(self._clock.now()), "schema": 1})
        try:
            await self._tables.upsert(USAGE.name, row)
        except Unavailable:
            self._noted.pop(place, None)
