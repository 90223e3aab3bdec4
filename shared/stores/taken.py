"""Taken: how much of a quota all instances have taken in a minute, for those that are used a lot.

Table `usage`: partition `{section}`, row `{what is counted}`. One small row each, written anew in every minute in which
it is used, so that nothing has to be purged.
"""

from dataclasses import replace

from shared.ports import Row, Tables
from shared.storage import USAGE


class Taken:
    """Adds up what instances have taken."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, section: str, name: str, minute: int, amount: int) -> int:
        """What all have taken in that minute, this amount included.

        Raises RowChanged or RowExists when another instance was quicker: nothing is added then. Raises Unavailable.
        """
        found = await self._tables.get(USAGE.name, section, name)
        if found is None:
            await self._tables.insert(USAGE.name, _row(section, name, minute, amount))
            return amount
        if found.values["minute"] == minute:
            amount += int(str(found.values["taken"]))
        await self._tables.replace(USAGE.name, replace(_row(section, name, minute, amount), etag=found.etag))
        return amount


def _row(section: str, name: str, minute: int, taken: int) -> Row:
    return Row(section, name, {"minute": minute, "taken": taken, "schema": 1})
