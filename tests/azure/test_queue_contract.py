"""The same cases against every queue: the fake, Service Bus (the broker), and the embedded one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple, Protocol
from uuid import uuid4

import pytest
from azure.servicebus import ServiceBusMessageState, ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusClient

from local.embedded_queue import EmbeddedQueue
from shared.azure.bus import ServiceBusQueue
from shared.ports import Queue
from shared.wiring import SystemClock
from tests.fakes import FakeQueue

IN_AN_HOUR = datetime.now(UTC) + timedelta(hours=1)
A_TICK = timedelta(milliseconds=1)
"""Service Bus counts in whole milliseconds."""


class Far(Protocol):
    """What stands at the other end of a queue."""

    async def take(self, count: int) -> Sequence[str]:
        """Exactly so many messages that are visible now."""

    async def scheduled(self) -> int:
        """How many messages wait for their time."""


class Ends(NamedTuple):
    queue: Queue
    name: str
    far: Far


class FakeFar:
    def __init__(self, queue):
        self.queue = queue

    async def take(self, count):
        visible = [sent for sent in self.queue.sent if sent[2] is None or sent[2] <= datetime.now(UTC)][
            :count
        ]
        self.queue.sent = [sent for sent in self.queue.sent if sent not in visible]
        return [body for _, body, _ in visible]

    async def scheduled(self):
        return sum(at is not None and at > datetime.now(UTC) for _, _, at in self.queue.sent)


class BusFar:
    def __init__(self, client, name):
        self.receiver = client.get_queue_receiver(name, receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE)

    async def take(self, count):
        taken: list[str] = []
        while len(taken) < count:
            more = await self.receiver.receive_messages(count - len(taken), max_wait_time=10)
            assert more, f"{len(taken)} of {count} messages came"
            taken += map(str, more)
        return taken

    async def scheduled(self):
        seen = await self.receiver.peek_messages(100, sequence_number=1)
        return sum(message.state is ServiceBusMessageState.SCHEDULED for message in seen)


class EmbeddedFar:
    def __init__(self, queue, name):
        self.queue, self.name = queue, name

    async def take(self, count):
        leases = await self.queue.receive(self.name, count)
        for lease in leases:
            await self.queue.complete(lease)
        return [lease.body if isinstance(lease.body, str) else lease.body.decode() for lease in leases]

    async def scheduled(self):
        return (await self.queue.counts(self.name)).scheduled


@pytest.fixture(params=["fake", "bus", "embedded"])
async def ends(request, tmp_path):
    if request.param == "fake":
        queue = FakeQueue(SystemClock())
        yield Ends(queue, "events", FakeFar(queue))
    elif request.param == "embedded":
        embedded = EmbeddedQueue(str(tmp_path / "queue.db"))
        yield Ends(embedded, "events", EmbeddedFar(embedded, "events"))
        await embedded.close()
    else:
        connection = request.getfixturevalue("broker").connection_string
        name = request.getfixturevalue("fresh_queue")()
        client = ServiceBusClient.from_connection_string(connection)
        async with ServiceBusQueue(connection) as bus, client:
            yield Ends(bus, name, BusFar(client, name))


async def test_messages_arrive_in_order(ends):
    await ends.queue.send(ends.name, ["first", "Zoë 🎉", '{"n":1}'])
    await ends.queue.send(ends.name, ["last"])
    assert await ends.far.take(4) == ["first", "Zoë 🎉", '{"n":1}', "last"]


async def test_no_bodies_are_no_message(ends):
    await ends.queue.send(ends.name, [])
    await ends.queue.send(ends.name, ["only"])
    assert await ends.far.take(1) == ["only"]


async def test_a_scheduled_message_waits_for_its_time(ends):
    await ends.queue.send(ends.name, ["later", "later too"], at=IN_AN_HOUR)
    await ends.queue.send(ends.name, ["now"])
    assert await ends.far.take(1) == ["now"]
    assert await ends.far.scheduled() == 2


@pytest.mark.parametrize("hours", [-5, 0, 9])
async def test_a_time_that_has_passed_is_now_wherever_it_was_written(ends, hours):
    at = datetime.now(timezone(timedelta(hours=hours))) - timedelta(minutes=1)
    await ends.queue.send(ends.name, ["due"], at=at)
    assert await ends.far.take(1) == ["due"]


async def test_a_time_without_an_offset_is_refused(ends):
    with pytest.raises(ValueError, match="offset"):
        await ends.queue.send(ends.name, ["later"], at=IN_AN_HOUR.replace(tzinfo=None))


@pytest.mark.slow
async def test_more_than_a_batch_arrives_whole(ends):
    bodies = [f"{number:05} {uuid4()} {'x' * 150}" for number in range(3_000)]
    await ends.queue.send(ends.name, bodies)
    assert await ends.far.take(3_000) == bodies


async def test_many_senders_at_once_each_arrive_once(ends):
    bodies = [f"{number}" for number in range(200)]
    await asyncio.gather(*(ends.queue.send(ends.name, [body]) for body in bodies))
    await asyncio.gather(*(ends.queue.send(ends.name, [body], at=IN_AN_HOUR) for body in bodies[:3]))
    assert sorted(await ends.far.take(200)) == sorted(bodies)
    assert await ends.far.scheduled() == 3


async def test_a_queue_of_which_nothing_is_ready_has_no_message_that_waits(ends):
    assert await ends.queue.waited(ends.name) == timedelta(0)
    await ends.queue.send(ends.name, ["later"], at=IN_AN_HOUR)
    assert await ends.queue.waited(ends.name) == timedelta(0)


async def test_the_oldest_message_that_is_ready_says_how_long_a_queue_waits(ends):
    await ends.queue.send(ends.name, ["later"], at=IN_AN_HOUR)
    await ends.queue.send(ends.name, ["old"])
    old_since = datetime.now(UTC)
    await asyncio.sleep(0.01)
    new_since = datetime.now(UTC)
    await ends.queue.send(ends.name, ["new"])
    assert await ends.queue.waited(ends.name) > new_since - old_since

    assert await ends.far.take(1) == ["old"]
    assert timedelta(0) < await ends.queue.waited(ends.name) <= datetime.now(UTC) - new_since + A_TICK


async def test_a_queue_that_is_there_is_reached_whatever_lies_on_it(ends):
    await ends.queue.reach(ends.name)
    await ends.queue.send(ends.name, ["later"], at=IN_AN_HOUR)
    await ends.queue.send(ends.name, ["now"])
    await ends.queue.reach(ends.name)
    assert await ends.far.take(1) == ["now"]
