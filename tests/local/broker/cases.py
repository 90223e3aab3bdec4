"""What a Service Bus queue does: one case a row, each beside the Microsoft page that says so.

Every case leaves its queue empty. `plain` is a queue with long locks and 10 deliveries, `brief` one with
short locks and 3 deliveries.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusMessageState
from azure.servicebus.amqp import AmqpAnnotatedMessage
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
)

from tests.local.broker.bus import NOTHING_COMES_WITHIN, Bus, Message

DOCS = "https://learn.microsoft.com/azure/service-bus-messaging/"


class Queues(NamedTuple):
    plain: Bus
    brief: Bus


Run = Callable[[Queues], Awaitable[None]]


class Case(NamedTuple):
    page: str
    run: Run


CASES: list[Case] = []


def documented(page: str) -> Callable[[Run], Run]:
    def add(run: Run) -> Run:
        CASES.append(Case(DOCS + page, run))
        return run

    return add


def bodies(messages: list[Message]) -> list[str]:
    return [str(message) for message in messages]


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@documented("message-transfers-locks-settlement#settling-receive-operations")
async def a_completed_message_is_gone(queues: Queues):
    bus = queues.plain
    await bus.send("a")

    await bus.complete(await bus.take_one())

    assert await bus.peek() == []


@documented("message-transfers-locks-settlement#peeklock")
async def an_abandoned_message_comes_again_and_is_counted(queues: Queues):
    bus = queues.plain
    await bus.send("a")
    for count in range(3):
        message = await bus.take_one()
        assert message.delivery_count == count
        await bus.receiver.abandon_message(message)

    await bus.complete(await bus.take_one())


@documented("message-transfers-locks-settlement#peeklock")
async def a_message_given_back_comes_before_later_ones(queues: Queues):
    bus = queues.plain
    await bus.send("a", "b", "c")
    await bus.receiver.abandon_message(await bus.take_one())

    messages = await bus.take(3)

    assert bodies(messages) == ["a", "b", "c"]
    assert [message.delivery_count for message in messages] == [1, 0, 0]
    await bus.complete(*messages)


@documented("message-transfers-locks-settlement#peeklock")
async def two_receivers_never_get_the_same_message(queues: Queues):
    bus = queues.plain
    await bus.send(*map(str, range(40)))

    rival = bus.receiver_of(bus.queue)

    ours, theirs = await asyncio.gather(bus.take(15), bus.take(25, rival))

    assert sorted(bodies(ours + theirs), key=int) == [str(i) for i in range(40)]
    await bus.complete(*ours)
    await bus.complete(*theirs, receiver=rival)
    await rival.close()


@documented("message-transfers-locks-settlement#receiveanddelete")
async def a_message_received_and_deleted_is_gone_at_once(queues: Queues):
    bus = queues.plain
    await bus.send("a")

    message = await bus.take_one(bus.deleting)

    assert (str(message), message.lock_token) == ("a", None)
    assert await bus.peek() == []


@documented("message-transfers-locks-settlement#peeklock")
async def a_message_whose_lock_ends_comes_again_in_order(queues: Queues):
    bus = queues.brief
    await bus.send("a", "b")
    assert bodies(await bus.take(2)) == ["a", "b"]

    again = await bus.take(2)

    assert bodies(again) == ["a", "b"]
    assert [message.delivery_count for message in again] == [1, 1]
    await bus.complete(*again)


@documented("message-transfers-locks-settlement#renew-locks")
async def a_renewed_lock_ends_later(queues: Queues):
    bus = queues.brief
    await bus.send("a")
    message = await bus.take_one()
    first_end = message.locked_until_utc

    async with asyncio.timeout(5):
        while await bus.receiver.renew_message_lock(message) <= first_end:
            pass  # the same millisecond

    assert message.locked_until_utc > first_end
    await bus.complete(message)


@documented("message-transfers-locks-settlement#renew-locks")
async def a_lost_lock_cannot_be_renewed(queues: Queues):
    bus = queues.brief
    await bus.send("a")
    lost = await bus.take_one()
    again = await bus.take_one()

    with pytest.raises(MessageLockLostError):
        await bus.receiver.renew_message_lock(lost)

    await bus.complete(again)


@documented("service-bus-messaging-exceptions-latest#reason-messagelocklost")
async def a_lost_lock_cannot_be_settled(queues: Queues):
    bus = queues.brief
    await bus.send("a")
    lost = await bus.take_one()
    again = await bus.take_one()

    with pytest.raises(MessageLockLostError):
        await bus.complete(lost)

    await bus.complete(again)


@documented("service-bus-dead-letter-queues#maximum-delivery-count")
async def a_message_that_always_fails_becomes_a_dead_letter(queues: Queues):
    bus = queues.brief
    await bus.send("a", message_id="1")
    for _ in range(3):
        await bus.receiver.abandon_message(await bus.take_one())

    dead = await bus.take_one(bus.dead_letters)

    assert (str(dead), dead.message_id) == ("a", "1")
    assert dead.dead_letter_reason == "MaxDeliveryCountExceeded"
    await bus.complete(dead, receiver=bus.dead_letters)


@documented("service-bus-dead-letter-queues#application-level-dead-lettering")
async def an_application_dead_letters_with_its_own_reason(queues: Queues):
    bus = queues.plain
    await bus.send("a", application_properties={"attempt": 3})
    message = await bus.take_one()
    await bus.receiver.dead_letter_message(message, reason="unreadable", error_description="no JSON")

    dead = await bus.take_one(bus.dead_letters)

    assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("unreadable", "no JSON")
    assert dead.application_properties[b"attempt"] == 3
    await bus.complete(dead, receiver=bus.dead_letters)
    assert await bus.peek(bus.dead_letters) == []


@documented("message-expiration")
async def an_expired_message_becomes_a_dead_letter(queues: Queues):
    bus = queues.plain
    await bus.send("a", time_to_live=timedelta(seconds=1))

    dead = await bus.take_one(bus.dead_letters)

    assert (str(dead), dead.dead_letter_reason) == ("a", "TTLExpiredException")
    await bus.complete(dead, receiver=bus.dead_letters)


@documented("message-deferral")
async def a_deferred_message_comes_only_when_asked_for_by_number(queues: Queues):
    bus = queues.plain
    await bus.send("a")
    message = await bus.take_one()
    await bus.receiver.defer_message(message)
    assert [peeked.state for peeked in await bus.peek()] == [ServiceBusMessageState.DEFERRED]
    assert await bus.receiver.receive_messages(1, max_wait_time=NOTHING_COMES_WITHIN) == []

    (deferred,) = await bus.receiver.receive_deferred_messages(message.sequence_number)

    assert str(deferred) == "a"
    await bus.complete(deferred)


@documented("message-deferral")
async def a_deferred_message_can_be_dead_lettered(queues: Queues):
    bus = queues.plain
    await bus.send("a")
    message = await bus.take_one()
    await bus.receiver.defer_message(message)
    (deferred,) = await bus.receiver.receive_deferred_messages([message.sequence_number])
    await bus.receiver.dead_letter_message(deferred, reason="late")

    dead = await bus.take_one(bus.dead_letters)

    assert dead.dead_letter_reason == "late"
    await bus.complete(dead, receiver=bus.dead_letters)


@documented("message-deferral")
async def an_unknown_number_is_not_found(queues: Queues):
    with pytest.raises(MessageNotFoundError):
        await queues.plain.receiver.receive_deferred_messages(2**40)


@documented("message-sequencing#scheduled-messages")
async def a_message_with_a_scheduled_time_comes_at_that_time(queues: Queues):
    bus = queues.plain
    due = soon(1)
    await bus.send("later", scheduled_enqueue_time_utc=due)
    await bus.send("now")
    assert bodies(await bus.take(1, bus.deleting)) == ["now"]

    message = await bus.take_one()

    assert str(message) == "later"
    assert message.enqueued_time_utc >= due - timedelta(milliseconds=1)
    await bus.complete(message)


@documented("message-sequencing#scheduled-messages")
async def a_scheduled_message_gets_a_new_number_at_its_time(queues: Queues):
    bus = queues.plain
    (number,) = await bus.sender.schedule_messages(ServiceBusMessage("a"), soon(0.5))

    message = await bus.take_one()

    assert message.sequence_number > number
    await bus.complete(message)


@documented("message-sequencing#scheduled-messages")
async def a_cancelled_message_never_comes(queues: Queues):
    bus = queues.plain
    messages = [ServiceBusMessage("a"), ServiceBusMessage("b")]
    numbers = await bus.sender.schedule_messages(messages, soon(60))
    assert [peeked.state for peeked in await bus.peek()] == [ServiceBusMessageState.SCHEDULED] * 2

    await bus.sender.cancel_scheduled_messages(numbers)

    assert await bus.peek() == []


@documented("message-browsing")
async def peeking_shows_locked_messages_too_and_locks_none(queues: Queues):
    bus = queues.plain
    await bus.send("a", "b")
    locked = await bus.take_one()

    assert bodies(await bus.peek()) == ["a", "b"]

    await bus.complete(locked, await bus.take_one())


@documented("message-sequencing")
async def numbers_rise_and_times_are_the_broker_s(queues: Queues):
    bus = queues.plain
    await bus.send("a", "b", "c")

    messages = await bus.take(3)

    numbers = [message.sequence_number for message in messages]
    assert numbers == sorted(set(numbers))
    assert all(
        abs(message.enqueued_time_utc - datetime.now(UTC)) < timedelta(minutes=1) for message in messages
    )
    assert all(message.locked_until_utc > message.enqueued_time_utc for message in messages)
    await bus.complete(*messages)


@documented("service-bus-performance-improvements#batching-store-access")
async def a_batch_arrives_as_its_messages(queues: Queues):
    bus = queues.plain
    batch = await bus.sender.create_message_batch()
    for i in range(100):
        message = ServiceBusMessage(f"{i}", message_id=f"id-{i}", application_properties={"i": i})
        batch.add_message(message)
    await bus.sender.send_messages(batch)

    messages = await bus.take(100)

    assert bodies(messages) == [str(i) for i in range(100)]
    assert [message.message_id for message in messages] == [f"id-{i}" for i in range(100)]
    assert [message.application_properties[b"i"] for message in messages] == list(range(100))
    await bus.complete(*messages)


PROPERTIES: dict[str | bytes, Any] = {
    "text": "é",
    "integer": -5,
    "float": 1.5,
    "flag": True,
    "uuid": uuid.UUID(int=1),
}


# azure-servicebus gives strings in a map back as bytes.
RECEIVED_PROPERTIES = {
    str(name).encode(): value.encode() if isinstance(value, str) else value
    for name, value in PROPERTIES.items()
}


@documented("service-bus-messages-payloads")
async def properties_and_payload_arrive_as_they_were_sent(queues: Queues):
    bus = queues.plain
    sent: dict[str, Any] = {
        "message_id": "id",
        "correlation_id": "trace",
        "subject": "s",
        "content_type": "application/json",
        "reply_to": "r",
        "to": "t",
        "time_to_live": timedelta(hours=1),
    }
    message = ServiceBusMessage(bytes(range(256)), application_properties=PROPERTIES.copy(), **sent)
    await bus.sender.send_messages(message)

    received = await bus.take_one()

    assert b"".join(received.body) == bytes(range(256))
    assert {name: getattr(received, name) for name in sent} == sent
    assert received.application_properties == RECEIVED_PROPERTIES
    await bus.complete(received)


@documented("service-bus-messages-payloads#payload-serialization")
async def every_kind_of_amqp_body_arrives(queues: Queues):
    bus = queues.plain
    await bus.sender.send_messages(AmqpAnnotatedMessage(value_body={"a": [1, 2]}))
    await bus.sender.send_messages(AmqpAnnotatedMessage(sequence_body=[[1, b"x"], ["y"]]))
    await bus.sender.send_messages(AmqpAnnotatedMessage(data_body=[b"one", b"two"]))

    value, sequence, data = await bus.take(3)

    assert value.body == {b"a": [1, 2]}
    assert list(sequence.body) == [[1, b"x"], [b"y"]]
    assert list(data.body) == [b"one", b"two"]
    await bus.complete(value, sequence, data)


@documented("service-bus-quotas")
async def a_large_message_is_carried_in_many_frames(queues: Queues):
    bus = queues.plain
    await bus.send("x" * 200_000)

    message = await bus.take_one()

    assert str(message) == "x" * 200_000
    await bus.complete(message)


@documented("service-bus-quotas")
async def a_message_over_256_kib_is_refused(queues: Queues):
    bus = queues.plain
    for size in (256 * 1024, 3_000_000):
        with pytest.raises(MessageSizeExceededError):
            await bus.sender.send_messages(ServiceBusMessage("x" * size))

    await bus.send("the same sender still works")
    await bus.complete(await bus.take_one())


@documented("service-bus-messaging-exceptions-latest#reason-messagingentitynotfound")
async def nobody_sends_to_or_receives_from_an_unknown_queue(queues: Queues):
    sender = queues.plain.sender_to("no-such-queue")
    receiver = queues.plain.receiver_of("no-such-queue")

    refusals = await asyncio.gather(
        sender.send_messages(ServiceBusMessage("a")),
        receiver.receive_messages(1, max_wait_time=5),
        return_exceptions=True,
    )

    assert [type(refusal) for refusal in refusals] == [MessagingEntityNotFoundError] * 2
    await asyncio.gather(sender.close(), receiver.close())


@documented("service-bus-prefetch")
async def closing_a_receiver_gives_back_what_it_prefetched(queues: Queues):
    bus = queues.plain
    await bus.send(*map(str, range(5)))
    prefetching = bus.receiver_of(bus.queue, prefetch_count=10)
    await bus.complete(await bus.take_one(prefetching), receiver=prefetching)
    await prefetching.close()

    messages = await bus.take(4)

    assert bodies(messages) == ["1", "2", "3", "4"]
    assert [message.delivery_count for message in messages] == [0, 0, 0, 0]
    await bus.complete(*messages)
