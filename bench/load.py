"""Applies load with a fixed number of callers, and counts what it costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Protocol

from shared.stages.record import Candidate


class Design(Protocol):
    """What is measured: it counts its own table requests and bus messages."""

    @property
    def requests(self) -> int: ...

    @property
    def messages(self) -> int: ...

    async def accept(self, candidate: Candidate) -> None: ...


@dataclass(frozen=True, slots=True)
class Round:
    """One round's costs, per event, in milliseconds; CPU is this process's, client side only."""

    cpu_ms: float
    requests: float
    messages: float
    p50_ms: float
    p99_ms: float
    per_second: float


async def run(
    design: Design, candidates: Sequence[Candidate], callers: int, settle: Callable[[], Awaitable[None]]
) -> Round:
    """Let `callers` accept all candidates, each the next one as soon as it is done with its last."""
    waiting, times = iter(candidates), list[float]()

    async def caller() -> None:
        for candidate in waiting:
            began = time.perf_counter()
            await design.accept(candidate)
            times.append((time.perf_counter() - began) * 1000)

    requests, messages = design.requests, design.messages
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    took = time.perf_counter() - began
    await settle()
    count = len(candidates)
    return Round(
        cpu_ms=(time.process_time() - cpu) * 1000 / count,
        requests=(design.requests - requests) / count,
        messages=(design.messages - messages) / count,
        p50_ms=median(times),
        p99_ms=quantiles(times, n=100)[98],
        per_second=count / took,
    )


def middle(rounds: Sequence[Round]) -> Round:
    """The median of each figure."""
    return Round(*(median(getattr(one, name) for one in rounds) for name in Round.__slots__))
