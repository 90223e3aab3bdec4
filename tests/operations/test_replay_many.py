"""A replay of many: what a filter chooses is started anew, so many a minute, once each, until it ends or is stopped."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import times
from shared.bodies import read_body
from shared.destinations import never
from shared.destinations.kinds import webhook
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import replay_many
from shared.operations.pace import Pace
from shared.ports import Answer, NoAnswer, RowChanged
from tests.house import OK, ORDER, body, build

BAD = Answer(400, {}, b"")
LONG_AGO = "2020-01-01T00:00:00Z"


def pace(house):
    return Pace.of(house.clock, timedelta(seconds=10))


async def dead(count, *later, **changes):
    """A house with so many dead letters; `later` are the answers to what comes after."""
    house = await build(*[BAD] * count, *later).furnish()
    ids = [await house.accept(id=f"order-{n}", **changes) for n in range(count)]
    await house.work()
    house.clock.pass_(seconds=1)
    return house, ids


async def begin(house, id="rp1", **doc):
    wanted = read_body(replay_many.ReplayBody, body(doc))
    return await replay_many.begin(house.line, "demo", wanted, id, "me", pace(house))


async def survey(house, **chosen):
    return await replay_many.survey(house.line, "demo", body(chosen), pace(house))


async def test_all_that_is_dead_is_started_anew_and_marked():
    house, ids = await dead(3, OK, OK, OK)

    told = await begin(house)
    await house.work()

    seen = [await house.delivery(id) for id in ids]
    assert (told["status"], told["replayed"], told["by"]) == ("done", 3, "me")
    assert [(one.status, one.replays) for one in seen] == [("delivered", 1)] * 3
    assert await house.dead_letters() == []


async def test_no_more_than_its_share_goes_in_a_minute_and_the_tick_goes_on():
    house, ids = await dead(5, *[OK] * 5)

    told = await begin(house, perMinute=2)
    assert (told["status"], told["replayed"]) == ("running", 2)
    assert await replay_many.go_on(house.line, pace(house)) == 0

    await house.pass_(minutes=1)
    assert (await house.line.replays.read("demo", "rp1")).replayed == 4
    await house.pass_(minutes=1)

    done = await house.line.replays.read("demo", "rp1")
    assert (done.status, done.replayed, done.skipped) == ("done", 5, 0)
    assert {(await house.delivery(id)).status for id in ids} == {"delivered"}


async def test_what_fails_again_is_not_tried_for_ever():
    house, ids = await dead(3, *[BAD] * 3)

    await begin(house, perMinute=1)
    for _ in range(9):
        await house.work()
        await house.pass_(minutes=1)

    done = await house.line.replays.read("demo", "rp1")
    assert (done.status, done.replayed) == ("done", 3)
    assert [(await house.delivery(id)).replays for id in ids] == [1] * 3


async def test_what_fails_for_another_reason_has_had_its_turn():
    moved = Answer(302, {}, b"")
    house = await build(moved, moved, *[BAD] * 5).furnish()
    ids = [await house.accept(id=f"order-{n}") for n in range(2)]
    await house.work()
    assert {(await house.delivery(id)).cause for id in ids} == {"redirected"}
    house.clock.pass_(seconds=1)

    await begin(house, perMinute=1)
    for _ in range(5):
        house.clock.pass_(seconds=1)
        await house.work()
        await house.pass_(minutes=1)

    done = await house.line.replays.read("demo", "rp1")
    assert (done.status, done.replayed) == ("done", 2)
    assert [((await house.delivery(id)).cause, (await house.delivery(id)).replays) for id in ids] == [
        ("rejected", 1)
    ] * 2


async def test_a_stopped_replay_stands_still_and_goes_on_where_it_was():
    house, _ = await dead(4, *[OK] * 4)
    await begin(house, perMinute=1)

    await replay_many.set_status(house.line, "demo", "rp1", "stopped")
    await house.pass_(minutes=5)
    assert (await house.line.replays.read("demo", "rp1")).replayed == 1

    await replay_many.set_status(house.line, "demo", "rp1", "running")
    for _ in range(4):
        await house.pass_(minutes=1)
    assert (await house.line.replays.read("demo", "rp1")).status == "done"


async def test_who_stops_it_while_it_goes_on_has_the_last_word(monkeypatch):
    house, _ = await dead(3, *[OK] * 3)
    hand_off = type(house.line.hand_off).deliveries

    async def stopped_meanwhile(self, *args, **named):
        await replay_many.set_status(house.line, "demo", "rp1", "stopped")
        await hand_off(self, *args, **named)

    monkeypatch.setattr(type(house.line.hand_off), "deliveries", stopped_meanwhile)
    told = await begin(house, perMinute=2)

    assert (told["status"], told["replayed"]) == ("stopped", 2)


async def test_two_ticks_at_once_take_one_share(monkeypatch):
    house, _ = await dead(6, *[OK] * 6)
    await begin(house, perMinute=2)
    house.clock.pass_(minutes=1)
    [old] = await house.line.replays.list("demo")

    assert await replay_many.go_on(house.line, pace(house)) == 2
    with pytest.raises(RowChanged):
        await house.line.replays.save(old)
    assert await replay_many._advance(house.line, old, pace(house)) == 0


async def test_a_replay_that_is_done_cannot_be_stopped():
    house, _ = await dead(1, OK)
    await begin(house)

    with pytest.raises(Conflict):
        await replay_many.set_status(house.line, "demo", "rp1", "stopped")


async def test_another_section_s_replay_is_not_there():
    house, _ = await dead(1, OK)
    await begin(house)

    with pytest.raises(NotFound):
        await replay_many.set_status(house.line, "other", "rp1", "stopped")


async def test_after_a_month_a_replay_is_forgotten():
    house, _ = await dead(1, OK)
    await begin(house)

    await house.pass_(days=31)

    assert await house.line.replays.list("demo") == []


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 3),
        ({"cause": "rejected"}, 3),
        ({"cause": "gone"}, 0),
        ({"destination": "crm"}, 3),
        ({"destination": "erp"}, 0),
        ({"route": "rt-crm"}, 3),
        ({"route": "rt-erp"}, 0),
        ({"event": ORDER["event"]}, 3),
        ({"event": "other.thing"}, 0),
        ({"source": "checkout"}, 3),
        ({"source": "shop"}, 0),
        ({"person": "nobody"}, 0),
        ({"status": "held"}, 0),
        ({"since": "2026-11-22T09:15:00Z"}, 3),
        ({"since": "0155-01-01T00:00:00Z"}, 3),
        ({"until": "0155-01-01T00:00:00Z"}, 0),
        ({"since": "9999-12-31T23:59:59Z"}, 0),
        ({"since": "2026-11-22T09:15:01Z"}, 0),
        ({"until": "2026-11-22T09:15:00Z"}, 0),
        ({"until": "2026-11-22T10:15:01+01:00"}, 3),
        ({"cause": "rejected", "destination": "erp"}, 0),
    ],
)
async def test_a_survey_counts_what_a_filter_chooses_and_a_replay_takes_just_that(chosen, count):
    house, ids = await dead(3, *[OK] * 3)

    told = await survey(house, **chosen)
    assert (told["count"], told["complete"], len(told["samples"])) == (count, True, count)
    assert {(await house.delivery(id)).status for id in ids} == {"dead"}

    assert (await begin(house, filter=chosen))["replayed"] == count


async def test_a_person_s_own_are_found():
    house, _ = await dead(1, person={"email": "ada@example.com"})
    [one] = await house.dead_letters()
    person = (await house.delivery(one["event"])).person

    assert (await survey(house, person=person))["count"] == 1


async def test_held_deliveries_are_replayed_only_if_that_is_asked_for(monkeypatch):
    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, deduplicates=never))
    house = await build(NoAnswer("timeout"), OK).furnish()
    id = await house.accept()
    await house.work()
    assert (await house.delivery(id)).status == "held"
    house.clock.pass_(seconds=1)

    assert (await begin(house))["replayed"] == 0
    assert (await begin(house, "rp2", filter={"status": "held"}))["replayed"] == 1


@pytest.mark.parametrize(
    ("doc", "where"),
    [
        ({"filter": {"cause": "none"}}, "/filter/cause"),
        ({"filter": {"since": "yesterday"}}, "/filter/since"),
        ({"filter": {"status": "parked"}}, "/filter/status"),
        ({"filter": {"status": "delivered"}}, "/filter/since"),
        ({"filter": {"status": "refused", "until": LONG_AGO}}, "/filter/since"),
        ({"filter": {"status": "delivered", "since": LONG_AGO, "cause": "rejected"}}, "/filter/cause"),
        ({"as": "other"}, "/as"),
        ({"perMinute": 0}, "/perMinute"),
        ({"filter": {"colour": "red"}}, "/filter/colour"),
    ],
)
async def test_a_replay_that_cannot_be_is_refused_where_it_is_wrong(doc, where):
    house = await build().furnish()

    with pytest.raises(Invalid) as refusal:
        await begin(house, **doc)

    assert [fault.pointer for fault in refusal.value.faults] == [where]


async def test_a_replay_says_when_it_changed():
    house, _ = await dead(3, *[OK] * 3)
    began = await begin(house, perMinute=1)

    await house.pass_(minutes=1)

    now = replay_many.shown(await house.line.replays.read("demo", "rp1"))
    assert times.parse(now["changedAt"]) - times.parse(began["changedAt"]) >= timedelta(minutes=1)
    assert now["createdAt"] == began["createdAt"]
