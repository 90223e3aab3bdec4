"""Rates: how many requests a destination is sent in a minute, by all instances together; what is too much has its turn later."""

from math import ceil

from cachetools import LRUCache

from shared.bucket import WINDOW_SECONDS
from shared.counts import Counts, Quota
from shared.errors import Later
from shared.ports import Clock

AT_ONCE = 0.05
"""The share of what a destination takes in a minute that one instance may send it in one moment; and so many at least:"""
AT_ONCE_AT_LEAST = 2.0
"""With one, whatever came back a moment too soon would find none, and lose its turn."""
TURN_SECONDS = AT_ONCE * WINDOW_SECONDS
"""Turns are so far apart: what the share above takes to come back. Those of one turn come back in one message."""
FURTHEST_SECONDS = 600.0
"""Nothing is told to come back later than this: by then it may be others' turn, or another rate."""
MOST = 10_000
"""Routes and destinations whose turns an instance knows; the least used begin anew."""


class Rates:
    """Takes requests from what each destination takes, and gives out turns when it is used up.

    In any minute one instance sends no more than `per_minute`, a part of which it may send at once; each further instance
    may add such a part, and what it sends in the second before it hears of the others.
    """

    def __init__(self, counts: Counts, clock: Clock) -> None:
        self._counts, self._clock = counts, clock
        self._of_routes: LRUCache[tuple[str, str], Quota] = LRUCache(MOST)
        self._last_turns: LRUCache[Quota, float] = LRUCache(MOST)

    def check(self, section: str, route: str) -> None:
        """Raise Later where a route's destination has nothing left, as far as is known: before anything is read for it."""
        quota = self._of_routes.get((section, route))
        if quota is not None and self._counts.bucket(quota).left < 1:
            raise self._later(quota)

    def take(self, section: str, route: str, counted_as: str, per_minute: int) -> None:
        """Take one request. Raises Later where there is none left: nothing is taken then, but a turn given."""
        quota = self._of_routes[section, route] = _quota(section, counted_as, per_minute)
        if self._counts.bucket(quota).left < 1:
            raise self._later(quota)
        self._counts.take(quota, 1)

    def owe(self, section: str, counted_as: str, per_minute: int | None) -> None:
        """Take one request although there may be none left."""
        if per_minute is not None:
            self._counts.take(_quota(section, counted_as, per_minute), 1)

    def _later(self, quota: Quota) -> Later:
        now, bucket = self._clock.seconds(), self._counts.bucket(quota)
        turn = max(self._last_turns.get(quota, 0.0), now + bucket.seconds_until(0))
        turn = min(turn + WINDOW_SECONDS / quota.a_minute, now + FURTHEST_SECONDS)
        self._last_turns[quota] = turn
        wait = ceil(turn / TURN_SECONDS) * TURN_SECONDS - now
        return Later("The destination is sent as much as it takes.", seconds=wait)


def _quota(section: str, counted_as: str, per_minute: int) -> Quota:
    """What comes back in a minute and what may be sent at once are `per_minute` together."""
    at_once = max(per_minute * AT_ONCE, min(per_minute / 2, AT_ONCE_AT_LEAST))
    return Quota(section, counted_as, max(int(per_minute - at_once), 1), at_once)
