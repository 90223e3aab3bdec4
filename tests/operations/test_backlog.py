"""A bus that was away for half an hour: what was accepted meanwhile is handed off once, and in few requests."""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusClient

from shared import ids
from shared.azure.bus import ServiceBusQueue
from shared.azure.tables import MAX_PAGE_ROWS, AzureTables
from shared.messages import read_commit
from shared.operations.pace import Pace
from shared.operations.roll_up import roll_up
from shared.operations.sweep import SENT_TOGETHER
from shared.operations.tick import tick
from shared.ports import Operation, Queue, Verb
from shared.stores.outbox import MARKED_AT_ONCE, unsent_row
from tests.fakes import FakeClock
from tests.house import build
from tests.kill.outage import Mode, Outage
from tests.real import azurite, broker, fresh_queue

__all__ = ["azurite", "broker", "fresh_queue"]
ACCEPTED = 1_000
COMMITS = 20_000
BUCKETS = 4
CALLERS = 8
MOST_REQUESTS = COMMITS / MARKED_AT_ONCE + COMMITS / MAX_PAGE_ROWS + 120
"""To read and mark them in full transactions, and what a tick asks for anyway."""
log = logging.getLogger("tests.backlog")


class Ahead:
    """A real queue as a house sees it whose clock is ahead; what is sent is counted."""

    def __init__(self, queue: Queue, name: str, clock: FakeClock) -> None:
        self._queue, self._name, self._clock = queue, name, clock
        self.calls = self.messages = 0

    async def send(self, _: str, bodies: Sequence[str], *, at: datetime | None = None) -> None:
        self.calls += 1
        await self._queue.send(self._name, bodies, at=at)
        self.messages += len(bodies)

    async def waited(self, _: str) -> timedelta:
        return await self._queue.waited(self._name) + (self._clock.now() - datetime.now(UTC))


class Time:
    """A monotonic clock that a test moves."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_was_accepted_while_the_bus_was_away_is_handed_off_once(azurite, broker, fresh_queue):
    name, pause, clock = fresh_queue(), Time(), FakeClock(datetime.now(UTC))
    with Outage(broker.port) as outage:
        behind = broker.connection_string.replace(f":{broker.port};", f":{outage.port};")
        async with (
            AzureTables(azurite.connection_string) as tables,
            ServiceBusQueue(behind, monotonic=pause) as bus,
        ):
            queue = Ahead(bus, name, clock)
            house = await build(tables=tables, queue=queue, clock=clock).furnish()
            outage.set(Mode.REFUSE)
            first = ids.commit_of(await house.accept(id="first")).id
            tried = outage.connections
            commits = [first, *await accept_many(house)]
            # After a failure nobody tries while the pause lasts, which this clock does not let pass.
            assert outage.connections == tried > 0
            commits += await left_behind(tables, clock, COMMITS - len(commits))

            outage.set(Mode.PASS)
            pause.seconds += 60
            queue.calls = 0
            clock.pass_(minutes=1)
            requests = await ticked(house)

            assert queue.messages == COMMITS
            assert queue.calls <= COMMITS / SENT_TOGETHER + BUCKETS
            assert requests <= MOST_REQUESTS
            for hours in (2, 12):
                clock.pass_(hours=hours)
                # Counted beforehand: it is not what the hours cost that is measured here.
                await roll_up(house.line, Pace.of(clock, timedelta(minutes=1)))
                assert await ticked(house) <= MOST_REQUESTS
            assert queue.messages == COMMITS
    assert await lying(broker.connection_string, name) == Counter(commits)


async def accept_many(house) -> list[str]:
    """The commits of events that come one by one, mostly one event each."""
    numbers, found = iter(range(1, ACCEPTED)), set()

    async def caller() -> None:
        for number in numbers:
            found.add(ids.commit_of(await house.accept(id=f"order-{number}")).id)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    assert len(found) > ACCEPTED / 2
    return list(found)


async def left_behind(tables, clock, count) -> list[str]:
    """Further commits, as far as a sweep reads them: their outbox rows."""
    made = [ids.new_commit(clock.now(), n % BUCKETS, secrets.token_bytes(7)) for n in range(count)]
    for bucket in range(BUCKETS):
        pk = f"demo|{bucket}"
        rows = [Operation(Verb.INSERT, unsent_row(pk, one)) for one in made if one.bucket == bucket]
        for start in range(0, len(rows), 100):
            await tables.transact("events", rows[start : start + 100])
    return [one.id for one in made]


async def ticked(house) -> int:
    """Let one tick run; how many requests it sent to Table Storage."""
    before, begun, cpu = house.tables.requests, time.monotonic(), time.process_time()
    told = (await tick(house.line))["sweep"]
    took, cpu = time.monotonic() - begun, time.process_time() - cpu
    requests: int = house.tables.requests - before
    each = f"{requests / COMMITS:.4f} requests and {cpu / COMMITS * 1000:.2f} ms of CPU each"
    log.warning("%s in %.1f s, %.0f a second; %s", told, took, COMMITS / took, each)
    return requests


async def lying(connection: str, name: str) -> Counter[str]:
    """Which commits the messages on the queue name, and how often."""
    found: Counter[str] = Counter()
    async with (
        ServiceBusClient.from_connection_string(connection) as client,
        client.get_queue_receiver(
            name, receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE, prefetch_count=1_000
        ) as receiver,
    ):
        while taken := await receiver.receive_messages(1_000, max_wait_time=2):
            found.update(read_commit(str(message).encode()).commit.id for message in taken)
    return found
