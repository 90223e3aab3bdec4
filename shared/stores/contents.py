"""Contents: what a section holds, a page at a time and in the order of its keys, for its export.

A page goes on after the last key of the one before, so nothing has to be remembered between two of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared import exact
from shared.changes import FIRST, shown
from shared.exact import Json
from shared.ports import Row, Tables, bytes_of
from shared.registry import Kind, told_at
from shared.storage import PEOPLE, REGISTRY

MOST = 100
"""What a page holds at most."""
PARTS = "0123456789abcdef"
"""Of the people of a section, each a partition."""
_AFTER = "~"
"""Sorts after every character of a row key."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what is told, and the key to go on after, or None at the end."""

    told: Sequence[dict[str, Json]]
    last: str | None


class Contents:
    """Reads configuration, people and consent by their place in storage."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def documents(self, section: str, kind: Kind, after: str) -> Part:
        """Documents of a kind, with nothing in them that opens anything."""
        rows = await self._rows(REGISTRY.name, f"{section}|{kind}", "", after, FIRST)
        # A version has an id of its own, and only its key says of which event it is.
        of = {row.rk: {"event": row.rk.partition("|")[0]} if kind is Kind.VERSION else {} for row in rows}
        return _part([{"id": row.rk, **of[row.rk], **_open(row)} for row in rows], rows, "")

    async def changes(self, section: str, kind: Kind, after: str) -> Part:
        """The audit of a kind of document, newest first."""
        pk, prefix = told_at(kind, section)
        rows = await self._rows(REGISTRY.name, pk, prefix, after)
        return _part([shown(row) for row in rows], rows, prefix)

    async def people(self, section: str, part: str, after: str) -> Part:
        """The ids of people, of one of PARTS."""
        rows = await self._rows(PEOPLE.name, f"{section}|{part}", "p|", after)
        return _part([{"id": row.rk[2:]} for row in rows], rows, "p|")

    async def said(self, section: str, part: str, after: str) -> Part:
        """What addresses said of purposes, of one of PARTS, in the order of their hashes and of time."""
        rows = await self._rows(PEOPLE.name, f"{section}|{part}", "s|", after)
        return _part([_saying(row) for row in rows], rows, "s|")

    async def _rows(
        self, table: str, pk: str, prefix: str, after: str, high: str | None = None
    ) -> Sequence[Row]:
        # A space sorts before every character of our keys, so that this is the first key behind.
        low = f"{prefix}{after} " if after else prefix
        rows = self._tables.range(table, pk, low, high or f"{prefix}{_AFTER}", limit=MOST)
        return [row async for row in rows]


def _part(told: Sequence[dict[str, Json]], rows: Sequence[Row], prefix: str) -> Part:
    return Part(told, rows[-1].rk.removeprefix(prefix) if len(rows) == MOST else None)


def _open(row: Row) -> dict[str, Json]:
    """A document without what is sealed and hashed in it."""
    doc = exact.read(bytes_of(row, "doc"))
    return {name: value for name, value in doc.items() if name not in ("schema", "hashKey", "secrets")}


def _saying(row: Row) -> dict[str, Json]:
    _, hashed, purpose, _ = row.rk.split("|", 3)
    said = {name: row.values.get(name) for name in ("state", "at", "reason", "by")}
    return {"hash": hashed, "purpose": purpose, **said}
