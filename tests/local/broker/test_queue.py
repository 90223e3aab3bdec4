"""The queue alone: order, locks, settlement and size."""

import pytest

from local.broker.errors import LockLost, QueueFull
from local.broker.message import QueueSettings
from local.broker.queue import Queue
from tests.local.broker.small_queue import SETTINGS, body, drain, lock_of, text


def test_messages_come_in_the_order_they_were_sent(queue):
    queue.send_all([body("a"), body("b"), body("c")])

    assert drain(queue) == ["a", "b", "c"]
    assert queue.receive() is None


def test_a_locked_message_is_not_received_again_until_its_lock_ends(queue, clock):
    queue.send_all([body("a")])
    queue.receive()
    clock.now += 29.9
    assert queue.receive() is None

    clock.now += 0.1
    again = queue.receive()

    assert text(again) == "a"
    assert again.failed_deliveries == 1


def test_a_message_given_back_comes_before_later_ones(queue):
    queue.send_all([body("a"), body("b"), body("c")])
    first, second = queue.receive(), queue.receive()

    queue.abandon(lock_of(second))
    queue.abandon(lock_of(first))

    assert drain(queue) == ["a", "b", "c"]


@pytest.mark.parametrize("verb", ["complete", "abandon", "release", "defer", "dead_letter", "renew"])
def test_a_lost_lock_is_refused_by_every_verb(queue, clock, verb):
    queue.send_all([body("a")])
    lock = lock_of(queue.receive())
    clock.now += 30

    with pytest.raises(LockLost):
        getattr(queue, verb)(lock)

    assert drain(queue) == ["a"]


def test_a_completed_message_cannot_be_settled_twice(queue):
    queue.send_all([body("a")])
    lock = lock_of(queue.receive())
    queue.complete(lock)

    with pytest.raises(LockLost):
        queue.complete(lock)

    assert queue.size == 0


def test_a_renewed_lock_lasts_its_whole_time_again(queue, clock):
    queue.send_all([body("a")])
    lock = lock_of(queue.receive())
    clock.now += 20

    assert queue.renew(lock) == clock.now + 30

    clock.now += 29
    queue.complete(lock)
    assert queue.peek(1, 10) == []


def test_a_released_message_does_not_count_as_delivered(queue):
    queue.send_all([body("a")])
    for _ in range(5):
        queue.release(lock_of(queue.receive()))

    assert queue.receive().failed_deliveries == 0


def test_peeking_shows_every_state_in_order_and_changes_nothing(queue, clock):
    queue.send_all([body("locked"), body("active"), body("scheduled", scheduled_for=clock.now + 9)])
    queue.receive()

    assert [text(m) for m in queue.peek(1, 10)] == ["locked", "active", "scheduled"]
    assert [text(m) for m in queue.peek(2, 1)] == ["active"]
    assert drain(queue) == ["active"]


def test_a_full_queue_refuses_the_whole_batch(queue, clock):
    small = Queue(QueueSettings("s", max_bytes=20), clock, dead_letters=Queue(SETTINGS, clock))
    small.send_all([body("0123456789")])

    with pytest.raises(QueueFull):
        small.send_all([body(""), body("0123456789")])

    assert drain(small) == ["0123456789"]
    small.send_all([body("0123456789")])


def test_a_long_life_leaves_nothing_behind(queue):
    for _ in range(5000):
        queue.send_all([body("a")])
        queue.complete(lock_of(queue.receive()))

    assert queue.size == 0
    assert len(queue._timers) <= 1001
