"""Lanes: deliveries travel in a quick one; what would keep others waiting there goes on in a slow one.

In each a destination holds at most a quarter of what an instance works on at once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from shared.killpoints import reached
from shared.stages.breakers import Breakers, Place
from shared.stages.slots import Slots

CALLS = 32
"""Messages of a lane that an instance works on at once: `maxConcurrentCalls` in host.json."""
A_DESTINATION = CALLS // 4
PATIENCE_SECONDS = (2.0, 3.0)
"""How long a message waits for its turn; between the two it is asked whether the destination lags meanwhile."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A queue of deliveries, the calls that work it off, and the attempts under way."""

    queue: str
    slots: Slots = field(default_factory=Slots)
    calls: dict[Place, asyncio.Semaphore] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lanes:
    """Says whether a message may be worked on now, in its lane."""

    quick: Lane
    slow: Lane
    breakers: Breakers
    patience: Sequence[float] = PATIENCE_SECONDS

    @asynccontextmanager
    async def enter(self, lane: Lane, place: Place) -> AsyncIterator[bool]:
        """One of the calls that a destination may hold; False where it is not to be had, or not in this lane."""
        calls = lane.calls.setdefault(place, asyncio.Semaphore(A_DESTINATION))
        if not await self._acquire(lane, place, calls):
            yield False
            return
        reached("lanes.entered")
        try:
            yield True
        finally:
            calls.release()

    async def _acquire(self, lane: Lane, place: Place, calls: asyncio.Semaphore) -> bool:
        for seconds in self.patience:
            if lane is self.quick and self.breakers.lags(place):
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    return await calls.acquire()
        return False
