"""Applies load with a fixed number of callers, and counts what it costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from statistics import median, quantiles
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")


class Counting(Protocol):
    """What is measured: it counts its own table requests and bus messages."""

    @property
    def requests(self) -> int: ...

    @property
    def messages(self) -> int: ...

    async def idle(self) -> None:
        """Wait for what happens after the answer, so that its cost is counted."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round's costs, per event, times in milliseconds; what does not apply is None."""

    cpu_ms: float
    requests: float | None = None
    messages: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    per_second: float | None = None


async def run(
    counting: Counting,
    work: Callable[[Item], Awaitable[object]],
    items: Sequence[Item],
    callers: int,
    *,
    events: int | None = None,
) -> Round:
    """Let `callers` work on all items, which are so many events; CPU is this process's, client side only."""
    requests, messages = counting.requests, counting.messages
    cpu, began = time.process_time(), time.perf_counter()
    times = await timed(work, items, callers)
    took = time.perf_counter() - began
    await counting.idle()
    count = events or len(items)
    return Round(
        cpu_ms=(time.process_time() - cpu) * 1000 / count,
        requests=(counting.requests - requests) / count,
        messages=(counting.messages - messages) / count,
        p50_ms=median(times),
        p99_ms=quantiles(times, n=100)[98],
        per_second=count / took,
    )


async def timed(
    work: Callable[[Item], Awaitable[object]], items: Iterable[Item], callers: int
) -> list[float]:
    """How long each item took, in milliseconds. Each caller takes the next one as soon as it is done with its last."""
    waiting, times = iter(items), list[float]()

    async def caller() -> None:
        for item in waiting:
            began = time.perf_counter()
            await work(item)
            times.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return times


def middle(rounds: Sequence[Round]) -> Round:
    """The median of each figure."""
    found = {one.name: [getattr(round, one.name) for round in rounds] for one in fields(Round)}
    medians: dict[str, Any] = {
        name: None if None in figures else median(figures) for name, figures in found.items()
    }
    return replace(rounds[0], **medians)
