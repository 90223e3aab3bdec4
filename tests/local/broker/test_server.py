"""The local broker itself: what no table about Service Bus says, and what it must survive."""

import asyncio
import contextlib
import logging
import socket
import struct
import sys
import time
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessageLockLostError, ServiceBusError, ServiceBusQuotaExceededError

from local.broker import Broker, QueueSettings

QUEUE = QueueSettings("orders")


class Clock:
    """The real time, moved by `ahead` seconds, or broken."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.broken = False

    def __call__(self) -> float:
        if self.broken:
            raise RuntimeError("the clock is broken")
        return time.time() + self.ahead


def client_of(broker: Broker) -> ServiceBusClient:
    return ServiceBusClient.from_connection_string(
        broker.connection_string, retry_backoff_factor=0.01, retry_total=0
    )


async def becomes(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 the broker tells nobody when a connection is gone
            await asyncio.sleep(0.01)


async def test_a_lock_that_only_the_broker_knows_to_be_lost_is_refused():
    clock = Clock()
    verbs = ["complete", "abandon", "defer", "dead_letter"]
    async with Broker([QUEUE], now=clock) as broker, client_of(broker) as client:
        await client.get_queue_sender("orders").send_messages([ServiceBusMessage(verb) for verb in verbs])
        receiver = client.get_queue_receiver("orders")
        messages = await receiver.receive_messages(4, max_wait_time=5)
        clock.ahead = 61

        for message, verb in zip(messages, verbs, strict=True):
            with pytest.raises(MessageLockLostError):
                await getattr(receiver, f"{verb}_message")(message)


async def test_a_deferred_message_with_a_lost_lock_is_refused():
    clock = Clock()
    async with Broker([QUEUE], now=clock) as broker, client_of(broker) as client:
        await client.get_queue_sender("orders").send_messages(ServiceBusMessage("a"))
        receiver = client.get_queue_receiver("orders")
        (message,) = await receiver.receive_messages(1, max_wait_time=5)
        await receiver.defer_message(message)
        (deferred,) = await receiver.receive_deferred_messages(message.sequence_number or 0)
        clock.ahead = 61

        with pytest.raises(MessageLockLostError):
            await receiver.complete_message(deferred)


async def test_a_full_queue_says_so():
    async with Broker([QueueSettings("orders", max_bytes=1000)]) as broker, client_of(broker) as client:
        with pytest.raises(ServiceBusQuotaExceededError):
            await client.get_queue_sender("orders").send_messages(ServiceBusMessage("x" * 1000))


async def test_sessions_are_refused_with_a_reason():
    async with Broker([QUEUE]) as broker, client_of(broker) as client:
        with pytest.raises(ServiceBusError, match="no sessions"):
            await client.get_queue_receiver("orders", session_id="s").receive_messages(1, max_wait_time=5)


async def test_nobody_sends_to_a_dead_letter_queue():
    async with Broker([QUEUE]) as broker, client_of(broker) as client:
        with pytest.raises(ServiceBusError, match="from its queue only"):
            await client.get_queue_sender("orders/$DeadLetterQueue").send_messages(ServiceBusMessage("a"))


async def test_queue_names_do_not_depend_on_case():
    async with Broker([QueueSettings("Orders")]) as broker, client_of(broker) as client:
        await client.get_queue_sender("ORDERS").send_messages(ServiceBusMessage("a"))

        (message,) = await client.get_queue_receiver("orders").receive_messages(1, max_wait_time=5)

        assert str(message) == "a"


@pytest.mark.slow
async def test_a_fault_in_the_broker_is_logged_and_ends_neither_it_nor_the_sender(caplog):
    clock = Clock()
    async with Broker([QUEUE], now=clock) as broker, client_of(broker) as client:
        sender = client.get_queue_sender("orders")
        await sender.send_messages(ServiceBusMessage("before"), timeout=5)
        clock.broken = True
        with caplog.at_level(logging.ERROR, "local.broker"), pytest.raises(ServiceBusError):
            await sender.send_messages(ServiceBusMessage("during"), timeout=5)
        clock.broken = False

        await sender.send_messages(ServiceBusMessage("after"))

        messages = await client.get_queue_receiver("orders").receive_messages(10, max_wait_time=5)
        assert [str(message) for message in messages] == ["before", "after"]
    assert "its connection is closed" in caplog.text
    assert "the clock is broken" in caplog.text


SASL_HEADER = b"AMQP\x03\x01\x00\x00"


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", SASL_HEADER, SASL_HEADER + b"\xff" * 500])
async def test_whatever_a_stranger_sends_leaves_nothing_behind(sent):
    async with Broker([QUEUE]) as broker:
        for _ in range(100):
            with contextlib.suppress(ConnectionError):
                stranger = socket.create_connection(("127.0.0.1", broker.port))
                # A zero linger time makes the close a reset.
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stranger.sendall(sent)
                stranger.close()
        await becomes(lambda: broker.open_connections == 0)

        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(SASL_HEADER)
        assert await reader.readexactly(8) == SASL_HEADER
        writer.close()


CLIENT = """
import sys, time
from azure.servicebus import ServiceBusClient
client = ServiceBusClient.from_connection_string(sys.argv[1])
receiver = client.get_queue_receiver("orders", prefetch_count=20)
found = []
while len(found) < 5:
    found += receiver.receive_messages(5 - len(found), max_wait_time=10)
receiver.complete_message(found[0])
print("settled one", flush=True)
time.sleep(60)
"""


@pytest.mark.slow
async def test_the_messages_of_a_killed_client_are_redelivered_to_another():
    queue = QueueSettings("orders", lock_seconds=2)
    async with Broker([queue]) as broker, client_of(broker) as client:
        messages = [ServiceBusMessage(str(i)) for i in range(10)]
        await client.get_queue_sender("orders").send_messages(messages)
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, broker.connection_string, stdout=asyncio.subprocess.PIPE
        )
        assert victim.stdout is not None
        assert await victim.stdout.readline() == b"settled one\n"
        victim.kill()
        await victim.wait()

        receiver = client.get_queue_receiver("orders")
        found: list[ServiceBusReceivedMessage] = []
        while len(found) < 9:
            found += await receiver.receive_messages(9 - len(found), max_wait_time=10)

        # What was prefetched counts as delivered, read or not.
        assert [(str(message), message.delivery_count) for message in found] == [
            (str(i), 1) for i in range(1, 10)
        ]


@pytest.mark.slow
async def test_a_receiver_that_vanished_is_given_no_more_messages():
    async with Broker([QUEUE]) as broker, client_of(broker) as client, client_of(broker) as vanishing:
        receiver = vanishing.get_queue_receiver("orders", prefetch_count=50)
        await receiver.receive_messages(1, max_wait_time=1)
        connection: Any = receiver._handler._connection
        connection._transport.writer.transport.abort()
        await becomes(lambda: broker.open_connections == 0)
        await client.get_queue_sender("orders").send_messages(ServiceBusMessage("a"))

        (message,) = await client.get_queue_receiver("orders").receive_messages(1, max_wait_time=5)

        assert message.delivery_count == 0


async def test_a_stopped_broker_lets_its_clients_go():
    async with Broker([QUEUE]) as broker:
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)

    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", broker.port)


@pytest.mark.slow
async def test_dead_letters_have_a_management_node_of_their_own():
    async with Broker([QUEUE]) as broker, client_of(broker) as client:
        await client.get_queue_sender("orders").send_messages(ServiceBusMessage("a"))
        receiver = client.get_queue_receiver("orders")
        (message,) = await receiver.receive_messages(1, max_wait_time=5)
        await receiver.dead_letter_message(message)
        dead_letters = client.get_queue_receiver("orders", sub_queue=ServiceBusSubQueue.DEAD_LETTER)

        (dead,) = await dead_letters.receive_messages(1, max_wait_time=5)

        assert await dead_letters.renew_message_lock(dead) == dead.locked_until_utc
        with pytest.raises(ServiceBusError, match="cannot be dead-lettered again"):
            await dead_letters.dead_letter_message(dead)
