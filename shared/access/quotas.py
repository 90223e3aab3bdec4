"""Quotas: how much each key, source and section may send a minute, counted here and, where it matters, by all together.

Each instance counts for itself in a token bucket, which costs nothing. Once it has given more than a twentieth of a quota
in a minute, it tells the other instances every second what it gives, through a row that they share: so a quota holds
across them but for that twentieth and that second. Without storage each instance counts alone.
"""

from dataclasses import dataclass
from math import ceil

from cachetools import LRUCache

from shared.access.bucket import WINDOW_SECONDS, Bucket
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.access.sources import Source
from shared.background import Background
from shared.errors import QuotaExceeded, Unavailable
from shared.ports import Clock, RowChanged, RowExists
from shared.sources.policy import Policy, Reaction
from shared.stores.taken import Taken

MOST = 10_000
"""Quotas that an instance keeps count of."""
ALONE = 0.05
"""The share of a quota that an instance may give in a minute without telling the others."""
SHARED_EVERY_SECONDS = 1.0
REJECTIONS = 60
"""Wrong signatures a minute of which a source keeps a trace."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a quota stands. `resets` is the seconds until it is whole again, or until the next try may pass."""

    policy: str
    quota: int
    left: int
    resets: int

    def headers(self) -> dict[str, str]:
        """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4)."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.policy}";r={self.left};t={self.resets}',
        }


@dataclass(slots=True)
class _Count:
    """A bucket, and what was taken from it in this minute and is not told. `seen` is what all had taken when it was."""

    bucket: Bucket
    untold: int = 0
    minute: int = 0
    seen: int = 0
    told_at: float = 0.0
    is_telling: bool = False


class Quotas:
    """Counts what is taken."""

    def __init__(self, taken: Taken, clock: Clock) -> None:
        self._taken, self._clock = taken, clock
        self._counts: LRUCache[tuple[str, str], _Count] = LRUCache(MOST)
        self._telling = Background()

    def of_caller(self, caller: Caller, section: Section | None, amount: int = 1) -> Standing:
        """Take from the quotas of a key and of its section. Raises QuotaExceeded for whichever has nothing left."""
        place = (caller.home, f"key|{caller.key_id}")
        standing = self._take(place, "key", caller.per_minute, amount)
        if section is not None:
            self._of_section(section, amount)
        return standing

    def of_source(self, source: Source, section: Section, policy: Policy) -> None:
        """Take a genuine webhook from the quotas of its source and section.

        Raises QuotaExceeded; Unavailable for a sender that would never repeat after 429, but does after 503.
        """
        try:
            self._take(_of(source), "source", source.per_minute, 1)
            self._of_section(section, 1)
        except QuotaExceeded as used_up:
            reactions = policy.reaction(QuotaExceeded.status), policy.reaction(Unavailable.status)
            if reactions == (Reaction.LOST, Reaction.RETRIED):
                raise Unavailable(used_up.detail, retry_after=used_up.retry_after) from None
            raise

    def carried(self, source: Source, section: Section, events: int) -> None:
        """Take what a webhook carries beyond the one that let it in: it passes, and what comes after it waits."""
        if events < 2:
            return
        for place, quota in ((_of(source), source.per_minute), (_whole(section), section.per_minute)):
            self._give(place, self._count(place, quota), events - 1)

    def is_rejection_kept(self, source: Source) -> bool:
        """Whether a trace of one more wrong signature is to be kept: a flood of them must cost storage nothing."""
        try:
            self._take((source.section, f"rejections|{source.id}"), "rejections", REJECTIONS, 1)
        except QuotaExceeded:
            return False
        return True

    async def idle(self) -> None:
        """Wait until the other instances have been told."""
        await self._telling.idle()

    def _of_section(self, section: Section, amount: int) -> None:
        self._take(_whole(section), "section", section.per_minute, amount)

    def _take(self, place: tuple[str, str], policy: str, quota: int, amount: int) -> Standing:
        """Something must be left; a batch may then take more than there is, and is waited for."""
        count = self._count(place, quota)
        bucket = count.bucket
        if bucket.left < 1:
            wait = ceil(bucket.seconds_until(1))
            detail = f"The quota of this {policy} is used up. Repeat the same request after {wait} s."
            headers = Standing(policy, quota, 0, wait).headers()
            raise QuotaExceeded(detail, headers=headers, retry_after=wait)
        self._give(place, count, amount)
        return Standing(policy, quota, max(int(bucket.left), 0), ceil(bucket.seconds_until(quota)))

    def _give(self, place: tuple[str, str], count: _Count, amount: int) -> None:
        count.bucket.take(amount)
        self._note(place, count, amount)

    def _count(self, place: tuple[str, str], quota: int) -> _Count:
        now = self._clock.seconds()
        count = self._counts.get(place)
        if count is None or count.bucket.quota != quota:
            count = self._counts[place] = _Count(Bucket(quota, now))
        count.bucket.refill(now)
        return count

    def _note(self, place: tuple[str, str], count: _Count, amount: int) -> None:
        """Note what was taken, and tell the others if it is much."""
        now = self._clock.seconds()
        minute = int(self._clock.now().timestamp()) // WINDOW_SECONDS
        if count.minute != minute:
            count.minute, count.untold, count.seen = minute, 0, 0
        count.untold += amount
        is_much = count.seen or count.untold > count.bucket.quota * ALONE
        if is_much and not count.is_telling and now - count.told_at >= SHARED_EVERY_SECONDS:
            count.is_telling, count.told_at = True, now
            self._telling.start(self._tell(place, count))

    async def _tell(self, place: tuple[str, str], count: _Count) -> None:
        """Tell what was taken here, and take out what others took meanwhile. What fails is told next time."""
        minute, amount, before = count.minute, count.untold, count.seen
        try:
            total = await self._taken.add(*place, minute, amount)
        except (Unavailable, RowChanged, RowExists):
            return
        finally:
            count.is_telling = False
        count.bucket.take(max(total - before - amount, 0))
        if count.minute == minute:
            count.untold, count.seen = count.untold - amount, total


def _of(source: Source) -> tuple[str, str]:
    return source.section, f"source|{source.id}"


def _whole(section: Section) -> tuple[str, str]:
    return section.id, "section"
