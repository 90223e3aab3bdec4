"""The funnel: rolled-up hours and live ones add up, say which is which, and every gap has its reasons in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.errors import Invalid, NotFound
from shared.operations import funnel as funnels
from shared.operations.count_again import count_again
from shared.operations.funnel import asked_of, funnel
from shared.operations.in_words import QUARANTINED, REFUSED, STATES, of_reason
from shared.operations.pace import Pace
from shared.ports import Answer
from shared.stores import kept
from shared.stores.reasons import Reason
from shared.stores.trail import Status
from tests.house import OK, ORDER, body, build

EVENT = ORDER["event"]
NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
BAD, LATER = Answer(400, {}, b""), Answer(503, {}, b"")


def pace(house, seconds=10):
    return Pace.of(house.clock, timedelta(seconds=seconds))


async def shown(house, event=EVENT, **query):
    asked = asked_of(event, query, house.clock.now())
    return await funnel(house.line, house.caller, asked, pace(house))


def stages(told):
    return {one["stage"]: one["count"] for one in told["stages"]}


def reasons(told, stage):
    [found] = [one for one in told["stages"] if one["stage"] == stage]
    return {one["reason"]: one["count"] for one in found["reasons"]}


async def lively():
    """Two hours: in the first one of each kind, in the second an order that is not processed yet."""
    house = await build(OK, BAD, LATER, OK).furnish()
    for n in range(3):
        await house.accept(id=f"order-{n}", person={"email": f"p{n}@example.com"})
    await house.work()
    wanted = {"email": "no@example.com", "purpose": "marketing", "state": "opted_out", "reason": "asked"}
    await house.line.consents.set(await house.line.sections.read("demo"), body(wanted))
    await house.accept(id="refused", person={"email": "no@example.com"})
    await house.accept(id="tested", test=True)
    await house.work()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    await house.accept(id="unrouted")
    await house.accept(id="nobody", person={})
    await house.work()
    return house


async def test_every_gap_is_the_sum_of_its_reasons_and_each_reason_says_what_it_means():
    house = await lively()

    told = await shown(house)

    assert stages(told) == {
        "received": 6,
        "valid": 6,
        "resolved": 5,
        "consented": 4,
        "routed": 3,
        "delivered": 1,
    }
    assert reasons(told, "resolved") == {"no_identifier": 1}
    assert reasons(told, "consented") == {"opted_out": 1}
    assert reasons(told, "routed") == {"no_route": 1}
    assert reasons(told, "delivered") == {"dead.rejected": 1, "retrying.server_error": 1}
    assert told["tests"] == 1
    for before, one in pairwise(told["stages"]):
        assert before["count"] - one["count"] == one["gap"] == sum(each["count"] for each in one["reasons"])
        assert all(each["detail"] for each in one["reasons"])


async def test_deliveries_are_counted_by_destination():
    house = await lively()

    [crm] = (await shown(house))["destinations"]

    assert (crm["destination"], crm["deliveries"], crm["delivered"], crm["gap"]) == ("crm", 4, 1, 3)
    assert {one["reason"] for one in crm["reasons"]} == {
        "opted_out",
        "dead.rejected",
        "retrying.server_error",
    }


async def test_the_present_hour_is_approximate_and_a_rolled_up_one_is_not():
    house = await lively()
    live = await shown(house, since="2026-11-22T09:00:00Z")
    await house.pass_(hours=1)

    told = await shown(house, since="2026-11-22T09:00:00Z", until="2026-11-22T10:00:00Z")

    assert (live["approximate"], live["complete"], told["approximate"], told["complete"]) == (
        *(True, True, False, True),
    )
    assert stages(told)["received"] == stages(live)["received"]
    [part] = told["parts"]
    assert (part["since"], part["approximate"]) == ("2026-11-22T09:00:00.000Z", False)
    assert part["reached"] == stages(told)


async def test_hours_add_up_to_days_and_to_all():
    house = await build(*[OK] * 6).furnish()
    for n in range(6):
        await house.accept(id=f"order-{n}")
        await house.work()
        await house.pass_(hours=7)

    by_hour, by_day = (
        await shown(house, since="2026-11-22T00:00:00Z"),
        await shown(house, since="2026-11-22T00:00:00Z", step="day"),
    )

    assert stages(by_hour) == stages(by_day)
    assert stages(by_day)["delivered"] == 6
    assert [part["reached"]["received"] for part in by_day["parts"]] == [3, 3, 0]
    assert len(by_hour["parts"]) == 52 > len(by_day["parts"])


async def test_an_hour_that_nobody_has_counted_yet_is_missing_and_the_answer_says_so():
    house = await build(OK).furnish()
    await house.accept()
    await house.work()
    house.clock.pass_(hours=5)

    told = await shown(house)

    assert (told["complete"], stages(told)["received"]) == (False, 0)
    [missing] = [one for one in told["parts"] if one["since"] == "2026-11-22T09:00:00.000Z"]
    assert (missing["complete"], missing["countedAt"]) == (False, None)


async def test_a_live_hour_with_too_many_events_says_that_it_is_not_complete(monkeypatch):
    monkeypatch.setattr(funnels, "MOST_LIVE", 3)
    monkeypatch.setattr("shared.operations.roll_up.EVENTS_A_SLICE", 4)
    house = await build(*[OK] * 12).furnish()
    for n in range(12):
        await house.accept(id=f"order-{n}")

    told = await shown(house)

    assert (told["approximate"], told["complete"]) == (True, False)
    assert 3 <= stages(told)["received"] < 12


async def test_another_definition_s_events_are_not_counted():
    house = await lively()
    await house.line.definitions.create("demo", body({**ORDER, "event": "other.thing"}))
    await house.accept(id="other", event="other.thing")

    assert stages(await shown(house))["received"] == 6
    assert stages(await shown(house, "other.thing"))["received"] == 1


async def test_a_definition_that_is_not_there_or_not_for_the_caller_is_not_found():
    house = await lively()

    with pytest.raises(NotFound):
        await shown(house, "no.such")
    house.caller = replace(house.caller, events=frozenset({"other.thing"}))
    with pytest.raises(NotFound):
        await shown(house)


async def test_hours_are_counted_again_on_demand_and_the_rest_when_asked_again():
    house = await lively()
    house.clock.pass_(hours=4)
    wanted = {"since": "2026-11-22T09:00:00Z", "until": "2026-11-22T13:00:00Z"}

    over = Pace(house.clock, house.clock.now() - timedelta(seconds=1))
    nothing = await count_again(house.line, "demo", body(wanted), over)
    told = await count_again(house.line, "demo", body(wanted), pace(house))
    again = await count_again(house.line, "demo", body(wanted), pace(house))

    assert nothing == {"counted": 0, "next": "2026-11-22T13:00:00.000Z"}
    assert told == again == {"counted": 4, "next": None}
    assert stages(await shown(house, **wanted))["received"] == 6


async def test_an_hour_that_has_not_ended_is_not_counted_for_good():
    house = await lively()

    wanted = {"since": "2026-11-22T09:00:00Z", "until": "2026-11-22T12:00:00Z"}
    assert await count_again(house.line, "demo", body(wanted), pace(house)) == {"counted": 0, "next": None}


async def test_an_end_that_is_still_to_come_means_now():
    house = await lively()
    house.clock.pass_(hours=4)

    wanted = {"since": "2026-11-22T11:30:00Z", "until": "9999-12-31T23:59:59Z"}
    assert await count_again(house.line, "demo", body(wanted), pace(house)) == {"counted": 2, "next": None}


async def test_what_the_api_refused_is_counted_beside_the_stages_and_stays_so():
    house = await build().furnish()
    for n in range(3):
        await house.post(id=f"wrong-{n}", properties={"orderId": 1})
    await house.post(version="ver_none")
    await house.post(event="no.such")
    await house.line.checker.refusals.idle()

    live = await shown(house, since="2026-11-22T09:00:00Z")
    await house.pass_(hours=1)
    told = await shown(house, since="2026-11-22T09:00:00Z", until="2026-11-22T10:00:00Z")

    assert live["refused"]["count"] == 4
    assert told["refused"] == live["refused"]
    assert {one["reason"]: one["count"] for one in told["refused"]["reasons"]} == {
        "invalid": 3,
        "unknown-version": 1,
    }
    assert stages(told)["received"] == 0
    assert all(REFUSED[one["reason"]] == one["detail"] for one in told["refused"]["reasons"])


@pytest.mark.parametrize(
    "wanted",
    [
        {"since": "2026-11-22T09:00:00Z", "until": "2026-11-22T08:00:00Z"},
        {"since": "2026-10-01T09:00:00Z", "until": "2026-10-02T08:00:00Z"},
        {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"},
        {"since": "yesterday", "until": "2026-11-22T08:00:00Z"},
    ],
)
async def test_hours_that_cannot_be_counted_are_refused(wanted):
    house = await build().furnish()

    with pytest.raises(Invalid):
        await count_again(house.line, "demo", body(wanted), pace(house))


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"since": "yesterday"}, "/since"),
        ({"until": "2026-11-22"}, "/until"),
        ({"step": "week"}, "/step"),
        ({"since": "2026-11-23T09:15:00Z"}, "/since"),
        ({"since": "2026-10-01T09:15:00Z"}, "/since"),
        ({"since": "0001-01-01T00:00:00Z"}, "/since"),
        ({"since": "9999-12-31T23:59:59Z", "until": "9999-12-31T23:59:59Z"}, None),
        ({"until": "0001-01-01T00:00:00Z"}, None),
    ],
)
def test_a_query_that_cannot_be_used_is_refused_with_its_place(query, where):
    if where is None:
        assert asked_of(EVENT, query, NOW).until <= NOW + timedelta(hours=1)
        return
    with pytest.raises(Invalid) as refusal:
        asked_of(EVENT, query, NOW)

    assert [fault.pointer for fault in refusal.value.faults] == [where]


def test_by_default_it_is_about_the_last_day():
    asked = asked_of(EVENT, {}, NOW)

    assert (asked.since, asked.until) == (
        *(datetime(2026, 11, 21, 9, tzinfo=UTC), datetime(2026, 11, 22, 10, tzinfo=UTC)),
    )


def test_every_reason_that_can_be_counted_has_a_sentence():
    assert (QUARANTINED.keys(), STATES.keys()) == ({*kept.Cause}, {*Status})
    words = [*Reason, *kept.Cause, *Status, "dead.rejected", "held.timeout", "retrying.of-tomorrow"]

    assert [one for one in map(of_reason, words) if not one.endswith(".")] == []
    assert len({*Reason} | {*kept.Cause} | {*Status}) == len([*Reason, *kept.Cause, *Status])
