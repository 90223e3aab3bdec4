"""Counts: what is left of each quota, counted here and, where it matters, by all instances together.

Each instance counts for itself in a token bucket, which costs nothing. Once it has taken more than a twentieth of a quota
in a minute, it tells the other instances every second what it takes, through a row that they share: so a quota holds
across them but for that twentieth and that second. Without storage each instance counts alone.
"""

from dataclasses import dataclass
from math import inf

from cachetools import LRUCache

from shared.background import Background
from shared.bucket import WINDOW_SECONDS, Bucket
from shared.errors import Unavailable
from shared.ports import Clock, RowChanged, RowExists
from shared.stores.taken import Taken

MOST = 10_000
"""Quotas that an instance keeps count of."""
ALONE = 0.05
"""The share of a quota that an instance may take in a minute without telling the others."""
SHARED_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Quota:
    """So much a minute, `at_once` of it at one time, of a section; `name` is what it is counted under there."""

    section: str
    name: str
    a_minute: int
    at_once: float = inf


@dataclass(slots=True)
class _Count:
    """A bucket, and what was taken from it here: in this minute, in the one before, and what of it is not told.

    `seen` is what all had taken in this minute when it was told.
    """

    bucket: Bucket
    minute: int = 0
    mine: int = 0
    before: int = 0
    untold: int = 0
    seen: int = 0
    told_at: float = 0.0
    is_telling: bool = False

    def note(self, minute: int, amount: int) -> bool:
        """Whether so much is taken here that the others are told: in this minute, or in the last one."""
        least = self.bucket.quota * ALONE
        if self.minute != minute:
            self.before = self.mine if self.minute == minute - 1 else 0
            # What was too little to be told is forgotten; what is left of more than that is told in this minute.
            self.untold = self.untold if self.before > least else 0
            self.minute, self.mine, self.seen = minute, 0, 0
        self.mine += amount
        self.untold += amount
        return max(self.mine, self.before) > least


class Counts:
    """Counts what is taken of every quota."""

    def __init__(self, taken: Taken, clock: Clock) -> None:
        self._taken, self._clock = taken, clock
        self._counts: LRUCache[Quota, _Count] = LRUCache(MOST)
        self._telling = Background()

    def bucket(self, quota: Quota) -> Bucket:
        """What is left now."""
        return self._count(quota).bucket

    def take(self, quota: Quota, amount: int) -> Bucket:
        """Take it, whether it is there or not; what is left then."""
        count = self._count(quota)
        count.bucket.take(amount)
        self._note(quota, count, amount)
        return count.bucket

    async def idle(self) -> None:
        """Wait until the other instances have been told."""
        await self._telling.idle()

    def _count(self, quota: Quota) -> _Count:
        now = self._clock.seconds()
        count = self._counts.get(quota)
        if count is None:
            count = self._counts[quota] = _Count(Bucket(quota.a_minute, now, quota.at_once))
        count.bucket.refill(now)
        return count

    def _note(self, quota: Quota, count: _Count, amount: int) -> None:
        """Note what was taken, and tell the others if it is much."""
        now = self._clock.seconds()
        is_much = count.note(int(self._clock.now().timestamp()) // WINDOW_SECONDS, amount)
        if is_much and not count.is_telling and now - count.told_at >= SHARED_EVERY_SECONDS:
            count.is_telling, count.told_at = True, now
            self._telling.start(self._tell(quota, count))

    async def _tell(self, quota: Quota, count: _Count) -> None:
        """Tell what was taken here, and take out what others took meanwhile. What fails is told next time."""
        minute, amount, before = count.minute, count.untold, count.seen
        try:
            total = await self._taken.add(quota.section, quota.name, minute, amount)
        except (Unavailable, RowChanged, RowExists):
            return
        finally:
            count.is_telling = False
        count.bucket.take(max(total - before - amount, 0))
        count.untold = max(count.untold - amount, 0)
        if count.minute == minute:
            count.seen = total
