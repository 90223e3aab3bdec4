"""A read-through cache: bounded, short-lived, and one read for many waiters."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar, cast

from cachetools import TLRUCache

K = TypeVar("K")
V = TypeVar("V")


class Cached(Generic[K, V]):
    """Remembers what `read(key)` answered for `seconds`, and that there was nothing for `missing_seconds`.

    A failing read is not remembered: it raises for everyone who waited, and the next caller reads again.
    """

    def __init__(
        self,
        read: Callable[[K], Awaitable[V | None]],
        *,
        seconds: float,
        missing_seconds: float = 2,
        most: int = 10_000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        def expires(_key: K, task: "asyncio.Future[V | None]", now: float) -> float:
            missing = task.done() and not task.cancelled() and not task.exception() and task.result() is None
            return now + (missing_seconds if missing else seconds)

        self._read = read
        self._kept: TLRUCache[K, asyncio.Future[V | None]] = TLRUCache(most, ttu=expires, timer=clock)
        self._reading: dict[K, asyncio.Future[V | None]] = {}

    async def get(self, key: K) -> V | None:
        """The value, read at most once at a time. Raises what the read raises."""
        kept = self._kept.get(key)
        if kept is not None:
            return kept.result()
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.ensure_future(self._read(key))
            reading.add_done_callback(lambda done: self._settle(key, done))
        return cast("V | None", await asyncio.shield(reading))

    def forget(self, key: K) -> None:
        """Read it anew next time."""
        self._kept.pop(key, None)
        self._reading.pop(key, None)

    def _settle(self, key: K, done: "asyncio.Future[V | None]") -> None:
        if self._reading.get(key) is not done:
            return
        del self._reading[key]
        if not done.cancelled() and done.exception() is None:
            self._kept[key] = done
