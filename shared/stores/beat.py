"""Beat: when the tick was last through, in one row for the whole deployment.

Table `usage`: "" / `tick`. Sections have ids, so none of them has this partition.
"""

from datetime import datetime

from shared import times
from shared.ports import Row, Tables
from shared.storage import USAGE

TICK = "tick"


class Beat:
    """Writes and reads it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def note(self, at: datetime) -> None:
        """A tick came to its end. Raises Unavailable."""
        await self._tables.upsert(USAGE.name, Row("", TICK, {"at": times.text(at), "schema": 1}))

    async def last(self) -> datetime | None:
        """When one last did; None: none has yet. Raises Unavailable."""
        row = await self._tables.get(USAGE.name, "", TICK)
        return None if row is None else times.parse(str(row.values["at"]))
