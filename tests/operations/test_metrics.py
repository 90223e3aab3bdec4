"""Metrics: what they say is what the funnel says, and what the rows say that lie in storage."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared import exact
from shared.errors import Invalid, NotFound
from shared.operations import metrics as measuring
from shared.operations.funnel import asked_of, funnel
from shared.operations.measures import Now, by_source
from shared.operations.metrics import metrics, wanted_of
from shared.operations.pace import Pace
from shared.ports import Answer
from shared.sources import Received
from shared.stores.alerts import Alert, Alerts
from shared.stores.rollups import HOUR
from shared.stores.tally import MOST_SOURCES, Came, Tally, read_tally
from shared.stores.trail import Trail
from tests.house import OK, ORDER, body, build

EVENT, OTHER = ORDER["event"], "other.thing"
BAD, LATER = Answer(400, {}, b""), Answer(503, {}, b"")
NINE = {"since": "2026-11-22T09:00:00Z", "until": "2026-11-22T10:00:00Z"}


async def shown(house, seconds=10, **query):
    pace = Pace.of(house.clock, timedelta(seconds=seconds))
    return await metrics(house.line, house.caller, wanted_of(query, house.clock.now()), pace)


async def lively():
    """Of two definitions and three sources, to two destinations: one of each kind."""
    house = await build(OK, BAD, LATER, *[OK] * 9).furnish()
    await house.line.definitions.create("demo", body({**ORDER, "event": OTHER}))
    await house.add_destination("erp", "https://erp.example.com/hook")
    await house.add_route("erp", event=OTHER)
    for n in range(4):
        await house.accept(id=f"order-{n}", person={"email": f"p{n}@example.com"}, source=f"shop-{n % 2}")
    await house.work()
    await house.accept(id="tested", test=True)
    await house.accept(id="past", event=OTHER, source="erp", backfill=True, occurredAt="2026-11-20T09:00:00Z")
    await house.accept(id="more", event=OTHER, source="erp")
    await house.post(id="wrong", properties={"orderId": 1})
    kept = house.line.quarantine.item(
        "0" * 32, Received("POST", "/v1/hooks/x", {}, b"{}"), Invalid("It does not fit."), [], (), {EVENT: 2}
    )
    await house.line.quarantine.keep("demo", kept)
    await house.work()
    await house.line.checker.refusals.idle()
    return house


def of(listed, name, value):
    [found] = [one for one in listed if one[name] == value]
    return found


async def test_the_outcomes_of_every_part_add_up_to_what_was_received():
    house = await lively()

    told = await shown(house)

    assert told["total"]["received"] == 8
    assert told["total"]["outcomes"] == {
        "delivered": 3,
        "failed": 1,
        "held": 0,
        "parked": 0,
        "waiting": 1,
        "quarantined": 2,
        "nowhere": 1,
    }
    assert (told["total"]["tests"], told["total"]["refused"]) == (1, 1)
    assert told["total"]["successRate"] == 0.75
    for some in (told["definitions"], told["sources"], told["parts"]):
        assert sum(one["received"] for one in some) == 8
        for outcome, count in told["total"]["outcomes"].items():
            assert sum(one["outcomes"][outcome] for one in some) == count
    assert {one["source"]: one["received"] for one in told["sources"]} == {
        "shop-0": 2,
        "shop-1": 2,
        "erp": 2,
        None: 2,
    }


@pytest.mark.parametrize("hours", [0, 2])
async def test_they_say_what_the_funnel_says_live_and_rolled_up(hours):
    house = await lively()
    if hours:
        await house.pass_(hours=hours)

    told = await shown(house, **NINE)

    assert told["approximate"] is (hours == 0)
    for one in told["definitions"]:
        asked = asked_of(one["event"], NINE, house.clock.now())
        funnelled = await funnel(house.line, house.caller, asked, Pace.of(house.clock, timedelta(seconds=9)))
        stages = {stage["stage"]: stage["count"] for stage in funnelled["stages"]}
        assert (one["received"], one["outcomes"]["delivered"]) == (stages["received"], stages["delivered"])
        assert (one["tests"], one["refused"]) == (funnelled["tests"], funnelled["refused"]["count"])
        ways = {
            way["destination"]: (way["deliveries"], way["delivered"]) for way in funnelled["destinations"]
        }
        for name, counts in ways.items():
            way = of(told["destinations"], "destination", name)
            assert (way["deliveries"], way["outcomes"]["delivered"]) == counts


async def test_they_say_what_the_rows_say_that_lie_in_storage():
    house = await lively()
    for _ in range(2):
        # The second time what was tried again meanwhile is counted, too.
        await house.pass_(hours=2)
    events = {row.rk[2:]: row.values for row in house.rows("events", "e|") if not row.values["test"]}
    statuses = Counter(
        (str(row.values["destination"]), str(row.values["status"]))
        for row in house.rows("receipts")
        if "destination" in row.values
    )

    told = await shown(house, **NINE)

    by_event = Counter(str(one["event"]) for one in events.values())
    by_label = Counter(str(one["source"]) for one in events.values())
    quarantined = told["total"]["outcomes"]["quarantined"]
    assert {
        one["event"]: one["received"] - one["outcomes"]["quarantined"] for one in told["definitions"]
    } == by_event
    assert {one["source"]: one["received"] for one in told["sources"] if one["source"]} == by_label
    assert told["total"]["received"] == len(events) + quarantined
    for one in told["destinations"]:
        assert one["outcomes"]["delivered"] == statuses[one["destination"], "delivered"]
        assert one["outcomes"]["failed"] == statuses[one["destination"], "dead"]
        assert one["outcomes"]["held"] == statuses[one["destination"], "held"]


async def test_how_long_it_took_is_told_in_classes_and_what_was_replayed_is_not():
    house = await build(OK, BAD, OK).furnish()
    await house.accept(id="quick")
    house.clock.pass_(seconds=7)
    await house.work()
    slow = await house.accept(id="slow", source="erp")
    await house.work()
    house.clock.pass_(minutes=20)
    await house.line.dead_letters.replay("demo", f"{slow}_rt-crm")
    await house.line.hand_off.deliveries("demo", "rt-crm", [slow])
    await house.work()

    told = await shown(house)

    assert told["total"]["outcomes"]["delivered"] == 2
    [crm] = told["destinations"]
    for one in (told["total"], told["definitions"][0], of(told["sources"], "source", "checkout"), crm):
        assert one["latency"]["within"] == {"10": 1}
        assert 5 <= one["latency"]["p50"] <= one["latency"]["p95"] <= 10
    assert of(told["sources"], "source", "erp")["latency"] == {
        "count": 0,
        "p50": None,
        "p95": None,
        "within": {},
    }
    assert crm["answerTime"]["within"] == {"0.1": 1}


async def test_what_waits_now_is_counted_by_destination_and_source():
    house = await lively()
    await house.line.destinations.set_status("demo", "erp", "paused")
    house.clock.pass_(seconds=20)
    await house.accept(id="parked", event=OTHER, source="erp")
    await house.work()

    told = await shown(house)

    assert told["total"]["waiting"] == {"dead": 1, "held": 0, "parked": 1, "quarantined": 1}
    assert told["total"]["atLeast"] == []
    assert of(told["destinations"], "destination", "crm")["waiting"] == {"dead": 1, "held": 0, "parked": 0}
    assert of(told["destinations"], "destination", "erp")["waiting"]["parked"] == 1


async def test_the_oldest_event_that_is_under_way_has_its_age_by_definition_source_and_destination():
    house = await build(OK, LATER, LATER).furnish()
    await house.accept(id="done")
    await house.accept(id="stuck", source="erp", person={"email": "b@example.com"})
    await house.work()
    assert (await shown(house))["total"]["oldestUnfinishedSeconds"] == 0
    house.clock.pass_(minutes=3)
    await house.accept(id="young", source="shop")

    told = await shown(house)

    assert told["total"]["oldestUnfinishedSeconds"] == pytest.approx(180, abs=1)
    assert told["definitions"][0]["oldestUnfinishedSeconds"] == pytest.approx(180, abs=1)
    ages = {one["source"]: one["oldestUnfinishedSeconds"] for one in told["sources"]}
    assert ages == {"checkout": None, "erp": pytest.approx(180, abs=1), "shop": None}
    [crm] = told["destinations"]
    assert crm["oldestUnfinishedSeconds"] == pytest.approx(180, abs=1)


async def test_definitions_are_listed_page_by_page_and_the_total_is_of_all():
    house = await lively()

    first = await shown(house, limit="1")
    second = await shown(house, limit="1", after=first["next"])

    assert [one["event"] for one in first["definitions"] + second["definitions"]] == [OTHER, EVENT]
    assert (first["next"], second["next"]) == (OTHER, None)
    assert first["total"] == second["total"]


async def test_whoever_is_limited_to_some_events_sees_what_those_add_up_to():
    house = await lively()
    house.caller = replace(house.caller, events=frozenset({OTHER}))

    told = await shown(house)

    assert [one["event"] for one in told["definitions"]] == [OTHER]
    assert [one["source"] for one in told["sources"]] == ["erp"]
    assert [one["destination"] for one in told["destinations"]] == ["erp"]
    assert told["total"]["received"] == told["definitions"][0]["received"] == 2
    assert (told["total"]["waiting"], told["total"]["oldestUnfinishedSeconds"]) == (None, None)


@pytest.mark.parametrize(("events", "at_once"), [(None, 2), (frozenset({EVENT, OTHER}), 1)])
async def test_where_there_is_no_time_for_all_the_rest_is_had_by_asking_again(monkeypatch, events, at_once):
    monkeypatch.setattr(measuring, "_AT_ONCE", at_once)
    house = await lively()
    await house.pass_(hours=2)
    house.caller = replace(house.caller, events=events)

    pages = [await shown(house, seconds=-1, **NINE)]
    while pages[-1]["next"] is not None and len(pages) < 5:
        pages.append(await shown(house, seconds=-1, **NINE, after=pages[-1]["next"]))

    assert [one["event"] for page in pages for one in page["definitions"]] == [OTHER, EVENT]
    assert not pages[0]["complete"]


async def test_whoever_is_limited_to_some_events_is_told_of_no_source_that_is_called_like_one():
    house = await build().furnish()
    begun = house.clock.now()
    there = {("silent", of, EVENT): Alert(begun, 0, 20, 20) for of in ("definition", "source")}
    await house.line.alerts.save("demo", Alerts(begun, there))
    house.caller = replace(house.caller, events=frozenset({EVENT}))

    assert [(one["of"], one["name"]) for one in (await shown(house))["alerts"]] == [("definition", EVENT)]


async def test_a_destination_that_has_its_part_of_an_event_has_nothing_under_way():
    house = await build(OK, LATER).furnish()
    await house.add_destination("erp", "https://erp.example.com/hook")
    await house.add_route("erp")
    await house.accept()
    await house.work()
    house.clock.pass_(minutes=3)

    ages = [one["oldestUnfinishedSeconds"] for one in (await shown(house))["destinations"]]

    assert sorted(ages, key=str) == [pytest.approx(180, abs=1), None]


async def test_hours_that_an_earlier_version_counted_are_told_as_far_as_they_go():
    house = await lively()
    await house.pass_(hours=2)
    table = house.tables.tables["rollups"]
    for place, row in [*table.items()]:
        if place[1].startswith("*|"):
            del table[place]
            continue
        doc = exact.read(row.values["doc"])
        for name in ("came", "delays", "arrivals", "answers", "arrived"):
            doc.pop(name, None)
        table[place] = replace(row, values={**row.values, "doc": exact.dumps(doc).encode()})

    told = await shown(house, **NINE)

    assert told["complete"] is False
    assert {one["event"]: one["received"] for one in told["definitions"]} == {EVENT: 6, OTHER: 2}
    [nobody] = by_source(read_tally({**Tally(delivered=3).written(), "came": []}), Now(house.clock.now()))
    assert (nobody["source"], nobody["received"]) == (None, 3)


def test_of_more_sources_than_are_told_the_others_are_told_together():
    tally, at = Tally(), datetime(2026, 11, 22, 9, tzinfo=UTC)
    for n in range(MOST_SOURCES + 20):
        for _ in range(1 + (n < MOST_SOURCES)):
            tally.add(Trail(), Came(f"s{n:03}", at), paused=False)

    told = by_source(read_tally(exact.read(exact.dumps(tally.written()).encode())), Now(at))

    assert len(told) == MOST_SOURCES + 1
    assert (told[-1]["source"], told[-1]["received"]) == (None, 20)
    assert sum(one["received"] for one in told) == MOST_SOURCES * 2 + 20


async def test_a_section_that_is_not_there_has_none():
    house = await build().furnish()
    house.caller = replace(house.caller, section="none")

    with pytest.raises(NotFound):
        await shown(house)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "9" * 5_000, "²", ""])
def test_a_page_that_cannot_be_had_is_refused(limit):
    with pytest.raises(Invalid) as refused:
        wanted_of({"limit": limit}, build().clock.now())

    assert [one.pointer for one in refused.value.faults] == ["/limit"]


async def test_the_sum_of_an_hour_holds_what_was_purged_since():
    house = await lively()
    await house.pass_(hours=2)
    before = (await shown(house, **NINE))["total"]["received"]
    for row in house.rows("events", "e|"):
        if row.values["event"] == OTHER:
            house.tables.tables["events"].pop((row.pk, row.rk))

    await house.pass_(hours=3)
    told = await shown(house, **NINE)

    assert told["total"]["received"] == before == sum(one["received"] for one in told["definitions"])
    assert timedelta(hours=1) == HOUR
