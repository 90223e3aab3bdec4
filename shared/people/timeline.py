"""The timeline of a person: one row an event, newest first, in the person's own partition."""

from collections.abc import Sequence
from datetime import UTC, datetime

from shared import documents
from shared.event import Stored
from shared.ports import Row, Tables
from shared.storage import TIMELINE

_END = 10**16
"""Microseconds beyond the year 2286: counting down from it makes the newest row sort first."""


class Timeline:
    """Writes and reads what happened to a person, by when it happened."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, section: str, person: str, stored: Stored) -> None:
        """Put an event on the timeline; doing it again changes nothing."""
        await self._tables.upsert(
            TIMELINE.name,
            Row(
                *_place(section, person, stored),
                {
                    "event": stored.event.event,
                    "source": stored.event.source,
                    "test": stored.event.test,
                    "schema": 1,
                },
            ),
        )

    async def newest(self, section: str, person: str, most: int) -> Sequence[dict[str, object]]:
        """The newest events of a person: ids with what they are."""
        rows = self._tables.range(TIMELINE.name, f"{section}|{person}", limit=most)
        return [
            {"id": row.rk.split("|")[1], **{n: row.values[n] for n in ("event", "source", "test")}}
            async for row in rows
        ]

    async def remove(self, section: str, person: str, stored: Stored) -> None:
        """Take an event off the timeline."""
        await self._tables.delete(TIMELINE.name, *_place(section, person, stored))


def _place(section: str, person: str, stored: Stored) -> tuple[str, str]:
    down = _END - _microseconds(documents.occurred(stored.event))
    return f"{section}|{person}", f"{down:017d}|{stored.id}"


def _microseconds(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
