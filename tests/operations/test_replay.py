"""One delivery that has ended is started anew, whatever its end was, if it would reach somebody."""

import pytest

from shared.bodies import read_body
from shared.errors import Conflict, NotFound
from shared.operations import replay
from shared.ports import Answer
from tests.house import OK, ORDER, body, build

BAD = Answer(400, {}, b"")


async def ended(*answers):
    house = await build(*answers).furnish()
    id = await house.accept()
    await house.work()
    house.clock.pass_(minutes=1)
    return house, id


async def again(house, id, route="rt-crm", **doc):
    wanted = read_body(replay.ReplayOne, body(doc))
    return await replay.delivery(house.line, "demo", f"{id}_{route}", wanted)


def sent(house):
    return [request.headers["webhook-id"] for request in house.http.requests]


async def say(house, state):
    section = await house.line.sections.read("demo")
    said = {"email": "ada@example.com", "purpose": "marketing", "state": state}
    await house.line.consents.set(section, body(said))
    house.clock.pass_(minutes=1)


@pytest.mark.parametrize(
    ("first", "asked", "suffix"),
    [
        (OK, {}, "_r1"),
        (OK, {"as": "same"}, ""),
        (OK, {"as": "new"}, "_r1"),
        (BAD, {}, ""),
        (BAD, {"as": "new"}, "_r1"),
    ],
)
async def test_what_was_delivered_gets_another_id_and_what_was_not_keeps_it_unless_asked_otherwise(
    first, asked, suffix
):
    house, id = await ended(first, OK)

    told = await again(house, id, **asked)
    await house.work()

    assert (told["status"], told["sentAs"]) == ("pending", f"{id}_rt-crm{suffix}")
    assert sent(house) == [f"{id}_rt-crm", f"{id}_rt-crm{suffix}"]
    one = await house.delivery(id)
    assert (one.status, one.replays) == ("delivered", 1)
    assert await house.dead_letters() == []


async def test_what_is_on_its_way_goes_on_by_itself():
    house, id = await ended(Answer(503, {}, b""))
    assert (await house.delivery(id)).status == "retrying"

    with pytest.raises(Conflict, match="it goes on by itself"):
        await again(house, id)


@pytest.mark.parametrize("id", ["nothing", "01a2033d-2f27-8000-bd1f-8d9dc3752380"])
async def test_what_is_not_there_is_not_found(id):
    house, _ = await ended(OK)

    with pytest.raises(NotFound):
        await again(house, id)


async def test_whoever_has_opted_out_gets_nothing_and_it_stays_delivered():
    house, id = await ended(OK)
    await say(house, "opted_out")

    with pytest.raises(Conflict, match="has opted out"):
        await again(house, id)

    assert (await house.delivery(id)).status == "delivered"


async def test_what_is_stale_by_now_stays_delivered():
    house = await build(OK).furnish()
    stale = {**ORDER, "event": "signals.cart-left", "staleAfterHours": 1}
    await house.line.definitions.create("demo", body(stale))
    await house.line.routes.create("demo", body({"event": stale["event"], "destination": "crm"}), "rt-cart")
    id = await house.accept(event=stale["event"])
    await house.work()
    house.clock.pass_(hours=2)

    with pytest.raises(Conflict, match="older than its definition"):
        await again(house, id, "rt-cart")

    assert (await house.delivery(id, "rt-cart")).status == "delivered"


async def test_of_two_who_replay_at_once_one_does():
    house, id = await ended(OK, OK)
    stale = await house.delivery(id)
    await again(house, id)

    with pytest.raises(Conflict):
        await replay.start(house.line, "demo", stale, as_new=True)
    await house.work()

    assert len(sent(house)) == 2
