"""Unpark: what waited for a paused destination goes on when it is resumed, by the door or by the tick."""

from dataclasses import replace
from unittest.mock import patch

import pytest

from shared.operations import unpark
from shared.operations.pace import Pace
from shared.ports import Answer
from shared.stores.trail import Status
from tests.house import OK, body, build

FAILED = Answer(503, {}, b"")


async def parked(count=1):
    """A house whose destination is paused, with so many deliveries waiting for it."""
    house = await build(*[OK] * count).furnish()
    await house.line.destinations.set_status("demo", "crm", "paused")
    ids = [await house.accept(id=f"order-{n}") for n in range(count)]
    await house.work()
    return house, ids


async def resumed(house):
    await house.line.destinations.set_status("demo", "crm", "active")
    pace = Pace(house.clock, house.clock.now())
    return await unpark.resume(house.line, "demo", "crm", pace)


async def statuses(house, ids):
    return [(await house.delivery(id)).status for id in ids]


async def test_a_paused_destination_is_sent_nothing_and_loses_nothing():
    house, ids = await parked(3)
    await house.pass_(days=2)

    assert await statuses(house, ids) == [Status.PARKED] * 3
    assert house.http.requests == []
    assert (await house.receipt(ids[0]))["status"] == "parked"


async def test_a_resume_lets_everything_go():
    house, ids = await parked(3)

    assert await resumed(house) == 3
    await house.work()

    assert await statuses(house, ids) == [Status.DELIVERED] * 3
    assert house.rows("due") == []


async def test_a_tick_goes_on_where_a_resume_was_cut_short():
    house, ids = await parked(3)
    await house.line.destinations.set_status("demo", "crm", "active")

    done = await house.pass_(minutes=1)

    assert done["unpark"]["resumed"] == 3
    assert await statuses(house, ids) == [Status.DELIVERED] * 3


async def test_a_tick_leaves_what_waits_for_a_paused_destination():
    house, _ = await parked()

    assert (await house.pass_(minutes=1))["unpark"]["resumed"] == 0
    assert len(house.rows("due")) == 1


async def test_a_resume_ends_when_its_time_is_over_and_the_tick_does_the_rest():
    house, ids = await parked(120)
    house.clock.pass_(seconds=1)
    await house.line.destinations.set_status("demo", "crm", "active")
    over = Pace(house.clock, house.clock.now().replace(year=2020))

    assert await unpark.resume(house.line, "demo", "crm", over) == 0
    await house.pass_(minutes=1)

    assert set(await statuses(house, ids)) == {Status.DELIVERED}


async def test_resuming_twice_sends_once():
    house, ids = await parked()

    await resumed(house)
    assert await resumed(house) == 0
    await house.work()

    assert len(house.http.requests) == 1
    assert await statuses(house, ids) == [Status.DELIVERED]


@pytest.mark.parametrize("days", [40, 400])
async def test_what_was_parked_long_ago_still_goes_unless_its_retention_has_ended(days):
    house, _ = await parked()
    await house.pass_(days=days)

    await resumed(house)
    await house.work()

    assert len(house.http.requests) == (days < 365)
    assert house.rows("due") == []


@pytest.mark.parametrize("failures", [1, 3])
async def test_a_retry_whose_destination_is_paused_meanwhile_is_parked_and_goes_on(failures):
    """A short wait lies on the bus, a long one in the due table."""
    house = await build(*[FAILED] * failures, OK).furnish()
    id = await house.accept()
    await house.work()
    for time in ({"seconds": 10}, {"minutes": 10})[: failures - 1]:
        await house.pass_(**time)
    await house.line.destinations.set_status("demo", "crm", "paused")

    await house.pass_(hours=5)
    assert await statuses(house, [id]) == [Status.PARKED]
    assert len(house.http.requests) == failures
    await resumed(house)
    await house.work()

    assert await statuses(house, [id]) == [Status.DELIVERED]
    assert house.rows("due") == []


async def test_who_has_opted_out_while_a_delivery_was_parked_is_not_sent_to():
    house, ids = await parked()
    refusal = {"email": "ada@example.com", "purpose": "marketing", "state": "opted_out"}
    await house.line.consents.set(await house.line.sections.read("demo"), body(refusal))
    house.clock.pass_(minutes=1)

    await resumed(house)
    await house.work()

    assert await statuses(house, ids) == [Status.REFUSED]
    assert house.http.requests == []


async def test_another_destination_of_the_same_event_is_served_meanwhile():
    house = await build(OK, OK).furnish()
    await house.add_destination("erp")
    await house.add_route("erp")
    await house.line.destinations.set_status("demo", "crm", "paused")

    id = await house.accept()
    await house.work()

    assert (await house.delivery(id, "rt-erp")).status is Status.DELIVERED
    assert (await house.receipt(id))["reason"] == "destination_paused"
    await resumed(house)
    await house.work()
    assert len(house.http.requests) == 2


async def test_a_repeat_of_what_is_parked_is_sent_once():
    house, ids = await parked()
    assert (await house.post(id="order-0")).id == ids[0]
    await house.work()

    await resumed(house)
    await house.pass_(minutes=1)

    assert len(house.http.requests) == 1


async def test_what_a_worker_parks_while_it_is_let_go_stays_on_the_list_until_it_goes():
    house, ids = await parked()
    line, tables = house.line, house.tables
    stale = await build(tables=tables).line.destinations.open("demo", "crm")
    delivery = await house.delivery(ids[0])

    async def parks_again(section, route, events, **how):
        """Another instance takes the message at once, and has not heard of the resume."""
        assert stale.status == "paused"
        await line.due.park(section, "crm", route, events[0])
        pending = await line.receipts.delivery(section, events[0], route)
        await line.receipts.save(section, replace(pending, status=Status.PARKED))

    with patch.object(type(line.hand_off), "deliveries", lambda _, *args, **how: parks_again(*args, **how)):
        await resumed(house)
    assert (await house.delivery(ids[0])).status is Status.PARKED
    assert delivery.status is Status.PARKED

    await house.pass_(minutes=1)

    assert await statuses(house, ids) == [Status.DELIVERED]
