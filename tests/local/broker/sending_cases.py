"""The rows of the table about sending: what arrives, when, in which order, and what is refused."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusMessageState
from azure.servicebus.amqp import AmqpAnnotatedMessage
from azure.servicebus.exceptions import MessageSizeExceededError, MessagingEntityNotFoundError

from tests.local.broker.bus import bodies
from tests.local.broker.table import Queues, Table

CASES = Table()


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@CASES.documented("message-sequencing#scheduled-messages")
async def a_message_with_a_scheduled_time_comes_at_that_time(queues: Queues):
    bus = queues.plain
    due = soon(1)
    await bus.send("later", scheduled_enqueue_time_utc=due)
    await bus.send("now")
    now = await bus.take_one()

    message = await bus.take_one()

    assert bodies([now, message]) == ["now", "later"]
    assert message.enqueued_time_utc >= due - timedelta(milliseconds=1)
    await bus.complete(now, message)


@CASES.documented("message-sequencing#scheduled-messages")
async def a_scheduled_message_gets_a_new_number_at_its_time(queues: Queues):
    bus = queues.plain
    (number,) = await bus.sender.schedule_messages(ServiceBusMessage("a"), soon(0.5))

    message = await bus.take_one()

    assert message.sequence_number > number
    await bus.complete(message)


@CASES.documented("message-sequencing#scheduled-messages")
async def a_cancelled_message_never_comes(queues: Queues):
    bus = queues.plain
    messages = [ServiceBusMessage("a"), ServiceBusMessage("b")]
    numbers = await bus.sender.schedule_messages(messages, soon(60))
    assert [peeked.state for peeked in await bus.peek()] == [ServiceBusMessageState.SCHEDULED] * 2

    await bus.sender.cancel_scheduled_messages(numbers)

    assert await bus.peek() == []


@CASES.documented("message-browsing")
async def peeking_shows_locked_messages_too_and_locks_none(queues: Queues):
    bus = queues.plain
    await bus.send("a", "b")
    locked = await bus.take_one()

    assert bodies(await bus.peek()) == ["a", "b"]

    await bus.complete(locked, await bus.take_one())


@CASES.documented("message-sequencing")
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


@CASES.documented("service-bus-performance-improvements")
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


@CASES.documented("service-bus-messages-payloads")
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


@CASES.documented("service-bus-messages-payloads#payload-serialization")
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


@CASES.documented("service-bus-quotas")
async def a_large_message_is_carried_in_many_frames(queues: Queues):
    bus = queues.plain
    await bus.send("x" * 200_000)

    message = await bus.take_one()

    assert str(message) == "x" * 200_000
    await bus.complete(message)


@CASES.documented("service-bus-quotas")
async def a_message_over_256_kib_is_refused(queues: Queues):
    bus = queues.plain
    for size in (256 * 1024, 3_000_000):
        with pytest.raises(MessageSizeExceededError):
            await bus.sender.send_messages(ServiceBusMessage("x" * size))

    await bus.send("the same sender still works")
    await bus.complete(await bus.take_one())


@CASES.documented("service-bus-messaging-exceptions-latest#reason-messagingentitynotfound")
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
