"""Promise 2, interleaved: many workers at once, in many orders, do what one of them would have done."""

import asyncio
import random
from datetime import timedelta

import pytest

from shared import flow
from shared.messages import read_commit, read_delivery
from shared.operations import replay, unpark
from shared.operations.pace import Pace
from shared.people.identifiers import identifiers
from shared.ports import Answer
from shared.stages import translate
from shared.stages.verdict import Accepted
from tests.fakes import FakeHttp, FakeTables
from tests.house import OK, body, build, order

ORDERS = range(20)
"""Seeds: each lets the calls of all workers meet in another order."""


class Yielding(FakeTables):
    """Tables whose calls let others go first, a different number of them each time."""

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)

    async def get(self, *args):
        await self.let_others()
        found = await super().get(*args)
        await self.let_others()
        return found

    async def transact(self, *args):
        await self.let_others()
        written = await super().transact(*args)
        await self.let_others()
        return written

    async def delete(self, *args):
        await self.let_others()
        await super().delete(*args)

    async def range(self, *args, **options):
        await self.let_others()
        rows = [row async for row in super().range(*args, **options)]
        await self.let_others()
        for row in rows:
            yield row

    async def let_others(self):
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)


class SlowHttp(FakeHttp):
    """A destination that answers after others had a go."""

    async def send(self, request, *, timeout_seconds):
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().send(request, timeout_seconds=timeout_seconds)


async def furnished(seed, answers=()):
    return await build(tables=Yielding(seed), http=SlowHttp(*answers)).furnish()


def rows(house, table, prefix=""):
    return [row for (_, rk), row in house.tables.tables.get(table, {}).items() if rk.startswith(prefix)]


def taken(house):
    """The messages on the bus, which are taken from it."""
    sent, house.queue.sent = house.queue.sent, []
    return [message for _, message, _ in sent]


def statuses(house):
    return [row.values["status"] for row in rows(house, "receipts") if "status" in row.values]


async def process_all(house):
    await asyncio.gather(
        *(flow.process(house.line, read_commit(message.encode())) for message in taken(house))
    )


def deliveries_on_the_bus(house):
    return [read_delivery(message.encode()) for message in taken(house)]


def pace(house):
    return Pace(house.clock, house.clock.now() + timedelta(seconds=10))


async def all_at_once(*calls):
    return await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize("seed", ORDERS)
async def test_one_key_posted_by_many_at_once_is_one_event(seed):
    house = await furnished(seed)

    told = await asyncio.gather(*(house.post() for _ in range(12)))

    assert {type(one) for one in told} == {Accepted}
    assert len({one.id for one in told}) == 1
    assert [one.replayed for one in told].count(False) == 1
    assert len(rows(house, "events", "e|")) == 1


@pytest.mark.parametrize("seed", ORDERS)
async def test_overlapping_batches_at_once_are_each_event_once(seed):
    house = await furnished(seed)
    batches = [[order(id=f"o-{n}") for n in range(start, start + 8)] for start in (0, 4, 2, 6)]

    told = await asyncio.gather(*(house.post_all(*batch) for batch in batches))

    ids: dict[str, str] = {}
    for batch, answers in zip(batches, told, strict=True):
        for envelope, answer in zip(batch, answers, strict=True):
            assert isinstance(answer, Accepted)
            assert ids.setdefault(envelope["id"], answer.id) == answer.id
    assert len(set(ids.values())) == 14
    assert [one.replayed for answers in told for one in answers].count(False) == 14
    assert len(rows(house, "events", "e|")) == 14


@pytest.mark.parametrize("seed", ORDERS)
async def test_one_key_with_two_contents_at_once_is_one_event_and_one_refusal(seed):
    house = await furnished(seed)

    told = await asyncio.gather(house.post(), house.post(properties={"orderId": "2", "totalValue": 1}))

    assert sorted(type(one).__name__ for one in told) == ["Accepted", "KeyReused"]


@pytest.mark.parametrize("seed", ORDERS)
async def test_two_workers_at_one_commit_write_one_set_of_deliveries(seed):
    house = await furnished(seed)
    await house.add_destination("erp")
    await house.add_route("erp")
    await house.post_all(*(order(id=f"o-{n}", person={"email": f"p{n}@example.com"}) for n in range(5)))
    messages = [read_commit(message.encode()) for message in taken(house)]

    await asyncio.gather(*(flow.process(house.line, message) for message in messages * 3))

    deliveries = [row for row in rows(house, "receipts") if "status" in row.values]
    assert len(deliveries) == 10
    assert len(rows(house, "people", "p|")) == 5
    assert len(rows(house, "timeline")) == 5


@pytest.mark.parametrize("seed", ORDERS)
async def test_two_workers_at_one_delivery_send_once(seed):
    house = await furnished(seed, [OK] * 3)
    await house.accept()
    await process_all(house)
    messages = deliveries_on_the_bus(house)

    await asyncio.gather(*(flow.deliver(house.line, message) for message in messages * 3))
    house.clock.pass_(minutes=2)
    await house.work()

    assert len(house.http.requests) == 1
    assert [row.values["status"] for row in rows(house, "receipts") if "status" in row.values] == [
        "delivered"
    ]
    assert house.queue.sent == []


@pytest.mark.parametrize("seed", ORDERS)
async def test_new_identifiers_resolved_by_many_at_once_are_one_person(seed):
    house = await furnished(seed)
    section = await house.line.sections.read("demo")
    person = translate.envelope(body(order(person={"email": "ada@example.com", "crmId": "c-1"}))).person

    found = await asyncio.gather(
        *(house.line.people.resolve(section, identifiers(person, "SE")) for _ in range(8))
    )

    assert len({one.person for one in found}) == 1
    assert [one.created for one in found].count(True) == 1
    profile = await house.line.people.read(section, found[0].person)
    assert {one["kind"]: one["value"] for one in profile["identifiers"]} == {
        "crmId": "c-1",
        "email": "ada@example.com",
    }
    assert len(profile["identifiers"]) == 2


@pytest.mark.parametrize("seed", ORDERS)
async def test_a_dead_letter_replayed_by_two_at_once_starts_anew_once(seed):
    house = await furnished(seed, [Answer(400, {}, b""), OK])
    id = await house.accept()
    await house.work()

    told = await all_at_once(*(replay.dead_letter(house.line, "demo", f"{id}_rt-crm") for _ in range(3)))
    await house.work()

    assert sorted(type(one).__name__ for one in told) == ["Conflict", "Conflict", "dict"]
    [delivery] = [row for row in rows(house, "receipts") if "status" in row.values]
    assert (delivery.values["status"], delivery.values["replays"]) == ("delivered", 1)
    assert len(house.http.requests) == 2


@pytest.mark.parametrize("seed", ORDERS)
async def test_a_delivery_parked_while_its_destination_is_resumed_is_let_go(seed):
    house = await furnished(seed, [OK])
    await house.line.destinations.set_status("demo", "crm", "paused")
    await house.accept()
    await process_all(house)
    messages = deliveries_on_the_bus(house)
    other = build(tables=house.tables, queue=house.queue, http=house.http, clock=house.clock).line
    # This instance has asked already whether the destination is paused, the other one resumes it.
    await house.line.destinations.open("demo", "crm")
    await other.destinations.set_status("demo", "crm", "active")

    await asyncio.gather(
        *(flow.deliver(house.line, message) for message in messages),
        unpark.resume(other, "demo", "crm", pace(house)),
    )
    await unpark.unpark(other, pace(house))
    house.line = other
    await house.work()

    assert statuses(house) == ["delivered"]
    assert len(house.http.requests) == 1
