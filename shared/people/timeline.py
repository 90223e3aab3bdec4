"""The timeline of a person: one row an event, newest first.

Table `timeline`, partition `{section}|{first hex of the person}`, row `{person}|{inverted time}|{id}`: what happens at
the same time to many people is few transactions.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from shared import documents
from shared.event import Stored
from shared.joined import Joined
from shared.ports import Operation, Row, Tables, Value, Verb
from shared.storage import TIMELINE

_END = 10**16
"""Microseconds beyond the year 2286: counting down from it makes the newest row sort first."""


class Timeline:
    """Writes and reads what happened to a person, by when it happened."""

    def __init__(self, tables: Tables, join_pause: float = 0) -> None:
        """Rows that are added within `join_pause` seconds of each other are written together."""
        self._tables = tables
        self._adds = Joined(tables, TIMELINE.name, pause_seconds=join_pause)

    async def add(self, section: str, person: str, stored: Stored) -> None:
        """Put an event on the timeline; doing it again changes nothing."""
        event = stored.event
        values: dict[str, Value] = {
            "event": event.event,
            "source": event.source,
            "test": event.test,
            "schema": 1,
        }
        row = Row(*_place(section, person, stored), values)
        await self._adds.transact(Operation(Verb.UPSERT, row))

    async def newest(self, section: str, person: str, most: int) -> Sequence[dict[str, object]]:
        """The newest events of a person: ids with what they are."""
        rows = self._tables.range(
            TIMELINE.name, _pk(section, person), f"{person}|", f"{person}|~", limit=most
        )
        return [
            {"id": row.rk.split("|")[2], **{n: row.values[n] for n in ("event", "source", "test")}}
            async for row in rows
        ]

    async def between(
        self, section: str, person: str, since: datetime, until: datetime, most: int
    ) -> Sequence[tuple[str, str]]:
        """What happened to a person in a time, its ends included, the newest first: ids, and what they are events of."""
        low, high = f"{person}|{_down(until)}|", f"{person}|{_down(since)}|~"
        rows = self._tables.range(
            TIMELINE.name, _pk(section, person), low, high, limit=most, select=("event",)
        )
        return [(row.rk.split("|")[2], str(row.values["event"])) async for row in rows]

    async def remove(self, section: str, person: str, stored: Stored) -> None:
        """Take an event off the timeline."""
        await self._tables.delete(TIMELINE.name, *_place(section, person, stored))


def _place(section: str, person: str, stored: Stored) -> tuple[str, str]:
    return _pk(section, person), f"{person}|{_down(documents.occurred(stored.event))}|{stored.id}"


def _down(at: datetime) -> str:
    """A time as it stands in a row's key."""
    return f"{_END - _microseconds(at):017d}"


def _pk(section: str, person: str) -> str:
    return f"{section}|{person[:1]}"


def _microseconds(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
