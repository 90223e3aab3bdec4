"""Hours that have ended are counted from their rows, once and again while something is open, with the same result each time."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import ids
from shared.errors import Invalid, Unavailable
from shared.operations import roll_up as rolling
from shared.operations.count_again import count_again
from shared.operations.pace import Pace
from shared.operations.roll_up import KEPT, RECOUNTED_FOR, count_hour, roll_up
from shared.ports import Answer
from shared.sources import Received
from shared.stores.rollups import HOUR, Hour
from shared.stores.stops import OUTCOMES
from shared.stores.tally import MOST_SOURCES, Tally
from tests.house import OK, ORDER, body, build, order

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)
EVENT = ORDER["event"]
BAD, LATER = Answer(400, {}, b""), Answer(503, {}, b"")


def pace(house, **time):
    return Pace.of(house.clock, timedelta(**(time or {"seconds": 30})))


async def rolled(house, **time):
    house.clock.pass_(**time)
    return await roll_up(house.line, pace(house))


async def tally(house, begin=NINE, event=EVENT):
    return (await house.line.rollups.tallies("demo", event, begin, begin + HOUR)).get(begin, Tally())


async def with_orders(*answers, count=None):
    """A house with an order for each answer, at a quarter past nine."""
    house = await build(*answers).furnish()
    ids = [await house.accept(id=f"order-{n}") for n in range(count or len(answers))]
    await house.work()
    return house, ids


async def test_an_hour_is_counted_once_it_has_ended_and_settled():
    house, _ = await with_orders(OK, BAD)

    assert await rolled(house, minutes=54) == 0
    assert await rolled(house, minutes=1) == 1

    made = await tally(house)
    assert made.reached() == {
        **dict.fromkeys(("received", "valid", "resolved", "consented", "routed"), 2),
        "delivered": 1,
    }
    assert made.gap("delivered") == {"dead.rejected": 1}
    assert made.sent == {("crm", "delivered"): 1, ("crm", "dead.rejected"): 1}


async def test_an_hour_without_an_event_is_counted_too():
    house = await build().furnish()

    assert await rolled(house, hours=3) == 3
    assert {one.begin for one in await house.line.rollups.hours("demo", NINE, NINE + HOUR * 9)} == {
        NINE,
        NINE + HOUR,
        NINE + HOUR * 2,
    }


async def test_nothing_is_counted_of_the_time_before_a_section_was_there():
    house = await build().furnish()

    assert await rolled(house, days=2) == 48
    assert await rolled(house, hours=1) == 1


async def test_an_hour_in_which_nothing_can_change_is_not_counted_again():
    house, _ = await with_orders(OK)

    assert await rolled(house, hours=1) == 1
    before = await house.line.rollups.hour("demo", NINE)
    for _ in range(5):
        await rolled(house, days=1)

    assert await house.line.rollups.hour("demo", NINE) == before
    assert before.next_at is None


async def test_an_hour_in_which_something_is_open_is_counted_again_at_doubling_distances_for_a_week():
    house, _ = await with_orders(BAD)
    seen = set()

    for _ in range(24 * 10):
        await rolled(house, hours=1)
        seen.add((await house.line.rollups.hour("demo", NINE)).counted_at)

    hours = sorted((at - NINE - HOUR) // HOUR for at in seen)
    assert hours[:4] == [0, 1, 3, 7]
    assert (len(hours) <= 10, hours[-1]) == (True, RECOUNTED_FOR // HOUR)


async def test_what_was_replayed_later_is_delivered_in_its_hour():
    house, [id] = await with_orders(BAD, OK, count=1)
    await rolled(house, hours=1)
    assert (await tally(house)).delivered == 0

    await house.line.dead_letters.replay("demo", f"{id}_rt-crm")
    await house.line.hand_off.deliveries("demo", "rt-crm", [id])
    await house.work()
    await rolled(house, hours=2)

    assert (await tally(house)).delivered == 1
    assert (await house.line.rollups.hour("demo", NINE)).next_at is None


async def test_what_was_purged_meanwhile_stays_counted():
    house, [id] = await with_orders(BAD)
    await rolled(house, hours=1)
    before = await tally(house)
    commit = ids.commit_of(id)
    house.tables.tables["events"].pop((f"demo|{commit.bucket}", f"e|{id}"))

    assert await rolled(house, hours=2) >= 1

    assert await tally(house) == before


async def test_of_two_who_count_an_hour_at_once_one_writes():
    house, _ = await with_orders(OK)
    section = await house.line.sections.read("demo")
    house.clock.pass_(hours=1)
    hour = await house.line.rollups.hour("demo", NINE)

    assert await count_hour(house.line, section, hour, pace(house))
    assert not await count_hour(house.line, section, hour, pace(house))
    counted = await house.line.rollups.hour("demo", NINE)
    assert await count_hour(house.line, section, counted, pace(house))
    assert not await count_hour(house.line, section, counted, pace(house))
    assert (await tally(house)).delivered == 1


async def test_an_hour_for_which_there_is_no_time_is_gone_on_with(monkeypatch):
    monkeypatch.setattr(rolling, "EVENTS_A_SLICE", 4)
    house, _ = await with_orders(*[OK] * 12)
    house.clock.pass_(hours=1)
    over = Pace(house.clock, house.clock.now() - HOUR)
    section = await house.line.sections.read("demo")
    looks = 0

    while not await count_hour(house.line, section, await house.line.rollups.hour("demo", NINE), over):
        looks += 1

    assert looks > 2
    assert (await tally(house)).delivered == 12
    hour = await house.line.rollups.hour("demo", NINE)
    assert (hour.place, hour.tallies) == (None, {})


async def test_a_tick_goes_on_with_an_hour_that_somebody_began_to_count_again(monkeypatch):
    house, _ = await with_orders(*[OK] * 12)
    assert await rolled(house, hours=1) == 1
    monkeypatch.setattr(rolling, "EVENTS_A_SLICE", 4)
    over = Pace(house.clock, house.clock.now() - HOUR)
    wanted = {"since": "2026-11-22T09:00:00Z", "until": "2026-11-22T10:00:00Z"}
    section, hour = await house.line.sections.read("demo"), await house.line.rollups.hour("demo", NINE)
    assert not await count_hour(house.line, section, hour, over)

    assert (await count_again(house.line, "demo", body(wanted), over))["next"] == "2026-11-22T10:00:00.000Z"
    assert await rolled(house, minutes=1) == 1

    hour = await house.line.rollups.hour("demo", NINE)
    assert (hour.place, (await tally(house)).delivered) == (None, 12)


async def test_more_definitions_than_a_transaction_holds_are_all_written():
    house = await build().furnish()
    many = {f"many.event-{n}": Tally(delivered=n) for n in range(250)}

    await house.line.rollups.save("demo", Hour(NINE, counted_at=NINE + HOUR * 2), many)

    assert (await tally(house, event="many.event-249")).delivered == 249
    assert (await house.line.rollups.hour("demo", NINE)).next_at is None


async def test_after_its_time_an_hour_is_forgotten():
    house, _ = await with_orders(OK)
    await rolled(house, hours=1)

    await rolled(house, days=KEPT.days + 1)

    assert await tally(house) == Tally()
    assert not await house.line.rollups.hours("demo", NINE, NINE + HOUR)


async def test_sections_are_counted_apart():
    house, _ = await with_orders(OK)
    await rolled(house, hours=1)

    assert await house.line.rollups.hours("other", NINE, NINE + HOUR) == []


ANSWERS = st.lists(st.sampled_from([OK, BAD, LATER]), min_size=1, max_size=8)


@given(ANSWERS, st.integers(1, 5))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_counting_again_gives_the_same_rows(answers, times):
    house, _ = await with_orders(*answers)
    section = await house.line.sections.read("demo")
    house.clock.pass_(hours=1)

    seen = []
    for _ in range(times):
        hour = await house.line.rollups.hour("demo", NINE)
        assert await count_hour(house.line, section, hour, pace(house))
        seen.append([(row.rk, row.values) for row in house.rows("rollups")])

    assert seen == seen[:1] * times


@pytest.mark.slow
async def test_it_takes_no_more_requests_than_the_notes_say():
    house = await build().furnish()
    await house.post_all(*(order(id=f"order-{n}") for n in range(1_000)))
    house.http.answers = [OK] * 1_000
    await house.work()
    house.clock.pass_(hours=1)
    section, before = await house.line.sections.read("demo"), house.tables.requests

    await count_hour(house.line, section, await house.line.rollups.hour("demo", NINE), pace(house))

    taken = house.tables.requests - before
    commits = {ids.commit_of(row.rk[2:]) for row in house.rows("events", "e|")}
    notes = (Path(__file__).parents[2] / "docs/design-notes.md").read_text()
    [told] = re.findall(r"1,000 events that came in groups of forty take at most (\d+) requests", notes)
    # The events of each bucket, their trails, quarantine, what was refused, the hour, and what is written.
    assert taken <= 4 + len(commits) + 8 + 3 <= int(told)


async def test_a_webhook_in_quarantine_counts_as_received_until_it_is_an_event():
    house = await build().furnish()
    kept = {EVENT: 2}
    await house.line.quarantine.keep("demo", item(house, kept))
    house.clock.pass_(hours=1)
    await roll_up(house.line, pace(house))
    made = await tally(house)

    assert (made.reached()["received"], made.reached()["valid"]) == (2, 0)
    assert made.gap("valid") == {"invalid": 2}

    [there] = await house.line.quarantine.between("demo", "", "~")
    await house.line.quarantine.remove("demo", there)
    await rolled(house, hours=2)
    assert (await tally(house)).reached()["received"] == 0


def item(house, events):
    request = Received("POST", "/v1/hooks/x", {}, b"{}")
    return house.line.quarantine.item("0" * 32, request, Invalid("It does not fit."), [], (), events)


async def test_the_tick_counts_and_says_how_many_hours():
    house, _ = await with_orders(OK)

    done = await house.pass_(hours=1)

    assert done["rollUp"] == {"hours": 1}


async def test_an_hour_of_many_long_names_of_sources_is_counted_in_more_transactions_than_one():
    """A sender chooses those names: a hundred an hour and definition, of a hundred characters each."""
    house = await build().furnish()
    tallies = {}
    for number in range(30):
        tallies[f"a.event-{number}"] = made = Tally()
        for source in range(MOST_SOURCES):
            for count in range(3):
                made.came[f"{source:\U0001f600>100}", OUTCOMES[count]] += 1
    hour = await house.line.rollups.hour("demo", NINE)

    await house.line.rollups.save("demo", replace(hour, counted_at=NINE + HOUR), tallies)

    assert (await house.line.rollups.hour("demo", NINE)).next_at is None
    assert {event: await tally(house, event=event) for event in tallies} == tallies


async def test_an_hour_that_cannot_be_counted_stops_no_other(monkeypatch):
    house, _ = await with_orders(OK)
    refused_of = house.line.checker.refusals.of_hour

    async def breaks(section, begin):
        if begin == NINE + HOUR:
            raise RuntimeError("a row that nobody can read")
        return await refused_of(section, begin)

    monkeypatch.setattr(house.line.checker.refusals, "of_hour", breaks)
    with pytest.raises(RuntimeError):
        await rolled(house, hours=3)

    counted = {one.begin for one in await house.line.rollups.hours("demo", NINE, NINE + HOUR * 9)}
    assert counted == {NINE, NINE + HOUR * 2}


async def test_an_hour_of_which_not_all_was_written_stays_due(monkeypatch):
    house = await build().furnish()
    begun = await house.line.rollups.hour("demo", NINE)
    tallies = {f"a.event-{number}": Tally(delivered=1) for number in range(150)}
    transact, calls = house.tables.transact, []

    async def breaks(table, operations):
        calls.append(table)
        if len(calls) > 1:
            raise Unavailable("away")
        return await transact(table, operations)

    monkeypatch.setattr(house.tables, "transact", breaks)
    with pytest.raises(Unavailable):
        await house.line.rollups.save("demo", replace(begun, counted_at=NINE + HOUR), tallies)

    assert (await house.line.rollups.hour("demo", NINE)).next_at == NINE + HOUR


async def test_of_an_hour_that_is_forgotten_nothing_stays():
    house, _ = await with_orders(OK)
    await rolled(house, hours=1)
    assert house.rows("rollups", "*|")

    await house.line.rollups.remove("demo", await house.line.rollups.hour("demo", NINE))

    assert [row.rk for row in house.rows("rollups") if "2026-11-22T09" in row.rk] == []
