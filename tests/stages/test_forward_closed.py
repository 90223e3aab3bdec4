"""A destination whose code cannot be loaded: its deliveries wait and say so, go on once it can, and end after a day."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from shared import destinations, flow
from shared.destinations import never
from shared.destinations.kinds import webhook
from shared.messages import DeliveryMessage
from shared.operations.tick import tick
from shared.stages.forward import CLOSED_AT_MOST, FIRST_REOPENING, REOPENING_AT_MOST
from shared.stores.trail import Attempt, Status
from tests.house import OK, build

CAUSE = "broken_destination"


class Code:
    """Destinations' code, which can be broken."""

    def __init__(self):
        self.broken, self._load = False, destinations.load

    def load(self, kind):
        if self.broken:
            raise ImportError(kind)
        return self._load(kind)


@pytest.fixture
def code(monkeypatch):
    code = Code()
    monkeypatch.setattr(destinations, "load", code.load)
    return code


async def closed(code, *answers):
    """A house with one delivery, whose destination cannot be opened."""
    house = await build(*answers).furnish()
    id = await house.accept()
    await house.work("events")
    code.broken = True
    return house, id


async def until(house, id, passed):
    """Let time pass from one try to the next until the delivery passes; when those were."""
    tried, seen = [], await house.delivery(id)
    while not passed(seen):
        house.clock.time = (seen.claim_until or seen.due_at) + timedelta(seconds=1)
        tried.append(house.clock.now())
        await tick(house.line)
        await house.work()
        seen = await house.delivery(id)
    return seen, tried


async def test_it_waits_at_growing_distances_and_is_a_dead_letter_after_a_day(code):
    house, id = await closed(code)
    begun = house.clock.now()
    await house.work()
    assert ((await house.receipt(id))["deliveries"][0]["cause"], house.http.requests) == (CAUSE, [])

    seen, tried = await until(house, id, lambda one: one.status is Status.DEAD)

    gaps = [after - before for before, after in pairwise([begun, *tried])]
    assert (seen.cause, seen.attempts) == (CAUSE, ())
    assert CLOSED_AT_MOST <= tried[-1] - begun <= CLOSED_AT_MOST + 2 * REOPENING_AT_MOST
    assert FIRST_REOPENING <= gaps[0] <= 2 * FIRST_REOPENING
    assert gaps[5] > 5 * gaps[0]
    assert len(tried) <= 40
    assert all(gap <= 1.3 * REOPENING_AT_MOST for gap in gaps)
    [listed] = await house.dead_letters()
    assert (listed["cause"], "Update Signalbox" in listed["reason"]) == (CAUSE, True)


async def test_it_goes_on_with_all_its_attempts_once_the_code_can_be_loaded(code):
    house, id = await closed(code, OK)
    await house.work()
    await until(house, id, lambda one: house.clock.now() - one.closed_since > timedelta(hours=5))
    code.broken = False

    seen, _ = await until(house, id, lambda one: one.status is Status.DELIVERED)

    assert (seen.attempt, seen.cause, seen.closed_since) == (1, None, None)


async def test_a_replay_starts_the_day_anew(code):
    house, id = await closed(code, OK)
    await house.work()
    await until(house, id, lambda one: one.status is Status.DEAD)

    await house.line.dead_letters.replay("demo", f"{id}_rt-crm")
    await flow.deliver(house.line, DeliveryMessage("demo", "rt-crm", (id,)))
    assert (await house.delivery(id)).status is Status.RETRYING

    code.broken = False
    seen, _ = await until(house, id, lambda one: one.status is Status.DELIVERED)
    assert seen.replays == 1


async def test_a_day_in_which_it_waited_for_something_else_does_not_count(code):
    house, id = await closed(code)
    rested = replace(
        await house.delivery(id), cause="resting", closed_since=house.clock.now() - 2 * CLOSED_AT_MOST
    )
    await house.line.receipts.save("demo", rested)
    await house.work()

    seen = await house.delivery(id)
    assert (seen.status, seen.cause, seen.closed_since) == (Status.RETRYING, CAUSE, house.clock.now())


@pytest.mark.parametrize("mended", [True, False])
async def test_an_attempt_without_an_end_is_never_repeated_where_the_receiver_does_not_deduplicate(
    code, mended, monkeypatch
):
    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, deduplicates=never))
    house, id = await closed(code)
    now = house.clock.now()
    begun = replace(
        await house.delivery(id),
        status=Status.SENDING,
        attempt=1,
        claim_until=now,
        attempts=(Attempt(1, "2026-11-22T09:15:00.000Z"),),
    )
    await house.line.receipts.save("demo", begun)
    house.clock.pass_(seconds=1)
    await house.work()
    code.broken = not mended

    seen, _ = await until(house, id, lambda one: one.status is Status.HELD)

    assert (seen.cause, house.http.requests) == ("outcome_unknown", [])


async def test_another_destination_goes_on(monkeypatch):
    house = await build(OK).furnish()
    await house.add_destination("erp")
    await house.add_route("erp")
    id = await house.accept()
    opened = house.line.destinations.open

    async def one_is_closed(section, destination):
        if destination == "crm":
            raise ImportError(destination)
        return await opened(section, destination)

    monkeypatch.setattr(house.line.destinations, "open", one_is_closed)
    await house.work()

    assert (await house.delivery(id, "rt-erp")).status is Status.DELIVERED
    assert (await house.delivery(id)).cause == CAUSE


@pytest.mark.parametrize("member", ["deduplicates", "access"])
async def test_a_plug_in_that_breaks_when_it_is_asked_waits_as_one_that_cannot_be_loaded(member, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, **{member: broken}))
    house = await build(OK).furnish()
    id = await house.accept()

    await house.work()

    seen = await house.delivery(id)
    assert (seen.status, seen.cause, seen.attempts) == (Status.RETRYING, CAUSE, ())
