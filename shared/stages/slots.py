"""Slots: how many attempts are under way at once, to one destination and in all, on this instance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.errors import Unavailable
from shared.killpoints import reached

A_DESTINATION = 20
"""As many as a message holds, so that its deliveries are claimed together."""
IN_ALL = 100
WAIT_SECONDS = 15.0
"""How long an attempt waits for a slot; after that its message goes back, and nothing has been claimed."""


class Slots:
    """A slow destination uses up its own slots, not those of the others."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._all = asyncio.Semaphore(IN_ALL)
        self._each: dict[tuple[str, str], asyncio.Semaphore] = {}

    @asynccontextmanager
    async def one(self, section: str, destination: str) -> AsyncIterator[None]:
        """A slot for one attempt. Raises Unavailable when none gets free in time."""
        own = self._each.setdefault((section, destination), asyncio.Semaphore(A_DESTINATION))
        try:
            async with asyncio.timeout(self._wait_seconds):
                await own.acquire()
                await self._acquire_all(own)
        except TimeoutError:
            raise Unavailable("Too much is under way to this destination. It is tried again soon.") from None
        reached("slots.taken")
        try:
            yield
        finally:
            self._all.release()
            own.release()

    async def _acquire_all(self, own: asyncio.Semaphore) -> None:
        try:
            await self._all.acquire()
        except BaseException:
            own.release()
            raise
