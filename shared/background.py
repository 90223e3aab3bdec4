"""Background: work that nobody waits for, kept hold of until it has ended."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Tasks that were started and let go. What they raise, asyncio logs: whoever starts one handles what it expects."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin, and go on at once. The event loop itself holds a task only weakly (asyncio.create_task)."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Wait until everything that was started has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)
