"""What feeds functions other than HTTP: queue pumps and timers stand behind one Protocol."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from local.host.servicebus_data import QueueMessage

# Runs a function on messages; True settles them as done, False gives them back.
Handle = Callable[[Sequence[QueueMessage]], Awaitable[bool]]


class Listener(Protocol):
    """Started once inside the event loop and closed once."""

    def start(self) -> None: ...

    async def close(self, seconds: float) -> None:
        """Take nothing more, wait up to `seconds` for what is under way, settle it and let go."""


class InFlight:
    """The invocations under way, at most `limit` of them; `on_free` hears of every place that gets free."""

    def __init__(self, limit: int, on_free: Callable[[], None] = lambda: None) -> None:
        self._limit = limit
        self._on_free = on_free
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        return self._limit - len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def one_done(self) -> None:
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def all_done(self, seconds: float) -> None:
        """Cancels what is still running after `seconds`: its messages come back when their locks end."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_free()
