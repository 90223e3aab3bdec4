"""The audit of a section: who changed what, newest first. Nothing changes a row of it, and nothing but time deletes one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from heapq import nsmallest

from cachetools import LRUCache

from shared.access.caller import DEPLOYMENT
from shared.changes import cursor_of, place_at, place_of, shown
from shared.exact import Json
from shared.ports import Row
from shared.registry import Kind, Registry

KEPT = timedelta(days=400)
"""How long a row is kept, unless the operator says otherwise: a year, and time to look back on it."""
_MOST_SEEN = 10_000


class Audit:
    """Reads the audit, and writes what was started rather than changed."""

    def __init__(self, registry: Registry, kept: timedelta = KEPT) -> None:
        self._registry = registry
        self._kept = kept
        self._seen_on: LRUCache[str, date] = LRUCache(_MOST_SEEN)

    async def page(self, section: str, limit: int, after: str | None = None) -> dict[str, Json]:
        """The latest changes of a section's configuration, and what was started there; `after` goes on from a `next`."""
        place = place_at(after) if after else ""
        kinds = (self._registry.changes(kind, section, limit + 1, place) for kind in Kind)
        rows = [row for rows in await asyncio.gather(*kinds) for row in rows]
        found = nsmallest(limit, rows, key=place_of)
        is_more = len(rows) > len(found)
        return {
            "changes": [shown(row) for row in found],
            "next": cursor_of(place_of(found[-1])) if is_more else None,
        }

    async def note(self, section: str, what: str, id: str, **told: Json) -> None:
        """Write that something was started, before it is."""
        await self._registry.note(section, what, id, told)

    async def expired(self, section: str, now: datetime) -> AsyncIterator[Row]:
        """The rows that are past their time; looked for once a day and section, because a day is as fine as it is kept.

        Those of the sections themselves, also of sections that are gone, come with the DEPLOYMENT's.
        """
        if self._seen_on.get(section) == now.date():
            return
        for kind in Kind:
            if kind is not Kind.SECTION:
                async for row in self._registry.changes_before(kind, section, now - self._kept):
                    yield row
        if section == DEPLOYMENT:
            async for told in self._registry.sections_told():
                async for row in self._registry.changes_before(Kind.SECTION, told, now - self._kept):
                    yield row
        self._seen_on[section] = now.date()

    async def remove(self, row: Row) -> None:
        """Forget a row that is past its time."""
        await self._registry.forget_change(row)
