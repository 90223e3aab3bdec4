"""Resends: what one sweep may send again, so that it never makes a backlog longer.

A message that waits in a long queue is not lost, and sending it again would only make the queue longer.
"""

import asyncio
from datetime import datetime, timedelta

from shared import logs
from shared.errors import Unavailable
from shared.stages.hand_off import HandOff

QUEUE_AGES = 4
"""Nothing is sent again before this many times what the oldest message of its queue has waited."""
MAX_DOUBLINGS = 6
MOST_RESENT = 1_000
"""Commits and deliveries that a run sends again, together."""


class Resends:
    """The queues' ages, each asked for at most once, and how much may still be sent again in this run."""

    def __init__(self, hand_off: HandOff) -> None:
        self._hand_off = hand_off
        self._left = MOST_RESENT
        self._ages: dict[str, asyncio.Task[timedelta | None]] = {}

    async def still_queued(self, queue: str, sent_at: datetime, now: datetime) -> bool:
        """Whether what was sent then has not been reached yet: an older message still waits."""
        age = await self._age(queue)
        return age is not None and now - sent_at <= age

    async def allow(self, queue: str, waited: timedelta, least: timedelta, resends: int, count: int) -> bool:
        """Whether so many that have waited for so long may be sent again; those are then taken off the run's bound.

        They have to wait `least`, or QUEUE_AGES times the queue's age where that is longer, and twice as long after
        each resend. Nothing is allowed while the age is not known.
        """
        doublings = 2 ** min(resends, MAX_DOUBLINGS)
        if waited < least * doublings:
            return False
        age = await self._age(queue)
        if age is None or waited < QUEUE_AGES * age * doublings or count > self._left:
            return False
        self._left -= count
        return True

    async def _age(self, queue: str) -> timedelta | None:
        asking = self._ages.get(queue)
        if asking is None:
            asking = self._ages[queue] = asyncio.create_task(self._ask(queue))
        return await asking

    async def _ask(self, queue: str) -> timedelta | None:
        try:
            return await self._hand_off.waited(queue)
        except Unavailable:
            logs.warn("sweep", "nothing is sent again: the length is not known", queue=queue)
            return None
