"""A replay of what was delivered: by when its event came, under another id unless that is not wanted, and to nobody who must not get it."""

from datetime import timedelta

import pytest

from shared import ids as ids_
from shared import times
from shared.bodies import read_body
from shared.operations import replay, replay_choice, replay_many
from shared.operations.pace import Pace
from shared.ports import Answer
from tests.house import OK, ORDER, body, build

BEGAN = "2026-11-22T09:15:00Z"
"""When the house's clock begins."""
BAD = Answer(400, {}, b"")


def pace(house):
    return Pace.of(house.clock, timedelta(seconds=10))


async def delivered(count, *later, **changes):
    """A house with so many events that were delivered a minute ago; `later` are the answers to what comes after."""
    house = await build(*[OK] * count, *later).furnish()
    ids = [await house.accept(id=f"order-{n}", **changes) for n in range(count)]
    await house.work()
    house.clock.pass_(minutes=1)
    return house, ids


async def begin(house, id="rp1", perMinute=600, **doc):  # noqa: N803
    as_ = {"as": doc.pop("as_")} if "as_" in doc else {}
    chosen = {"status": "delivered", "since": BEGAN, **doc}
    wanted = read_body(replay_many.ReplayBody, body({"filter": chosen, "perMinute": perMinute, **as_}))
    return await replay_many.begin(house.line, "demo", wanted, id, "me", pace(house))


async def survey(house, **chosen):
    return await replay_many.survey(
        house.line, "demo", body({"status": "delivered", "since": BEGAN, **chosen}), pace(house)
    )


async def say(house, state):
    """Ada opts in or out."""
    section = await house.line.sections.read("demo")
    said = {"email": "ada@example.com", "purpose": "marketing", "state": state}
    await house.line.consents.set(section, body(said))
    house.clock.pass_(minutes=1)


def sent(house):
    """The ids that the destination was sent, in order."""
    return [request.headers["webhook-id"] for request in house.http.requests]


async def test_what_was_delivered_goes_once_more_under_an_id_that_nobody_knows_and_its_receipt_says_so():
    house, [id] = await delivered(1, OK)

    told = await begin(house)
    await house.work()

    one = await house.delivery(id)
    assert (told["status"], told["replayed"], told["as"]) == ("done", 1, "new")
    assert sent(house) == [one.id, f"{one.id}_r1"]
    assert (one.status, one.replays) == ("delivered", 1)
    [shown] = (await house.receipt(id))["deliveries"]
    assert (shown["id"], shown["sentAs"], shown["replays"]) == (one.id, f"{one.id}_r1", 1)
    assert [attempt["number"] for attempt in shown["attempts"]] == [1, 2]


async def test_it_keeps_its_id_where_that_is_asked_for():
    house, [id] = await delivered(1, OK)

    told = await begin(house, as_="same")
    await house.work()

    assert told["as"] == "same"
    assert sent(house) == [f"{id}_rt-crm"] * 2


async def test_each_replay_under_a_new_id_has_one_of_its_own_and_its_retries_keep_it():
    house, [id] = await delivered(1, OK, Answer(503, {}, b""), OK)

    await begin(house)
    await house.work()
    house.clock.pass_(minutes=1)
    await begin(house, "rp2")
    await house.work()
    await house.pass_(minutes=1)

    assert sent(house)[1:] == [f"{id}_rt-crm_r1", f"{id}_rt-crm_r2", f"{id}_rt-crm_r2"]


async def test_what_fails_in_a_replay_is_a_dead_letter_and_keeps_the_id_that_it_had_there():
    house, [id] = await delivered(1, BAD, OK)
    await begin(house)
    await house.work()
    assert (await house.delivery(id)).status == "dead"
    house.clock.pass_(seconds=1)

    await replay.dead_letter(house.line, "demo", f"{id}_rt-crm")
    await house.work()

    assert sent(house)[1:] == [f"{id}_rt-crm_r1"] * 2
    assert await house.dead_letters() == []


async def test_what_is_dead_may_get_a_new_id_too():
    house = await build(BAD, OK).furnish()
    id = await house.accept()
    await house.work()
    house.clock.pass_(seconds=1)
    wanted = read_body(replay_many.ReplayBody, body({"as": "new"}))

    await replay_many.begin(house.line, "demo", wanted, "rp1", "me", pace(house))
    await house.work()

    assert sent(house) == [f"{id}_rt-crm", f"{id}_rt-crm_r1"]


async def test_no_more_than_its_share_goes_in_a_minute_and_each_goes_once():
    house, ids = await delivered(5, *[OK] * 5)

    told = await begin(house, perMinute=2)
    assert (told["status"], told["replayed"]) == ("running", 2)
    for _ in range(3):
        await house.pass_(minutes=1)

    done = await house.line.replays.read("demo", "rp1")
    assert (done.status, done.replayed, done.skipped) == ("done", 5, 0)
    assert replay_many.shown(done)["upTo"] == times.text(ids_.time_of(max(ids)))
    assert {(await house.delivery(id)).replays for id in ids} == {1}
    assert len(sent(house)) == 10


async def test_it_stops_where_it_is_and_goes_on_from_there():
    house, ids = await delivered(3, *[OK] * 3)
    await begin(house, perMinute=1)

    await replay_many.set_status(house.line, "demo", "rp1", "stopped")
    await house.pass_(minutes=2)
    assert [(await house.delivery(id)).replays for id in sorted(ids)] == [1, 0, 0]

    await replay_many.set_status(house.line, "demo", "rp1", "running")
    for _ in range(3):
        await house.pass_(minutes=1)
    assert [(await house.delivery(id)).replays for id in ids] == [1, 1, 1]


async def test_who_dies_before_it_has_noted_what_it_replayed_replays_nothing_twice(monkeypatch):
    house, ids = await delivered(3, *[OK] * 3)

    async def dies(*_):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(replay_many, "_note", dies)
        with pytest.raises(SystemExit):
            await begin(house)
    await house.work()
    await house.pass_(minutes=1)

    done = await house.line.replays.read("demo", "rp1")
    assert (done.status, done.replayed, done.skipped) == ("done", 0, 3)
    assert {(await house.delivery(id)).replays for id in ids} == {1}
    assert len(sent(house)) == 6


async def test_what_comes_after_it_began_is_none_of_it():
    house, [id] = await delivered(1, *[OK] * 9)
    await begin(house, perMinute=1)
    for n in range(3):
        later = await house.accept(id=f"later-{n}")
        await house.work()
        await house.pass_(minutes=1)
        assert (await house.delivery(later)).replays == 0

    assert (await house.line.replays.read("demo", "rp1")).status == "done"
    assert (await house.delivery(id)).replays == 1


@pytest.mark.parametrize("bounds", [{}, {"until": "2027-01-01T00:00:00Z"}])
async def test_an_end_that_is_still_to_come_is_now(bounds):
    house, _ = await delivered(1, OK)

    told = await begin(house, **bounds)

    assert told["filter"]["until"] == told["createdAt"]


async def test_whoever_has_opted_out_since_gets_nothing_and_what_was_delivered_stays_so():
    house, [id] = await delivered(1)
    await say(house, "opted_out")

    told = await begin(house)
    await house.work()

    assert (told["replayed"], told["skipped"]) == (0, 1)
    assert ((await house.delivery(id)).status, len(sent(house))) == ("delivered", 1)


async def test_what_is_stale_by_now_stays_delivered():
    house = await build(OK).furnish()
    stale = {**ORDER, "event": "signals.cart-left", "staleAfterHours": 1}
    await house.line.definitions.create("demo", body(stale))
    await house.line.routes.create("demo", body({"event": stale["event"], "destination": "crm"}), "rt-cart")
    id = await house.accept(event=stale["event"])
    await house.work()
    house.clock.pass_(hours=2)

    told = await begin(house)

    assert (told["replayed"], told["skipped"]) == (0, 1)
    assert (await house.delivery(id, "rt-cart")).status == "delivered"
    assert await house.dead_letters() == []


async def test_who_has_opted_in_again_gets_what_was_refused():
    house = await build(OK).furnish()
    await say(house, "opted_out")
    id = await house.accept()
    await house.work()
    assert (await house.delivery(id)).status == "refused"
    await say(house, "opted_in")

    told = await begin(house, status="refused")
    await house.work()

    assert (told["replayed"], told["as"]) == (1, "same")
    assert (await house.delivery(id)).status == "delivered"


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 3),
        ({"destination": "crm"}, 3),
        ({"destination": "erp"}, 0),
        ({"route": "rt-crm"}, 3),
        ({"route": "rt-erp"}, 0),
        ({"event": ORDER["event"]}, 3),
        ({"event": "other.thing"}, 0),
        ({"source": "checkout"}, 3),
        ({"source": "shop"}, 0),
        ({"person": "nobody"}, 0),
        ({"status": "refused"}, 0),
        ({"since": "0155-01-01T00:00:00Z"}, 3),
        ({"since": "2026-11-22T09:15:01Z"}, 0),
        ({"until": "2026-11-22T09:15:00Z"}, 0),
        ({"until": "2026-11-22T10:15:01+01:00"}, 3),
        ({"until": "0155-01-01T00:00:00Z"}, 0),
    ],
)
async def test_a_survey_counts_what_a_filter_chooses_and_a_replay_takes_just_that(chosen, count):
    house, ids = await delivered(3, *[OK] * 3)

    told = await survey(house, **chosen)

    assert (told["count"], told["complete"], len(told["samples"])) == (count, True, count)
    assert {(await house.delivery(id)).replays for id in ids} == {0}
    assert (await begin(house, **chosen))["replayed"] == count


async def test_a_person_s_own_are_found_on_their_timeline_however_much_came_of_others(monkeypatch):
    monkeypatch.setattr(replay_choice, "PAGE", 2)
    house, ids = await delivered(5, *[OK] * 10)
    person = (await house.delivery(ids[0])).person
    for n in range(5):
        await house.accept(id=f"other-{n}", person={"email": f"other-{n}@example.com"})
    await house.work()
    house.clock.pass_(minutes=1)
    before = house.tables.requests

    assert (await survey(house, person=person))["count"] == 5
    assert house.tables.requests - before <= 1 + 5
    assert (await survey(house, person=person, until=BEGAN))["count"] == 0
    assert (await begin(house, person=person))["replayed"] == 5


async def test_events_of_several_pages_buckets_and_routes_are_each_found_once(monkeypatch):
    monkeypatch.setattr(replay_choice, "PAGE", 3)
    house = await build(*[OK] * 40).furnish()
    await house.add_destination("erp")
    await house.add_route("erp")
    ids = []
    for n in range(10):
        ids.append(await house.accept(id=f"order-{n}"))
        house.clock.pass_(seconds=1)
    await house.work()

    wanted = replay_choice.ReplayFilter(status="delivered", since=times.text(times.parse(BEGAN)))
    found = [one async for one in replay_choice.candidates(house.line, "demo", wanted)]
    chosen = [one.delivery.id for one in found if one.delivery]

    assert sorted(chosen) == chosen
    assert chosen == sorted(f"{id}_rt-{to}" for id in ids for to in ("crm", "erp"))
    for n, one in enumerate(found):
        rest = [two async for two in replay_choice.candidates(house.line, "demo", wanted, one.place)]
        left = [two.delivery.id for two in rest if two.delivery]
        assert left == [two.delivery.id for two in found[n + 1 :] if two.delivery]
