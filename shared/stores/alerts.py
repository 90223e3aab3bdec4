"""Alerts: which definitions and sources of a section are silent, or have an unusual volume, and up to which hour that was asked.

Table `rollups`: `{section}` / `$alerts`. One row, written under its etag, so that of two who look at once one goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from shared import exact, times
from shared.ports import Row, Tables, bytes_of
from shared.storage import ROLLUPS

_KEY = "$alerts"
"""Sorts before every event's name."""

Of = Literal["definition", "source"]
Was = Literal["silent", "unusual"]
Place = tuple[Was, Of, str]
"""What is wrong, and of which definition or source."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Since which hour something is not as usual: how many came in it, and how many usually come, at least and at most.

    Of a silence `count` is 0, and `least` how many came in other weeks in the hours that it lasted when it was found.
    """

    since: datetime
    count: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Alerts:
    """All that is not as usual now. `up_to` is the last hour that was looked at."""

    up_to: datetime | None = None
    there: Mapping[Place, Alert] = field(default_factory=dict)
    etag: str | None = None

    def count(self, was: Was) -> int:
        """How many definitions and sources are so."""
        return sum(place[0] == was for place in self.there)


class AlertStore:
    """Writes and reads it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def read(self, section: str) -> Alerts:
        """As it stands. Raises Unavailable."""
        row = await self._tables.get(ROLLUPS.name, section, _KEY)
        if row is None:
            return Alerts()
        doc = exact.read(bytes_of(row, "doc"))
        there = {
            (was, of, name): Alert(times.parse(since), int(count), int(least), int(most))
            for was, of, name, since, count, least, most in doc["there"]
        }
        return Alerts(times.parse(doc["upTo"]), there, row.etag)

    async def save(self, section: str, alerts: Alerts) -> None:
        """Write what was read before. Raises RowExists or RowChanged when somebody else has written it meanwhile."""
        rows = [
            [*place, times.text(one.since), one.count, one.least, one.most]
            for place, one in sorted(alerts.there.items())
        ]
        doc = {"upTo": times.text(alerts.up_to) if alerts.up_to else None, "there": rows}
        row = Row(section, _KEY, {"doc": exact.dumps(doc).encode(), "schema": 1})
        if alerts.etag is None:
            await self._tables.insert(ROLLUPS.name, row)
        else:
            await self._tables.replace(ROLLUPS.name, replace(row, etag=alerts.etag))
