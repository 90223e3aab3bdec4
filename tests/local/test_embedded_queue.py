"""The embedded queue keeps the promises of a Service Bus queue: locks, counts, dead letters, schedules."""

import asyncio
import contextlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from local.embedded_queue import MAX_BODY_BYTES, EmbeddedQueue, LeaseLost

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
DRAIN_COUNTED = """
import asyncio, sys
from local.embedded_queue import EmbeddedQueue

async def main():
    queue = EmbeddedQueue(sys.argv[1])
    await queue.send("out", [b"ready"])
    while taken := await queue.receive("work", 7):
        for lease in taken:
            await queue.send("out", [lease.body])
            await queue.complete(lease)
    await queue.close()

asyncio.run(main())
"""


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now.timestamp()

    def advance(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def queue(tmp_path, clock):
    queue = EmbeddedQueue(str(tmp_path / "queue.db"), lock_seconds=60, max_deliveries=3, clock=clock)
    yield queue
    await queue.close()


async def test_messages_arrive_in_order_with_what_is_known_of_them(queue):
    await queue.send("events", [b"one", b"\x00two"])
    first, second = await queue.receive("events", 10)
    assert (first.body, second.body) == (b"one", b"\x00two")
    assert first.delivery_count == 1
    assert first.enqueued_at == START
    assert second.sequence_number > first.sequence_number
    assert first.message_id != second.message_id


async def test_an_empty_queue_answers_nothing(queue):
    assert await queue.receive("events", 10) == []


async def test_queues_do_not_see_each_other(queue):
    await queue.send("events", [b"one"])
    assert await queue.receive("deliveries", 10) == []


async def test_no_more_than_asked_for_is_received(queue):
    await queue.send("events", [b"1", b"2", b"3"])
    assert len(await queue.receive("events", 2)) == 2
    assert [lease.body for lease in await queue.receive("events", 2)] == [b"3"]


async def test_a_completed_message_is_gone(queue, clock):
    await queue.send("events", [b"one"])
    (lease,) = await queue.receive("events", 1)
    await queue.complete(lease)
    clock.advance(61)
    assert await queue.receive("events", 1) == []


async def test_an_abandoned_message_comes_back_at_once_and_is_counted(queue):
    await queue.send("events", [b"one"])
    (first,) = await queue.receive("events", 1)
    await queue.abandon(first)
    (second,) = await queue.receive("events", 1)
    assert (second.body, second.message_id, second.delivery_count) == (b"one", first.message_id, 2)


async def test_a_message_comes_back_when_its_lock_ends(queue, clock):
    await queue.send("events", [b"one"])
    await queue.receive("events", 1)
    clock.advance(59)
    assert await queue.receive("events", 1) == []
    clock.advance(1)
    assert [lease.delivery_count for lease in await queue.receive("events", 1)] == [2]


@pytest.mark.parametrize("settle", [EmbeddedQueue.complete, EmbeddedQueue.abandon])
async def test_a_lost_lock_is_refused(queue, clock, settle):
    await queue.send("events", [b"one"])
    (lost,) = await queue.receive("events", 1)
    clock.advance(61)
    with pytest.raises(LeaseLost):
        await settle(queue, lost)
    (again,) = await queue.receive("events", 1)
    with pytest.raises(LeaseLost):
        await settle(queue, lost)
    await queue.complete(again)
    with pytest.raises(LeaseLost):
        await settle(queue, again)


async def test_a_message_abandoned_too_often_is_dead_lettered(queue):
    await queue.send("events", [b"poison"])
    for _ in range(3):
        (lease,) = await queue.receive("events", 1)
        await queue.abandon(lease)
    assert await queue.receive("events", 1) == []
    (dead,) = await queue.receive("events/$DeadLetterQueue", 1)
    assert dead.body == b"poison"
    await queue.abandon(dead)
    assert (await queue.counts("events")).dead_lettered == 1


async def test_a_message_whose_receivers_died_is_dead_lettered(queue, clock):
    await queue.send("events", [b"poison", b"fine"])
    for _ in range(3):
        poison = (await queue.receive("events", 1))[0]
        assert poison.body == b"poison"
        clock.advance(61)
    assert [lease.body for lease in await queue.receive("events", 2)] == [b"fine"]
    assert (await queue.counts("events")).dead_lettered == 1


async def test_a_scheduled_message_waits_for_its_time(queue, clock):
    await queue.send("events", [b"later"], at=START + timedelta(seconds=30))
    assert await queue.receive("events", 1) == []
    assert (await queue.counts("events")).scheduled == 1
    clock.advance(30)
    (lease,) = await queue.receive("events", 1)
    assert (lease.body, lease.delivery_count) == (b"later", 1)
    assert lease.enqueued_at == START + timedelta(seconds=30)


async def test_a_time_without_offset_is_refused(queue):
    with pytest.raises(ValueError, match="offset"):
        await queue.send("events", [b"x"], at=datetime(2026, 1, 1))  # noqa: DTZ001


async def test_a_body_over_the_limit_stores_nothing_of_its_batch(queue):
    with pytest.raises(ValueError, match="at most"):
        await queue.send("events", [b"small", b"x" * (MAX_BODY_BYTES + 1)])
    assert (await queue.counts("events")).active == 0


async def test_counts_tell_active_scheduled_and_dead_apart(queue):
    await queue.send("events", [b"1", b"2"])
    await queue.send("events", [b"3"], at=START + timedelta(hours=1))
    await queue.receive("events", 1)
    counts = await queue.counts("events")
    assert (counts.active, counts.scheduled, counts.dead_lettered) == (2, 1, 0)


async def test_messages_survive_a_restart_of_the_process(tmp_path, clock):
    path = str(tmp_path / "queue.db")
    before = EmbeddedQueue(path, clock=clock)
    await before.send("events", [b"kept"])
    await before.close()
    after = EmbeddedQueue(path, clock=clock)
    assert [lease.body for lease in await after.receive("events", 1)] == [b"kept"]
    await after.close()


async def test_concurrent_receivers_never_share_a_message(tmp_path, clock):
    path = str(tmp_path / "queue.db")
    async with contextlib.AsyncExitStack() as closing:
        queues = [EmbeddedQueue(path, clock=clock) for _ in range(4)]
        for each in queues:
            closing.push_async_callback(each.close)
        await queues[0].send("events", [str(n).encode() for n in range(200)])
        taken = await asyncio.gather(*(each.receive("events", 5) for each in queues * 10))
    bodies = [lease.body for batch in taken for lease in batch]
    assert len(bodies) == len(set(bodies)) == 200


@pytest.mark.slow
async def test_several_processes_share_one_file(tmp_path):
    path = str(tmp_path / "queue.db")
    queue = EmbeddedQueue(path)
    await queue.send("work", [str(n).encode() for n in range(100)])
    command = [sys.executable, "-c", DRAIN_COUNTED, path]
    workers = [subprocess.Popen(command) for _ in range(3)]  # noqa: ASYNC220, S603
    assert [await asyncio.to_thread(worker.wait, 60) for worker in workers] == [0, 0, 0]
    out = [lease.body for lease in await queue.receive("out", 1000)]
    assert sorted(body for body in out if body != b"ready") == sorted(str(n).encode() for n in range(100))
    assert out.count(b"ready") == 3
    await queue.close()


async def test_a_message_in_hand_still_waits(queue, clock):
    await queue.send("events", [b"one"])
    clock.advance(10)
    (lease,) = await queue.receive("events", 1)
    clock.advance(10)
    assert await queue.waited("events") == timedelta(seconds=20)

    await queue.complete(lease)
    assert await queue.waited("events") == timedelta(0)


async def test_a_renewed_lock_lasts_its_whole_time_again(queue, clock):
    await queue.send("events", [b"one"])
    (lease,) = await queue.receive("events", 1)
    clock.advance(50)
    await queue.renew(lease)
    clock.advance(50)
    assert await queue.receive("events", 1) == []
    await queue.complete(lease)


async def test_a_lock_that_has_ended_is_not_renewed(queue, clock):
    await queue.send("events", [b"one"])
    (lease,) = await queue.receive("events", 1)
    clock.advance(61)
    with pytest.raises(LeaseLost):
        await queue.renew(lease)
