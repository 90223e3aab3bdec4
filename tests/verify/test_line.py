"""The line on the real account and namespace: an event comes through once, also where an answer is lost or the bus is away."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from shared import flow
from shared.azure.storage_http import NoAnswer, StorageHttp
from shared.errors import Unavailable
from shared.messages import read_commit, read_delivery
from shared.operations.tick import tick
from shared.ports import Row
from shared.stages.verdict import Accepted
from tests.fakes import FakeClock
from tests.house import OK, build
from tests.verify.account import OwnQueues, OwnTables, RealAccount, own_container

NOWHERE = "a-queue-that-is-not-there"


class Place:
    """A furnished house on real parts, whose destination is a stand-in here."""

    def __init__(self, house, prefix: str, queues: OwnQueues, client):
        self.house, self.prefix, self.queues, self._client = house, prefix, queues, client

    async def work(self, queue: str, times: int = 1) -> None:
        """Let what is in a queue of the line be done, each message as often as that."""
        receiver = self._client.get_queue_receiver(self.queues.names[queue])
        async with receiver:
            messages = await receiver.receive_messages(20, max_wait_time=10)
            for message in messages:
                for _ in range(times):
                    await self._done(queue, b"".join(message.body))
                await receiver.complete_message(message)

    async def _done(self, queue: str, body: bytes) -> None:
        if queue == "events":
            await flow.process(self.house.line, read_commit(body))
        else:
            await flow.deliver(self.house.line, read_delivery(body))


@pytest.fixture
async def place(account: RealAccount, monkeypatch: pytest.MonkeyPatch):
    own_container(monkeypatch, account)
    names = {name: await account.queue() for name in ("events", "deliveries")}
    prefix = f"{account.prefix}{len(account.taken):02}"
    account.taken.append(prefix)
    async with account.tables() as tables, account.blobs() as blobs, account.bus() as bus:
        queues = OwnQueues(bus, {**names, "deliveries-slow": names["deliveries"]})
        house = build(
            *[OK] * 20,
            tables=OwnTables(tables, prefix),
            blobs=blobs,
            queue=queues,
            clock=FakeClock(datetime.now(UTC)),
        )
        async with account.bus_client() as client:
            yield Place(await house.furnish(), prefix, queues, client)


async def test_an_event_comes_through_and_its_receipt_says_so(place):
    id = await place.house.accept()

    await place.work("events")
    await place.work("deliveries")

    receipt = await place.house.receipt(id)
    assert (receipt["status"], len(place.house.http.requests)) == ("delivered", 1)


async def test_a_large_event_comes_through(place):
    properties = {"orderId": "x" * 30_000, "totalValue": 1, "currency": "y" * 30_000}
    id = await place.house.accept(properties=properties)

    await place.work("events")
    await place.work("deliveries")

    assert (await place.house.receipt(id))["status"] == "delivered"


async def test_messages_that_come_twice_deliver_once(place):
    id = await place.house.accept()

    await place.work("events", times=2)
    await place.work("deliveries", times=2)

    assert (await place.house.receipt(id))["status"] == "delivered"
    assert len(place.house.http.requests) == 1


async def test_of_many_posts_of_one_event_at_once_one_counts(place):
    told = await asyncio.gather(*(place.house.post() for _ in range(10)))

    assert len({verdict.id for verdict in told}) == 1
    assert Counter(verdict.replayed for verdict in told) == {True: 9, False: 1}


async def test_a_row_whose_answer_was_lost_is_there(tables, table, monkeypatch):
    await tables.insert(table, Row("main|00", "first"))
    lose_the_next_answer(monkeypatch, "POST")

    with pytest.raises(Unavailable):
        await tables.insert(table, Row("main|00", "second", {"n": 1}))

    found = await tables.get(table, "main|00", "second")
    assert found is not None
    assert found.values == {"n": 1}


async def test_an_event_whose_storing_was_not_answered_is_accepted_once(place, monkeypatch):
    await place.house.accept(id="makes the table")
    lose_the_next_answer(monkeypatch, "POST", f"{place.prefix}events")

    first, again = await place.house.post(), await place.house.post()

    assert isinstance(first, Accepted)
    assert (again.id, again.replayed) == (first.id, True)


async def test_what_is_accepted_while_its_queue_is_away_is_handed_off_by_a_tick(place):
    there = place.queues.names["events"]
    place.queues.names["events"] = NOWHERE
    id = await place.house.accept()
    assert (await place.house.receipt(id))["status"] == "accepted"

    place.queues.names["events"] = there
    place.house.clock.pass_(minutes=2)
    await tick(place.house.line)
    await place.work("events")
    await place.work("deliveries")

    assert (await place.house.receipt(id))["status"] == "delivered"


async def test_what_is_not_completed_comes_again(account: RealAccount):
    name = await account.queue()
    async with account.bus() as bus, account.bus_client() as client:
        await bus.send(name, ["one"])
        receiver = client.get_queue_receiver(name)
        async with receiver:
            [message] = await receiver.receive_messages(1, max_wait_time=10)
            await receiver.abandon_message(message)
            [again] = await receiver.receive_messages(1, max_wait_time=10)
            await receiver.complete_message(again)

    assert (str(again), again.delivery_count) == ("one", 1)


async def test_a_queue_that_is_not_there_is_unavailable(account: RealAccount):
    async with account.bus() as bus:
        with pytest.raises(Unavailable):
            await bus.send(NOWHERE, ["one"])


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def lose_the_next_answer(monkeypatch: pytest.MonkeyPatch, method: str, part: str = "") -> None:
    """Let storage do the next such request, and nobody hear of it."""
    send = StorageHttp._send
    lost: list[object] = []

    async def without_answer(self, request):
        answer = await send(self, request)
        if (
            not lost
            and request.method == method
            and part.encode() in request.url.encode() + _bytes(request.body)
        ):
            lost.append(request)
            raise NoAnswer("lost")
        return answer

    monkeypatch.setattr(StorageHttp, "_send", without_answer)
