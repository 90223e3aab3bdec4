"""The audit of a section: who changed what, newest first. Nothing changes or deletes a row of it."""

import asyncio
from heapq import nsmallest

from shared.changes import shown
from shared.exact import Json
from shared.registry import Kind, Registry


class Audit:
    """Reads the audit, and writes what was started rather than changed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def newest(self, section: str, limit: int) -> list[dict[str, Json]]:
        """The latest changes of a section's configuration, and what was started there."""
        # A section's own document lies among those of all sections, and so do its changes.
        places = [("", Kind.SECTION), *((section, kind) for kind in Kind if kind is not Kind.SECTION)]
        found = await asyncio.gather(*(self._registry.changes(kind, place, limit) for place, kind in places))
        rows = [row for (place, _), rows in zip(places, found, strict=True) for row in rows
                if place or row.values["id"] == section]  # fmt: skip
        return [shown(row) for row in nsmallest(limit, rows, key=lambda row: row.rk)]

    async def note(self, section: str, what: str, id: str, **told: Json) -> None:
        """Write that something was started, before it is."""
        await self._registry.note(section, what, id, told)
