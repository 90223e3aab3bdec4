"""Gather: the items of many callers become few calls, with no timer.

While one call is under way the items of the next gather; a lone item goes at once. One call of a lane at a time, so
whatever it touches has one user.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from shared.errors import Unavailable

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_WAITING = 1_000
"""Items that wait in a lane, where nothing else is said."""


class Gather(Generic[Key, Item, Result]):
    """A lane for each key. `call(key, items)` answers a result for each item, in order; what it raises, all get.

    What is Unavailable to a call is so to all who wait in its lane. At most `most` items go into a call, and at most
    `most_waiting` wait in a lane; one more is Unavailable.
    For what nobody waits for, `pause_seconds` before each call that is not full let more gather.
    """

    def __init__(
        self,
        call: Callable[[Key, Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most: int,
        most_waiting: int = MOST_WAITING,
        pause_seconds: float = 0,
    ) -> None:
        self._call, self._most, self._most_waiting = call, most, most_waiting
        self._pause_seconds = pause_seconds
        self._waiting: dict[Key, list[tuple[Item, asyncio.Future[Result]]]] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}

    async def add(self, key: Key, item: Item) -> Result:
        """Wait for the item's result. A caller that is cancelled disturbs no other, and its item still goes."""
        waiting = self._waiting.setdefault(key, [])
        if len(waiting) >= self._most_waiting:
            raise Unavailable("Too much is waiting already. Send it again later.")
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        waiting.append((item, result))
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._run(key))
        return await result

    async def idle(self) -> None:
        """Wait until everything that was added has gone."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def _run(self, key: Key) -> None:
        try:
            while waiting := self._waiting[key]:
                if self._pause_seconds and len(waiting) < self._most:
                    await asyncio.sleep(self._pause_seconds)
                taken = waiting[: self._most]
                del waiting[: self._most]
                await self._go(key, taken)
        finally:
            del self._tasks[key]
            _fail(self._waiting.pop(key, []), Unavailable("It was stopped midway. Send it again."))

    async def _go(self, key: Key, taken: Sequence[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        try:
            results = await self._call(key, [item for item, _ in taken])
            settled = list(zip(taken, results, strict=True))
        except Unavailable as error:
            # Who waits behind would only meet the same, much later.
            _fail([*taken, *self._waiting[key]], error)
            self._waiting[key].clear()
            return
        except BaseException as error:
            _fail(taken, error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, waiter), result in settled:
            if not waiter.done():
                waiter.set_result(result)


def _fail(taken: Sequence[tuple[Item, "asyncio.Future[Result]"]], error: BaseException) -> None:
    for _, waiter in taken:
        if not waiter.done():
            waiter.set_exception(error)
