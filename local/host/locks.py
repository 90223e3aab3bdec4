"""Keeps messages locked while a function works on them, as the real host does up to `maxAutoLockRenewalDuration`.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus#hostjson-settings
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")
_SHORTEST_PAUSE_SECONDS = 0.05


async def keep_locked(
    work: Awaitable[Result],
    renew: Callable[[], Awaitable[None]],
    *,
    lock_seconds: float,
    at_most_seconds: float,
) -> Result:
    """What `work` answers. Meanwhile `renew` is called whenever half of the lock has passed, until `at_most_seconds`."""
    renewing = asyncio.create_task(
        _renew(renew, max(lock_seconds / 2, _SHORTEST_PAUSE_SECONDS), at_most_seconds)
    )
    try:
        return await work
    finally:
        renewing.cancel()


async def _renew(renew: Callable[[], Awaitable[None]], every_seconds: float, at_most_seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most_seconds):
            while True:
                await asyncio.sleep(every_seconds)
                await renew()
