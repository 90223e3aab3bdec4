"""Vitals: the few numbers by which a deployment is watched: how old the oldest event under way is, and what waits for somebody."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared import ids
from shared.exact import Json
from shared.line import Line
from shared.metrics import UNFINISHED_AGE, WAITING, Metric
from shared.operations.pace import Pace
from shared.operations.waiting import STATES, Waiting, unfinished, waiting

_AT_ONCE = 10
"""Sections that are asked side by side."""

Gauge = tuple[Metric, float, Mapping[str, str]]
"""A measure, how it stands, and of what."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """How all sections together stand at a time."""

    at: datetime
    oldest: datetime | None
    waiting: Waiting

    @property
    def age(self) -> float:
        """Seconds for which the oldest event that is not finished has been there; 0 where all are."""
        return max((self.at - self.oldest).total_seconds(), 0.0) if self.oldest else 0.0

    def gauges(self) -> Iterator[Gauge]:
        """The same as measures. Of what is counted up to a limit, as many as were counted."""
        yield UNFINISHED_AGE, self.age, {}
        for state in STATES:
            yield WAITING, float(self.waiting.count(state)), {"state": state}

    def shown(self) -> dict[str, Json]:
        """In numbers, and in words where there is more than was counted."""
        counts = {state: self.waiting.text(state) for state in STATES}
        return {
            "age": round(self.age),
            **{state: int(n) if n.isdigit() else n for state, n in counts.items()},
        }


async def vitals(line: Line, pace: Pace) -> Vitals | None:
    """Look at every section, a few at a time. None: there was no time for all, so nothing is known of the whole.

    Raises Unavailable.
    """
    sections = await line.sections.list()
    oldest: list[datetime] = []
    for start in range(0, len(sections), _AT_ONCE):
        if pace.is_over:
            return None
        some = sections[start : start + _AT_ONCE]
        found = await asyncio.gather(*(unfinished(line, one["id"], int(one["buckets"])) for one in some))
        oldest += [ids.time_of(commits[0].id) for commits in found if commits]
    there = await waiting(line, [str(one["id"]) for one in sections], all_sections=True)
    return Vitals(line.clock.now(), min(oldest, default=None), there)
