"""Breakers: what an instance knows of how each destination answers, so that one that hangs or is down costs little.

One that answers slowly goes on in the slow lane. One that mostly fails is left alone for a while, and then asked by one
attempt at a time. Each instance finds out for itself, which costs a few attempts.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from cachetools import LRUCache

from shared.destinations.outcomes import Cause, Outcome
from shared.ports import Clock

LOOKS_AT = 20
"""Attempts that are looked at, the last ones."""
OPENS_AT = 14
"""So many of them have failed for a reason of the destination's own: seven in ten."""
FIRST_SECONDS = 5.0
"""How long it is left alone first; after every probe that fails, twice as long, up to this:"""
LONGEST_SECONDS = 300.0
PROBE_SECONDS = 45.0
"""How long nobody else probes: longer than any attempt takes."""
SLOW_SECONDS = 2.0
"""An attempt that takes longer is a slow one."""
LAGS_SECONDS = 60.0
"""How long a destination counts as slow after its last slow attempt, or after it was to be asked again."""
MOST = 10_000
"""Destinations that an instance keeps an eye on."""
FAILING = frozenset(
    {
        Cause.BROKEN,
        Cause.GATEWAY_TIMEOUT,
        Cause.SERVER_ERROR,
        Cause.THROTTLED,
        Cause.TIMEOUT,
        Cause.TLS,
        Cause.UNREACHABLE,
        Cause.UNRESOLVED,
    }
)
"""What says something of the destination. Any other answer, a refusal too, says that it is there."""

Place = tuple[str, str]
"""A section, and a destination of it."""


@dataclass(slots=True)
class _Breaker:
    """How one destination does. It is open while `seconds` is not 0; all times are of a steady clock."""

    failed: deque[bool] = field(default_factory=lambda: deque(maxlen=LOOKS_AT))
    seconds: float = 0.0
    until: float = 0.0
    is_probed: bool = False
    lags_until: float = 0.0
    under_way: dict[int, float] = field(default_factory=dict)

    def open(self, now: float, seconds: float) -> None:
        self.seconds = min(max(seconds, FIRST_SECONDS), LONGEST_SECONDS)
        self.until, self.is_probed = now + self.seconds, False
        self.lags_until = self.until + LAGS_SECONDS

    def close(self) -> None:
        self.failed.clear()
        self.seconds, self.is_probed = 0.0, False


class Breakers:
    """Says of each destination whether it keeps up, and whether an attempt is worth while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: LRUCache[Place, _Breaker] = LRUCache(MOST)
        self._numbers = count()

    def lags(self, place: Place) -> bool:
        """Whether it would keep others waiting: it is slow, or left alone, or was so a moment ago."""
        breaker = self._all.get(place)
        if breaker is None:
            return False
        now = self._clock.seconds()
        oldest = next(iter(breaker.under_way.values()), now)
        return now < breaker.lags_until or now - oldest >= SLOW_SECONDS

    def wait(self, place: Place) -> float:
        """The seconds until an attempt is worth while; 0 is now. Whoever gets 0 of an open one is its probe."""
        breaker = self._all.get(place)
        if breaker is None or not breaker.seconds:
            return 0.0
        now = self._clock.seconds()
        if now < breaker.until:
            return breaker.until - now
        breaker.until, breaker.is_probed = now + PROBE_SECONDS, True
        return 0.0

    @contextmanager
    def attempt(self, place: Place) -> Iterator[None]:
        """An attempt is under way."""
        breaker, number = self._of(place), next(self._numbers)
        began = breaker.under_way[number] = self._clock.seconds()
        try:
            yield
        finally:
            del breaker.under_way[number]
            now = self._clock.seconds()
            if now - began >= SLOW_SECONDS:
                breaker.lags_until = max(breaker.lags_until, now + LAGS_SECONDS)

    def heard(self, place: Place, outcome: Outcome) -> None:
        """Take note of how an attempt ended. Any success closes a breaker, also that of an attempt from before."""
        breaker, now = self._of(place), self._clock.seconds()
        has_failed = outcome.cause in FAILING
        breaker.failed.append(has_failed)
        asked = outcome.retry_after.total_seconds() if outcome.retry_after else 0.0
        if not has_failed:
            if breaker.seconds:
                breaker.close()
        elif not breaker.seconds:
            if sum(breaker.failed) >= OPENS_AT:
                # How long it wants to be left alone it may say itself (RFC 9110 section 10.2.3).
                breaker.open(now, asked)
        elif breaker.is_probed:
            breaker.open(now, max(breaker.seconds * 2, asked))

    def _of(self, place: Place) -> _Breaker:
        found = self._all.get(place)
        if found is None:
            found = self._all[place] = _Breaker()
        return found
