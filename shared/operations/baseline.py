"""Baseline: how many events usually come in an hour, from the same hour of the weeks before, and what is not usual; pure.

What is usual is said by order, not by averages: three of the last four weeks, so that neither a holiday nor a campaign in one
of them counts, and by factors that ordinary noise does not reach. Of what is new, or rare, nothing is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

WEEKS = 4
WEEKS_NEEDED = 3
"""Of these so many have to be known, and to agree."""
LONGEST_SILENCE = 24
"""Hours over which a silence is looked at: what comes rarely is missed after more of them than what comes often."""
LEAST_MISSED = 20
"""Events that came in the same hours of the weeks before, at least, for their absence to be a silence."""
LEAST_USUAL = 80
"""Events that came in the same hour of the weeks before, at least, for a number of them to be unusual."""
FACTOR = 4
"""So many times as many or as few are unusual, and until it is less than half of that, they stay so."""

Counted = Callable[[datetime], int | None]
"""How many came in an hour; None: it was not counted."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came since then, where at least so many were to be `expected`."""

    since: datetime
    expected: int


@dataclass(frozen=True, slots=True)
class Usual:
    """Between which numbers an hour usually lies: the least of three weeks, and the most of all."""

    least: int
    most: int

    def is_unusual(self, count: int, *, factor: float = FACTOR) -> bool:
        """Whether so many are far more, or far fewer, than usual. None at all is a silence, and not this."""
        return count > 0 and (count * factor <= self.least or count >= self.most * factor)


def same_hours(begin: datetime, zone: tzinfo) -> list[datetime]:
    """The same hour of the same weekday in the weeks before, by the clocks of a time zone, the last week first."""
    local = begin.astimezone(zone)
    before = ((local - timedelta(weeks=n)).astimezone(UTC) for n in range(1, WEEKS + 1))
    return [one.replace(minute=0, second=0, microsecond=0) for one in before]


def silence(begin: datetime, zone: tzinfo, counted: Counted) -> Silence | None:
    """Whether nothing came in an hour, and those before it, in which enough came in other weeks."""
    weeks: list[int | None] = [0] * WEEKS
    for back in range(LONGEST_SILENCE):
        hour = begin - timedelta(hours=back)
        if counted(hour) != 0:
            return None
        for week, same in enumerate(same_hours(hour, zone)):
            so_far, more = weeks[week], counted(same)
            weeks[week] = None if so_far is None or more is None else so_far + more
        expected = _agreed(weeks)
        if expected is not None and expected >= LEAST_MISSED:
            return Silence(hour, expected)
    return None


def usual(begin: datetime, zone: tzinfo, counted: Counted) -> Usual | None:
    """What is usual in an hour; None where that cannot be said, or too little comes."""
    weeks = [counted(one) for one in same_hours(begin, zone)]
    least = _agreed(weeks)
    if least is None or least < LEAST_USUAL:
        return None
    return Usual(least, max(one for one in weeks if one is not None))


def _agreed(weeks: Sequence[int | None]) -> int | None:
    """What at least WEEKS_NEEDED of the weeks came to; None where not so many are known."""
    known = sorted((one for one in weeks if one is not None), reverse=True)
    return known[WEEKS_NEEDED - 1] if len(known) >= WEEKS_NEEDED else None
