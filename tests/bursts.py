"""A burst on its way to one destination, worked off by several instances that share storage and bus: what is sent when."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared import flow
from shared.exact import Json
from shared.messages import read_delivery
from shared.ports import Answer, NoAnswer, Outgoing
from tests.fakes import FakeClock, FakeHttp, FakeQueue, FakeTables
from tests.house import House, body, build, order

AT_ONCE = 16
"""Messages that an instance works on at the same time (host.json)."""
STEP_SECONDS = 0.5


class CountingHttp(FakeHttp):
    """Takes everything, and says when each request came."""

    def __init__(self, clock: FakeClock, *, answer: Answer | NoAnswer = Answer(204, {}, b"")) -> None:  # noqa: B008
        super().__init__()
        self.times: list[float] = []
        self._clock, self._answer = clock, answer

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        self.requests.append(request)
        self.times.append(self._clock.seconds())
        return self._answer

    def most_in(self, seconds: float) -> int:
        """The most requests in any so many seconds."""
        times, first, most = self.times, 0, 0
        for last, time in enumerate(times):
            while times[first] <= time - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


@dataclass
class Burst:
    """The instances, and what they are to send."""

    instances: Sequence[House]
    http: CountingHttp
    clock: FakeClock
    events: list[str] = field(default_factory=list)
    messages: int = 0

    async def work_off(self, *, most_seconds: float = 3 * 3_600) -> None:
        """Let time pass until nothing waits any more, each message to the next instance."""
        turn, end = 0, self.clock.seconds() + most_seconds
        queue = self.instances[0].queue
        while queue.sent and self.clock.seconds() < end:
            ready = [one for one in queue.sent if is_ready(one, self.clock)]
            queue.sent = [one for one in queue.sent if one not in ready]
            self.messages += len(ready)
            for start in range(0, len(ready), AT_ONCE * len(self.instances)):
                together = ready[start : start + AT_ONCE * len(self.instances)]
                houses = [self.instances[(turn + n) % len(self.instances)] for n in range(len(together))]
                turn += len(together)
                await asyncio.gather(
                    *(
                        flow.deliver(house.line, read_delivery(message.encode()))
                        for house, (_, message, _) in zip(houses, together, strict=True)
                    )
                )
                for house in self.instances:
                    await house.line.quotas.idle()
            self.clock.pass_(seconds=STEP_SECONDS)


def is_ready(message: tuple[str, str, datetime | None], clock: FakeClock) -> bool:
    return message[2] is None or message[2] <= clock.now()


async def burst(instances: int, events: int, *, tables: Any = None, **settings: Json) -> Burst:
    """So many events, processed and to be delivered to one webhook with these settings, by so many instances."""
    clock, queue, tables = FakeClock(), FakeQueue(), tables or FakeTables()
    http = CountingHttp(clock)
    houses = [build(tables=tables, queue=queue, clock=clock, http=http) for _ in range(instances)]
    first = await houses[0].furnish()
    doc = {"settings": {"url": "https://crm.example.com/hook", **settings}}
    await first.line.destinations.change("demo", "crm", body(doc))
    made = Burst(houses, http, clock)
    for start in range(0, events, 1_000):
        posted = (order(id=f"order-{n}") for n in range(start, min(start + 1_000, events)))
        made.events += [one.id for one in await first.post_all(*posted)]
    await first.work("events")
    return made
