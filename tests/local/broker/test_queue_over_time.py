"""The queue alone: what expires, waits, is deferred, or ends among the dead letters."""

import pytest

from local.broker import codec
from local.broker.content import decode
from local.broker.errors import MessageNotFound, NotAllowed, QueueFull
from local.broker.message import QueueSettings, State
from local.broker.queue import Queue
from tests.local.broker.small_queue import SETTINGS, body, drain, lock_of, reason, text


def test_the_last_allowed_delivery_leads_to_the_dead_letters(queue, clock):
    queue.send_all([body("a")])
    queue.abandon(lock_of(queue.receive()))
    queue.abandon(lock_of(queue.receive()))
    queue.receive()
    clock.now += 30

    assert queue.receive() is None
    dead = queue.dead_letters.receive()
    assert text(dead) == "a"
    assert reason(dead) == "MaxDeliveryCountExceeded"
    assert dead.dead_letter_source == "orders"


def test_an_expired_message_becomes_a_dead_letter(queue, clock):
    queue.send_all([body("brief", ttl_seconds=5), body("long")])
    clock.now += 5

    assert drain(queue) == ["long"]
    assert reason(queue.dead_letters.receive()) == "TTLExpiredException"


def test_no_message_outlives_the_queue_s_own_limit(queue, clock):
    queue.send_all([body("a", ttl_seconds=10_000)])
    clock.now += 1000

    assert queue.receive() is None
    assert reason(queue.dead_letters.receive()) == "TTLExpiredException"


def test_a_locked_message_expires_only_when_its_lock_ends(queue, clock):
    queue.send_all([body("a", ttl_seconds=5), body("b", ttl_seconds=5)])
    kept, returned = queue.receive(), queue.receive()
    clock.now += 6

    queue.complete(lock_of(kept))
    queue.abandon(lock_of(returned))

    assert drain(queue) == []
    assert drain(queue.dead_letters) == ["b"]


def test_a_dead_letter_never_expires_and_has_no_delivery_limit(queue, clock):
    queue.send_all([body("a")])
    queue.dead_letter(lock_of(queue.receive()), "why", "because")
    clock.now += 1_000_000
    for _ in range(10):
        queue.dead_letters.abandon(lock_of(queue.dead_letters.receive()))

    assert reason(queue.dead_letters.receive()) == "why"


def test_a_dead_letter_cannot_be_dead_lettered_and_keeps_its_lock(queue):
    queue.send_all([body("a")])
    queue.dead_letter(lock_of(queue.receive()))
    lock = lock_of(queue.dead_letters.receive())

    with pytest.raises(NotAllowed):
        queue.dead_letters.dead_letter(lock)

    queue.dead_letters.complete(lock)


def test_nobody_sends_into_a_dead_letter_queue(queue):
    with pytest.raises(NotAllowed):
        queue.dead_letters.send_all([body("a")])


def test_a_deferred_message_is_only_received_by_its_number(queue, clock):
    (number,) = queue.send_all([body("a", ttl_seconds=5)])
    queue.defer(lock_of(queue.receive()))
    clock.now += 100
    assert queue.receive() is None

    (deferred,) = queue.receive_deferred([number])
    queue.complete(lock_of(deferred))

    assert queue.size == 0


def test_a_deferred_message_whose_lock_ends_is_deferred_again(queue, clock):
    (number,) = queue.send_all([body("a")])
    queue.defer(lock_of(queue.receive()))
    queue.receive_deferred([number])
    with pytest.raises(MessageNotFound):
        queue.receive_deferred([number])
    clock.now += 30

    assert queue.receive() is None
    assert text(queue.receive_deferred([number], lock=False)[0]) == "a"
    assert queue.size == 0


def test_one_unknown_number_leaves_the_other_deferred_messages_alone(queue):
    (number,) = queue.send_all([body("a")])
    queue.defer(lock_of(queue.receive()))

    with pytest.raises(MessageNotFound):
        queue.receive_deferred([number, 99])

    assert queue.peek(1, 1)[0].lock is None


def test_a_scheduled_message_is_enqueued_anew_at_its_time(queue, clock):
    due = clock.now + 60
    (scheduled,) = queue.send_all([body("later", scheduled_for=due)])
    queue.send_all([body("now")])
    assert queue.peek(1, 1)[0].state is State.SCHEDULED
    assert drain(queue) == ["now"]
    clock.now = due

    message = queue.receive()

    assert text(message) == "later"
    assert message.number > scheduled
    assert message.enqueued_at == due


def test_scheduled_messages_become_active_in_the_order_of_their_times(queue, clock):
    for delay in (30, 10, 20):
        queue.send_all([body(str(delay), scheduled_for=clock.now + delay)])
    clock.now += 30

    assert drain(queue) == ["10", "20", "30"]


def test_a_scheduled_time_in_the_past_is_now(queue, clock):
    queue.send_all([body("a", scheduled_for=clock.now - 1)])

    assert drain(queue) == ["a"]


def test_a_cancelled_message_never_comes(queue, clock):
    (number,) = queue.send_all([body("a", scheduled_for=clock.now + 10)])
    queue.cancel([number])
    clock.now += 11

    assert queue.receive() is None
    with pytest.raises(MessageNotFound):
        queue.cancel([number])


def test_dead_letters_count_against_the_size_of_the_queue(clock):
    small = Queue(QueueSettings("s", max_bytes=20), clock, dead_letters=Queue(SETTINGS, clock))
    small.send_all([body("0123456789")])
    small.dead_letter(lock_of(small.receive()))

    with pytest.raises(QueueFull):
        small.send_all([body("0123456789")])


def test_time_to_live_and_schedule_are_read_from_the_message():
    header = codec.described_list(0x70, codec.TRUE, codec.NULL, codec.uint(1500))
    annotations = codec.described_map(
        0x72, [(codec.symbol("x-opt-scheduled-enqueue-time"), codec.timestamp(12.5))]
    )

    content = decode(header + annotations + body("a").bare)

    assert content.ttl_seconds == 1.5
    assert content.scheduled_for == 12.5
