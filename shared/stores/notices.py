"""Notices: what is to be told of Signalbox's own parts, listed before it happens, so that no crash swallows it.

Table `due`: `notice` / `{milliseconds}|{section}|{event}|{about}`. A notice says where to look; what is told is what is true
when it is told.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from shared.ports import Row, Tables
from shared.storage import DUE
from shared.times import milliseconds

PARTITION = "notice"


@dataclass(frozen=True, slots=True)
class Notice:
    """That something may have happened; `event` is the name of ours for it, `about` the id of what it happened to.

    `number` is what was the newest version, where a definition changes.
    """

    section: str
    event: str
    about: str
    number: int
    row: Row


class Notices:
    """Lists and reads them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, section: str, event: str, about: str, at: datetime, number: int = 0) -> None:
        """List one; listed twice it is told once. Raises Unavailable."""
        row = Row(PARTITION, f"{milliseconds(at)}|{section}|{event}|{about}", {"number": number, "schema": 1})
        await self._tables.upsert(DUE.name, row)

    async def before(self, at: datetime, most: int) -> AsyncIterator[Notice]:
        """Those that were listed before then, oldest first."""
        async for row in self._tables.range(DUE.name, PARTITION, "", milliseconds(at), limit=most):
            _, section, event, about = row.rk.split("|", 3)
            yield Notice(section, event, about, int(row.values.get("number") or 0), row)

    async def remove(self, notice: Notice) -> None:
        """Forget one that was told, or that came to nothing."""
        await self._tables.delete(DUE.name, notice.row.pk, notice.row.rk)
