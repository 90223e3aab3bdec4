"""Service Bus that is away, broken or slow, and what many senders share; against the broker in this process."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("proton", reason="Qpid Proton is not installed: make setup")

from azure.servicebus import ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import ServiceBusServerBusyError

from local.broker import Broker, QueueSettings
from local.process import free_ports
from shared.azure import peek
from shared.azure.bus import MAX_BODY_BYTES, ServiceBusQueue
from shared.azure.lane import IDLE_SECONDS, MAX_WAITING, Lane, Message
from shared.errors import Unavailable
from tests.fakes import FakeMeter

CONNECTION = (
    "Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
    "SharedAccessKey=local;UseDevelopmentEmulator=true;"
)
TIMEOUT = 3.0


class Time:
    """A monotonic clock that a test moves."""

    def __init__(self):
        self.seconds = 1_000.0

    def __call__(self):
        return self.seconds


class CountingSender:
    """A real sender that counts what it sends."""

    def __init__(self, sender, sends):
        self._sender, self._sends = sender, sends

    def __getattr__(self, name):
        return getattr(self._sender, name)

    async def send_messages(self, batch):
        self._sends.append(len(batch._messages))
        await self._sender.send_messages(batch)


@asynccontextmanager
async def counted(broker, clock):
    """A lane over real senders; the messages of each send, and how many senders were made."""
    sends: list[int] = []
    made: list[CountingSender] = []
    async with ServiceBusClient.from_connection_string(broker.connection_string, retry_total=0) as client:

        def make():
            made.append(CountingSender(client.get_queue_sender("events"), sends))
            return made[-1]

        lane = Lane(make, timeout_seconds=TIMEOUT, rest_seconds=5, monotonic=clock, meter=FakeMeter())
        yield lane, sends, made
        await lane.close()


def serving(port=0):
    return Broker([QueueSettings("events"), QueueSettings("deliveries")], port=port)


def messages(*bodies):
    return [Message(body, None) for body in bodies]


async def arrived(broker, *bodies):
    """Everything that arrives until all of these have."""
    async with (
        ServiceBusClient.from_connection_string(broker.connection_string) as client,
        client.get_queue_receiver(
            "events", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE
        ) as receiver,
    ):
        found: list[str] = []
        while missing := set(bodies) - set(found):
            more = await receiver.receive_messages(len(missing), max_wait_time=10)
            assert more, f"{missing} did not come"
            found += map(str, more)
        return found


async def test_waiting_senders_share_a_batch():
    async with serving() as broker, counted(broker, Time()) as (lane, sends, made):
        await asyncio.gather(*(lane.send(messages(str(number))) for number in range(100)))
        assert sends == [100]
        assert len(made) == 1


async def test_a_body_that_cannot_be_encoded_takes_no_other_along():
    async with serving() as broker, counted(broker, Time()) as (lane, sends, _):
        told = await asyncio.gather(
            *(lane.send(messages(body)) for body in ("a", "\ud800", "b")), return_exceptions=True
        )
        assert [type(one) for one in told] == [type(None), UnicodeEncodeError, type(None)]
        await lane.send(messages("c"))
        assert sends == [2, 1]


@pytest.mark.slow
async def test_a_cancelled_sender_disturbs_no_other():
    async with serving() as broker, ServiceBusQueue(broker.connection_string) as queue:
        tasks = [asyncio.create_task(queue.send("events", [str(number)])) for number in range(20)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[7].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results].count(type(None)) == 18
        await arrived(broker, *(str(number) for number in range(20) if number not in (0, 7)))


@pytest.mark.slow
async def test_a_sender_that_was_idle_too_long_is_made_anew():
    clock = Time()
    async with serving() as broker, counted(broker, clock) as (lane, _, made):
        await lane.send(messages("a"))
        clock.seconds += IDLE_SECONDS - 1
        await lane.send(messages("b"))
        assert len(made) == 1
        clock.seconds += IDLE_SECONDS + 1
        await lane.send(messages("c"))
        assert len(made) == 2
        assert await arrived(broker, "a", "b", "c") == ["a", "b", "c"]


@pytest.mark.slow
async def test_a_broker_that_was_restarted_is_found_again_without_a_failure():
    async with serving() as first:
        queue = ServiceBusQueue(first.connection_string)
        await queue.send("events", ["before"])
        port = first.port
    async with serving(port) as second:
        await queue.send("events", ["after"])
        await queue.close()
        assert await arrived(second, "after") == ["after"]


@pytest.mark.slow
async def test_while_the_bus_is_away_sends_are_refused_at_once_and_later_tried_again(caplog):
    (port,) = free_ports(1)
    clock = Time()
    queue = ServiceBusQueue(CONNECTION.format(port=port), monotonic=clock, timeout_seconds=TIMEOUT)
    async with queue:
        start = time.monotonic()
        with pytest.raises(Unavailable):
            await queue.send("events", ["private"])
        assert time.monotonic() - start < TIMEOUT + 1
        start = time.monotonic()
        for _ in range(100):
            with pytest.raises(Unavailable):
                await queue.send("events", ["private"])
        assert time.monotonic() - start < 0.2
        async with serving(port) as broker:
            clock.seconds += 4.9
            with pytest.raises(Unavailable):
                await queue.send("events", ["too early"])
            clock.seconds += 0.2
            await queue.send("events", ["at last"])
            assert await arrived(broker, "at last") == ["at last"]
    ours = [record for record in caplog.records if record.name == "signalbox.azure"]
    assert len(ours) == 1
    assert "private" not in caplog.text


@pytest.mark.slow
async def test_a_bus_that_never_answers_is_unavailable_in_bounded_time():
    async def hold(reader, _):
        with suppress(ConnectionError):
            await reader.read()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with ServiceBusQueue(CONNECTION.format(port=port), timeout_seconds=0.5) as queue:
        start = time.monotonic()
        results = await asyncio.gather(
            *(queue.send("events", [str(number)]) for number in range(50)), return_exceptions=True
        )
        # Not waited for: from Python 3.12 on that would be until the last connection has ended.
        server.close()
        assert {type(result) for result in results} == {Unavailable}
        assert time.monotonic() - start < 3


@pytest.mark.slow
async def test_the_age_of_a_queue_that_cannot_be_reached_is_unavailable():
    (port,) = free_ports(1)
    async with ServiceBusQueue(CONNECTION.format(port=port), timeout_seconds=TIMEOUT) as queue:
        with pytest.raises(Unavailable):
            await queue.waited("events")
        with pytest.raises(Unavailable):
            await queue.reach("events")


@pytest.mark.slow
async def test_a_message_behind_many_scheduled_ones_is_seen_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(peek, "PAGE", 10)
    monkeypatch.setattr(peek, "MAX_PEEKED", 30)
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    async with serving() as broker, ServiceBusQueue(broker.connection_string) as queue:
        await queue.send("events", [str(number) for number in range(25)], at=in_an_hour)
        await queue.send("events", ["waits"])
        assert await queue.waited("events") > timedelta(0)

        await queue.send("deliveries", [str(number) for number in range(30)], at=in_an_hour)
        await queue.send("deliveries", ["waits"])
        with pytest.raises(Unavailable):
            await queue.waited("deliveries")


@pytest.mark.slow
async def test_peeking_takes_no_message_from_anybody_and_sees_one_that_is_in_hand():
    async with serving() as broker, ServiceBusQueue(broker.connection_string) as queue:
        await queue.send("events", ["a"])
        await queue.waited("events")
        async with (
            ServiceBusClient.from_connection_string(broker.connection_string) as client,
            client.get_queue_receiver("events") as receiver,
        ):
            (message,) = await receiver.receive_messages(1, max_wait_time=10)
            assert message.delivery_count == 0
            assert await queue.waited("events") > timedelta(0)


@pytest.mark.slow
async def test_a_queue_that_does_not_exist_is_unavailable_and_disturbs_no_other():
    async with serving() as broker, ServiceBusQueue(broker.connection_string) as queue:
        refused, sent = await asyncio.gather(
            queue.send("missing", ["a"]), queue.send("events", ["b"]), return_exceptions=True
        )
        assert isinstance(refused, Unavailable)
        assert sent is None
        await queue.send("events", ["c"])
        assert await arrived(broker, "b", "c") == ["b", "c"]


@pytest.mark.slow
async def test_what_waits_is_bounded():
    async with serving() as broker, counted(broker, Time()) as (lane, sends, _):
        waiting = [lane.send(messages("waiting")) for _ in range(MAX_WAITING + 1)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in results if one is not None] == [Unavailable]
        assert sum(sends) == MAX_WAITING


@pytest.mark.slow
async def test_closing_sends_what_waits_and_a_later_send_opens_again():
    async with serving() as broker:
        queue = ServiceBusQueue(broker.connection_string)
        waiting = asyncio.create_task(queue.send("events", ["a"]))
        await asyncio.sleep(0)
        await queue.close()
        await waiting
        await queue.send("events", ["b"])
        await queue.close()
        assert await arrived(broker, "a", "b") == ["a", "b"]


async def test_a_body_that_is_no_reference_is_refused():
    async with ServiceBusQueue(CONNECTION.format(port=1)) as queue:
        with pytest.raises(ValueError, match="at most"):
            await queue.send("events", ["x" * (MAX_BODY_BYTES + 1)])


async def test_a_queue_needs_to_know_where():
    with pytest.raises(ValueError, match="namespace"):
        await ServiceBusQueue().send("events", ["a"])


class BusySender:
    """A namespace that is sent more than it takes."""

    async def create_message_batch(self, _):
        raise ServiceBusServerBusyError(message="private")

    async def close(self):
        pass


async def test_a_bus_that_is_sent_too_much_is_counted():
    meter = FakeMeter()
    lane = Lane(BusySender, timeout_seconds=TIMEOUT, rest_seconds=5, monotonic=Time(), meter=meter)

    with pytest.raises(Unavailable):
        await lane.send(messages("a"))

    assert meter.sums == {("signalbox.throttled", "bus"): 1}
