"""Dead letters: what ended without success is found by its cause, and starts anew under its own id."""

import pytest

from shared.destinations.outcomes import Cause
from shared.errors import Conflict, NotFound
from shared.operations import replay
from shared.ports import Answer, NoAnswer
from shared.stores.trail import Status
from tests.house import OK, build

REFUSED, MOVED = Answer(400, {}, b""), Answer(302, {}, b"")


async def dead(*answers):
    """A house with one event an answer, each of them dead."""
    house = await build(*answers).furnish()
    ids = []
    for n in range(len(answers)):
        ids.append(await house.accept(id=f"order-{n}"))
        await house.work()
        house.clock.pass_(seconds=1)
    return house, ids


async def causes(house, cause=None, most=100):
    return [one["cause"] for one in await house.line.dead_letters.list("demo", cause, most)]


async def test_dead_letters_are_listed_by_cause_oldest_first():
    house, ids = await dead(REFUSED, MOVED, REFUSED)

    assert await causes(house) == ["redirected", "rejected", "rejected"]
    listed = await house.line.dead_letters.list("demo", "rejected", 10)
    assert [one["event"] for one in listed] == [ids[0], ids[2]]
    assert listed[0]["receipt"] == f"/v1/events/{ids[0]}"
    assert listed[0]["reason"] == Cause.REJECTED.sentence


async def test_a_list_is_bounded():
    house, _ = await dead(REFUSED, MOVED, REFUSED)

    assert len(await causes(house, most=2)) == 2


async def test_another_section_sees_none_of_it():
    house, _ = await dead(REFUSED)

    assert await house.line.dead_letters.list("other", None, 10) == []


async def test_an_unknown_cause_is_told_with_the_known_ones():
    house, _ = await dead()

    with pytest.raises(NotFound, match="rejected"):
        await causes(house, "bad luck")


async def test_a_replayed_delivery_starts_anew_under_its_own_id():
    house, [id] = await dead(REFUSED)
    house.http.answers = [OK]

    await replay.dead_letter(house.line, "demo", f"{id}_rt-crm")
    assert await causes(house) == []
    await house.work()

    seen = await house.delivery(id)
    assert (seen.status, seen.replays, len(seen.attempts)) == (Status.DELIVERED, 1, 2)
    assert {one.headers["webhook-id"] for one in house.http.requests} == {f"{id}_rt-crm"}


async def test_a_replay_has_the_whole_schedule_before_it():
    house, [id] = await dead(*[REFUSED])
    house.http.answers = [NoAnswer("connect"), OK]

    await replay.dead_letter(house.line, "demo", f"{id}_rt-crm")
    await house.work()
    await house.pass_(seconds=10)

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_what_dies_again_is_listed_again_once():
    house, [id] = await dead(REFUSED)
    house.http.answers = [MOVED]

    await replay.dead_letter(house.line, "demo", f"{id}_rt-crm")
    await house.work()

    assert await causes(house) == ["redirected"]


async def test_what_is_not_dead_cannot_be_replayed():
    house, [id] = await dead(OK)

    with pytest.raises(Conflict, match="delivered"):
        await replay.dead_letter(house.line, "demo", f"{id}_rt-crm")


@pytest.mark.parametrize("id", ["", "hello", "_", "019a0000-0000-8000-8000-000000000000_rt-crm", "x_rt-crm"])
async def test_what_is_no_delivery_is_not_found(id):
    house, _ = await dead(REFUSED)

    with pytest.raises(NotFound):
        await replay.dead_letter(house.line, "demo", id)


async def test_a_row_that_a_crash_left_behind_is_not_shown_and_goes():
    house, [id] = await dead(OK)
    await house.line.dead_letters.add("demo", await house.delivery(id), Cause.REJECTED)

    assert await causes(house) == []
    assert house.rows("deadletters") == []


async def test_a_row_of_a_delivery_that_is_about_to_die_stays():
    house = await build(REFUSED).furnish()
    id = await house.accept()
    await house.work("events")
    await house.line.dead_letters.add("demo", await house.delivery(id), Cause.REJECTED)

    assert await causes(house) == []
    await house.work()

    assert await causes(house) == ["rejected"]


async def test_what_is_delivered_anew_is_not_done_until_it_has_arrived_again():
    house = await build(OK, OK).furnish()
    id = await house.accept()
    await house.work()
    before = await house.delivery(id)

    anew = await house.line.dead_letters.restart("demo", before)

    assert (before.done_at, anew.done_at, anew.took) == (house.clock.now(), None, None)
