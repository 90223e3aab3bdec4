"""The rows of the table about receiving: locks, settlement, redelivery, deferral and dead letters."""

import asyncio
from datetime import timedelta

import pytest
from azure.servicebus import ServiceBusMessageState
from azure.servicebus.exceptions import MessageLockLostError, MessageNotFoundError

from tests.local.broker.bus import bodies
from tests.local.broker.table import Queues, Table

CASES = Table()


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
async def a_completed_message_is_gone(queues: Queues):
    bus = queues.plain
    await bus.send("a")

    await bus.complete(await bus.take_one())

    assert await bus.peek() == []


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
async def an_abandoned_message_comes_again_and_is_counted(queues: Queues):
    bus = queues.plain
    await bus.send("a")
    for count in range(3):
        message = await bus.take_one()
        assert message.delivery_count == count
        await bus.receiver.abandon_message(message)

    await bus.complete(await bus.take_one())


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
async def a_message_given_back_comes_before_later_ones(queues: Queues):
    bus = queues.plain
    await bus.send("a", "b", "c")
    await bus.receiver.abandon_message(await bus.take_one())

    messages = await bus.take(3)

    assert bodies(messages) == ["a", "b", "c"]
    assert [message.delivery_count for message in messages] == [1, 0, 0]
    await bus.complete(*messages)


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
async def two_receivers_never_get_the_same_message(queues: Queues):
    bus = queues.plain
    await bus.send(*map(str, range(40)))

    rival = bus.receiver_of(bus.queue)

    ours, theirs = await asyncio.gather(bus.take(15), bus.take(25, rival))

    assert sorted(bodies(ours + theirs), key=int) == [str(i) for i in range(40)]
    await bus.complete(*ours)
    await bus.complete(*theirs, receiver=rival)
    await rival.close()


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
async def a_message_received_and_deleted_is_gone_at_once(queues: Queues):
    bus = queues.plain
    await bus.send("a")

    message = await bus.take_one(bus.deleting)

    assert (str(message), message.lock_token) == ("a", None)
    assert await bus.peek() == []


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
async def a_message_whose_lock_ends_comes_again_in_order(queues: Queues):
    bus = queues.brief
    await bus.send("a", "b")
    assert bodies(await bus.take(2)) == ["a", "b"]

    again = await bus.take(2)

    assert bodies(again) == ["a", "b"]
    assert [message.delivery_count for message in again] == [1, 1]
    await bus.complete(*again)


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
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


@CASES.documented("message-transfers-locks-settlement#settling-receive-operations")
async def a_lost_lock_cannot_be_renewed(queues: Queues):
    bus = queues.brief
    await bus.send("a")
    lost = await bus.take_one()
    again = await bus.take_one()

    with pytest.raises(MessageLockLostError):
        await bus.receiver.renew_message_lock(lost)

    await bus.complete(again)


@CASES.documented("service-bus-messaging-exceptions-latest#reason-messagelocklost")
async def a_lost_lock_cannot_be_settled(queues: Queues):
    bus = queues.brief
    await bus.send("a")
    lost = await bus.take_one()
    again = await bus.take_one()

    with pytest.raises(MessageLockLostError):
        await bus.complete(lost)

    await bus.complete(again)


@CASES.documented("service-bus-dead-letter-queues#maximum-delivery-count")
async def a_message_that_always_fails_becomes_a_dead_letter(queues: Queues):
    bus = queues.brief
    await bus.send("a", message_id="1")
    for _ in range(3):
        await bus.receiver.abandon_message(await bus.take_one())

    dead = await bus.take_one(bus.dead_letters)

    assert (str(dead), dead.message_id) == ("a", "1")
    assert dead.dead_letter_reason == "MaxDeliveryCountExceeded"
    await bus.complete(dead, receiver=bus.dead_letters)


@CASES.documented("service-bus-dead-letter-queues#application-level-dead-lettering")
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


@CASES.documented("message-expiration")
async def an_expired_message_becomes_a_dead_letter(queues: Queues):
    bus = queues.plain
    await bus.send("a", time_to_live=timedelta(seconds=1))

    dead = await bus.take_one(bus.dead_letters)

    assert (str(dead), dead.dead_letter_reason) == ("a", "TTLExpiredException")
    await bus.complete(dead, receiver=bus.dead_letters)


@CASES.documented("message-deferral")
async def a_deferred_message_comes_only_when_asked_for_by_number(queues: Queues):
    bus = queues.plain
    await bus.send("a")
    message = await bus.take_one()
    await bus.receiver.defer_message(message)
    assert [peeked.state for peeked in await bus.peek()] == [ServiceBusMessageState.DEFERRED]
    await bus.send("b")
    next_one = await bus.take_one()
    assert str(next_one) == "b"

    (deferred,) = await bus.receiver.receive_deferred_messages(message.sequence_number)

    assert str(deferred) == "a"
    await bus.complete(deferred, next_one)


@CASES.documented("message-deferral")
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


@CASES.documented("message-deferral")
async def an_unknown_number_is_not_found(queues: Queues):
    with pytest.raises(MessageNotFoundError):
        await queues.plain.receiver.receive_deferred_messages(2**40)


@CASES.documented("service-bus-prefetch")
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
