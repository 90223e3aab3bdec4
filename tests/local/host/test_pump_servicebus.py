"""The Service Bus pump against the local broker, with messages from the real azure-servicebus client."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("proton")

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from local.broker import Broker, QueueSettings
from local.host.pump_servicebus import ServiceBusPump, broker_address
from local.host.settings import BadSettings

from .conftest import environment, running

WAIT_SECONDS = 20
BRIEF = timedelta(seconds=0.6)
QUEUES = (
    QueueSettings("events", max_deliveries=3),
    QueueSettings("brief", lock_seconds=BRIEF.total_seconds()),
    QueueSettings("single"),
    QueueSettings("batched"),
)


class Handler:
    """Stands for a function: keeps what it was given, and does what `answer` says."""

    def __init__(self, answer=lambda _messages: True):
        self.calls = []
        self.answer = answer
        self.changed = asyncio.Event()
        self.running = 0
        self.most_running = 0

    async def __call__(self, messages):
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.calls.append(list(messages))
        self.changed.set()
        try:
            answer = self.answer(messages)
            return await answer if asyncio.iscoroutine(answer) else answer
        finally:
            self.running -= 1

    @property
    def bodies(self):
        return [message.body for call in self.calls for message in call]

    async def received(self, count):
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.bodies) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.bodies


@pytest.fixture
async def broker():
    async with Broker(QUEUES) as broker:
        yield broker


@pytest.fixture
async def pump(broker):
    """Starts pumps and closes them at the end: `pump(queue, handler, concurrency=..., batch=...)`."""
    async with contextlib.AsyncExitStack() as closing:

        def start(queue, handler, **limits):
            started = ServiceBusPump(broker.connection_string, queue, handler, **{"concurrency": 4} | limits)
            started.start()
            closing.push_async_callback(started.close, 5)
            return started

        yield start


async def send(broker, queue, *messages):
    async with (
        ServiceBusClient.from_connection_string(broker.connection_string) as client,
        client.get_queue_sender(queue) as sender,
    ):
        await sender.send_messages(list(messages))


async def left(broker, queue):
    """The bodies that another receiver finds in a queue."""
    async with (
        ServiceBusClient.from_connection_string(broker.connection_string) as client,
        client.get_queue_receiver(queue) as receiver,
    ):
        return [b"".join(message.body) for message in await receiver.peek_messages(10)]


async def logged(caplog, text, times):
    async with asyncio.timeout(WAIT_SECONDS):
        while caplog.text.count(text) < times:  # noqa: ASYNC110 - a log has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_message_arrives_with_what_its_sender_and_the_broker_say_of_it(broker, pump):
    handler = Handler()
    pump("events", handler)
    message = ServiceBusMessage(
        b"\x00body",
        message_id="m-1",
        correlation_id="c-1",
        subject="s",
        content_type="application/json",
        application_properties={"attempt": 2, "name": "x"},
    )
    await send(broker, "events", message)
    await handler.received(1)
    ((got,),) = handler.calls
    assert (got.body, got.message_id, got.delivery_count) == (b"\x00body", "m-1", 1)
    assert got.properties == {"attempt": 2, "name": "x"}
    assert got.sequence_number >= 1
    assert got.enqueued_at.year >= 2026
    assert len(got.lock_token) == 36
    assert got.system["CorrelationId"] == "c-1"
    assert got.system["Subject"] == got.system["Label"] == "s"
    assert got.system["LockedUntil"].endswith("Z")


async def test_handled_messages_are_completed(broker, pump):
    handler = Handler()
    started = pump("events", handler)
    await send(broker, "events", *(ServiceBusMessage(str(number)) for number in range(100)))
    await handler.received(100)
    await started.close(5)
    assert sorted(handler.bodies) == sorted(str(number).encode() for number in range(100))
    assert await left(broker, "events") == []


async def test_messages_that_come_before_the_pump_hears_of_its_connection_are_handled(
    broker, pump, monkeypatch
):
    handler = Handler()
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def late(protocol, host, port):
        made = await connect(protocol, host, port)
        await handler.received(1)
        return made

    await send(broker, "events", *(ServiceBusMessage(str(number)) for number in range(10)))
    with monkeypatch.context() as patched:
        patched.setattr(loop, "create_connection", late)
        started = pump("events", handler)
        await handler.received(10)
    await started.close(5)
    assert await left(broker, "events") == []


async def test_a_failed_message_comes_back_and_ends_in_the_dead_letter_queue(broker, pump):
    handler = Handler(lambda messages: messages[0].body == b"fine")
    pump("events", handler)
    dead = Handler()
    pump("events/$DeadLetterQueue", dead)
    await send(broker, "events", ServiceBusMessage("poison"), ServiceBusMessage("fine"))
    assert await dead.received(1) == [b"poison"]
    counts = [
        message.delivery_count for call in handler.calls for message in call if message.body == b"poison"
    ]
    assert counts == [1, 2, 3]
    assert handler.bodies.count(b"fine") == 1
    assert dead.calls[0][0].system["DeadLetterReason"] == "MaxDeliveryCountExceeded"


async def test_no_more_calls_run_at_once_than_asked_for(broker, pump):
    gate = asyncio.Event()
    handler = Handler(lambda _: gate.wait())
    pump("events", handler, concurrency=3)
    await send(broker, "events", *(ServiceBusMessage(str(number)) for number in range(10)))
    await handler.received(3)
    gate.set()
    await handler.received(10)
    assert handler.most_running == 3


async def test_a_batch_pump_hands_over_what_there_is_one_call_at_a_time(broker, pump):
    await send(broker, "events", *(ServiceBusMessage(str(number)) for number in range(10)))
    handler = Handler()
    started = pump("events", handler, concurrency=1, batch=6)
    await handler.received(10)
    await started.close(5)
    assert max(len(call) for call in handler.calls) == 6
    assert handler.most_running == 1
    assert await left(broker, "events") == []


async def test_a_late_settlement_is_refused_and_the_message_comes_again(broker, pump, caplog):
    again = asyncio.Event()

    async def slow_once(messages):
        if messages[0].delivery_count == 1:
            await again.wait()
        else:
            again.set()
        return True

    handler = Handler(slow_once)
    pump("brief", handler, renewal_seconds=0)
    await send(broker, "brief", ServiceBusMessage("x"))
    await handler.received(2)
    await logged(caplog, "its lock was lost", 1)
    assert [call[0].delivery_count for call in handler.calls] == [1, 2]


async def test_a_call_that_takes_longer_than_the_lock_keeps_its_messages(broker, pump, caplog):
    async def slow(messages):
        ends = [datetime.fromisoformat(message.system["LockedUntil"]) for message in messages]
        await asyncio.sleep((max(ends) + 3 * BRIEF - datetime.now(UTC)).total_seconds())
        return True

    handler = Handler(slow)
    started = pump("brief", handler, concurrency=1, batch=3)
    await send(broker, "brief", *(ServiceBusMessage(str(number)) for number in range(3)))
    await handler.received(3)
    await started.close(WAIT_SECONDS)

    assert handler.bodies == [b"0", b"1", b"2"]
    assert await left(broker, "brief") == []
    assert "lock was lost" not in caplog.text


async def test_a_lock_is_renewed_no_longer_than_allowed(broker, pump):
    again = asyncio.Event()

    async def for_ever_once(messages):
        if messages[0].delivery_count == 1:
            await again.wait()
        again.set()
        return True

    handler = Handler(for_ever_once)
    pump("brief", handler, renewal_seconds=3 * BRIEF.total_seconds())
    await send(broker, "brief", ServiceBusMessage("x"))
    await handler.received(2)

    assert [call[0].delivery_count for call in handler.calls] == [1, 2]


async def test_the_pump_finds_its_broker_again(broker, pump):
    handler = Handler()
    pump("events", handler)
    await send(broker, "events", ServiceBusMessage("before"))
    await handler.received(1)
    await broker.__aexit__(None, None, None)
    async with Broker(QUEUES, port=broker.port) as second:
        await send(second, "events", ServiceBusMessage("after"))
        assert await handler.received(2) == [b"before", b"after"]
    broker.port = 0
    await broker.__aenter__()


async def test_a_missing_queue_is_tried_again_with_a_warning(broker, pump, caplog):
    pump("no-such-queue", Handler())
    await logged(caplog, "queue no-such-queue: amqp:not-found", 2)


async def test_closing_gives_unstarted_messages_back_at_once(broker, pump):
    gate = asyncio.Event()
    handler = Handler(lambda _: gate.wait())
    started = pump("events", handler, concurrency=1, batch=2)
    await send(broker, "events", *(ServiceBusMessage(str(number)) for number in range(6)))
    first = await handler.received(1)
    closing = asyncio.create_task(started.close(5))
    gate.set()
    await closing
    second = Handler()
    pump("events", second)
    await second.received(6 - len(handler.bodies))
    assert sorted(handler.bodies + second.bodies) == [str(number).encode() for number in range(6)]
    assert first[0] == b"0"


@pytest.mark.slow
async def test_the_running_host_calls_its_functions_with_messages_of_the_broker(broker, tmp_path):
    environ = environment(broker.connection_string)
    with running(environ, tmp_path / "host.log") as host:
        message = ServiceBusMessage("fail once", message_id="m", application_properties={"attempt": 3})
        await send(broker, "single", message)
        await send(broker, "batched", *(ServiceBusMessage(f"b{number}") for number in range(5)))
        await asyncio.to_thread(host.wait_for, lambda: len(host.calls("single")) == 2)
        await asyncio.to_thread(host.wait_for, lambda: host.calls("batched"))
        first, second = await asyncio.to_thread(host.calls, "single")
        batches = await asyncio.to_thread(host.calls, "batched")
        assert await asyncio.to_thread(host.stop) == 0
    assert (first["id"], first["properties"], first["deliveries"]) == ("m", {"attempt": 3}, 1)
    assert second["deliveries"] == 2
    assert [each["body"] for call in batches for each in call["messages"]] == [f"b{n}" for n in range(5)]
    assert await left(broker, "single") == await left(broker, "batched") == []


def test_a_real_namespace_is_refused():
    with pytest.raises(BadSettings, match="local broker"):
        broker_address("Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=b=")
