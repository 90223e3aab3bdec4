"""Quotas: how much each key, source and section may send a minute."""

from dataclasses import dataclass
from math import ceil

from shared.access.caller import Caller
from shared.access.sections import Section
from shared.access.sources import Source
from shared.bucket import WINDOW_SECONDS
from shared.counts import Counts, Quota
from shared.errors import QuotaExceeded, Unavailable
from shared.sources.policy import Policy, Reaction
from shared.stores.spent import SpentStore

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


class Quotas:
    """Takes what is sent from the quotas that it counts in."""

    def __init__(self, counts: Counts, spent: SpentStore) -> None:
        self._counts, self.spent = counts, spent

    def of_caller(self, caller: Caller, section: Section | None, amount: int = 1) -> Standing:
        """Take from the quotas of a key and of its section. Raises QuotaExceeded for whichever has nothing left."""
        quota = Quota(caller.home, f"key|{caller.key_id}", caller.per_minute)
        standing = self._take(quota, "key", amount)
        if section is not None:
            self._of_section(section, amount)
        return standing

    def of_source(self, source: Source, section: Section, policy: Policy) -> None:
        """Take a genuine webhook from the quotas of its source and section.

        Raises QuotaExceeded; Unavailable for a sender that would never repeat after 429, but does after 503.
        """
        try:
            self._take(_of(source), "source", 1)
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
        for quota in (_of(source), _whole(section)):
            self._counts.take(quota, events - 1)
            self._note(quota, events - 1)

    def is_rejection_kept(self, source: Source) -> bool:
        """Whether a trace of one more wrong signature is to be kept: a flood of them must cost storage nothing."""
        try:
            self._take(Quota(source.section, f"rejections|{source.id}", REJECTIONS), "rejections", 1)
        except QuotaExceeded:
            return False
        return True

    async def idle(self) -> None:
        """Wait until the other instances have been told."""
        await self._counts.idle()
        await self.spent.idle()

    def _note(self, quota: Quota, amount: int, *, refused: int = 0) -> None:
        """For whoever looks at usage. Wrong signatures use nothing of anybody's."""
        if not quota.name.startswith("rejections|"):
            self.spent.note(quota.section, quota.name, quota.a_minute, amount, refused=refused)

    def _of_section(self, section: Section, amount: int) -> None:
        self._take(_whole(section), "section", amount)

    def _take(self, quota: Quota, policy: str, amount: int) -> Standing:
        """Something must be left; a batch may then take more than there is, and is waited for."""
        bucket, a_minute = self._counts.bucket(quota), quota.a_minute
        if bucket.left < 1:
            self._note(quota, 0, refused=1)
            wait = ceil(bucket.seconds_until(1))
            detail = f"The quota of this {policy} is used up. Repeat the same request after {wait} s."
            headers = Standing(policy, a_minute, 0, wait).headers()
            raise QuotaExceeded(detail, headers=headers, retry_after=wait)
        bucket = self._counts.take(quota, amount)
        self._note(quota, amount)
        return Standing(policy, a_minute, max(int(bucket.left), 0), ceil(bucket.seconds_until(a_minute)))


def _of(source: Source) -> Quota:
    return Quota(source.section, f"source|{source.id}", source.per_minute)


def _whole(section: Section) -> Quota:
    return Quota(section.id, "section", section.per_minute)
