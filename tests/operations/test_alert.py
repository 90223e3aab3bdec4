"""What stops is told once and its end once, whatever crashes; a week like the others tells nothing."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import cos, exp, pi
from zoneinfo import ZoneInfo

import pytest

from shared import killpoints
from shared.catalog import own
from shared.metrics import EVENTS, NONE
from shared.operations.alert import FORGOTTEN_AFTER, MOST_ALERTS, alert, looked_at, volumes
from shared.operations.baseline import FACTOR, LONGEST_SILENCE, same_hours
from shared.operations.metrics import metrics, wanted_of
from shared.operations.pace import Pace
from shared.ports import RowChanged
from shared.stores.alerts import Alert, Alerts
from shared.stores.rollups import HOUR, hour_of
from shared.stores.tally import MOST_SOURCES, Came, Tally
from shared.stores.trail import Trail
from tests.house import ORDER, body, build

EVENT, LABEL = ORDER["event"], "checkout"
ZONE = ZoneInfo("Europe/Stockholm")
OWN = (own.VOLUME_SILENT, own.VOLUME_UNUSUAL, own.VOLUME_RESOLVED)
START = datetime(2026, 9, 7, tzinfo=UTC)
NAMES = [("definition", "a.busy"), ("definition", "a.rare"), ("source", "shop"), ("source", "nightly")]


def weekly(rng, of, name, hour):
    """How many come: more by day and on workdays, with noise that a week has beside that of chance."""
    local = hour.astimezone(ZONE)
    if name == "nightly":
        return poisson(rng, 300) if local.hour == 2 else 0
    day = 1.1 - cos(local.hour / 24 * 2 * pi)
    week = 0.4 if local.weekday() >= 5 else 1.0
    size = {"a.busy": 400.0, "a.rare": 1.5, "shop": 60.0}[name]
    return poisson(rng, size * day * week * exp(rng.gauss(0, 0.2)))


def poisson(rng, mean):
    """So many, by chance."""
    return (
        max(round(rng.gauss(mean, mean**0.5)), 0)
        if mean > 50
        else sum(rng.random() < mean / 200 for _ in range(200))
    )


class World:
    """Weeks of it, hour by hour, and all that was told."""

    def __init__(self, seed):
        self.rng, self.volumes, self.there, self.told = random.Random(seed), {}, {}, []
        self.hour = START

    def pass_(self, hours, **factors):
        """`factors`: by name, what comes of it instead of what usually does."""
        for _ in range(hours):
            self.volumes[self.hour] = {
                one: round(weekly(self.rng, *one, self.hour) * factors.get(one[1].replace(".", "_"), 1))
                for one in NAMES
            }
            found = looked_at(self.there, self.hour, self.volumes, ZONE)
            self.told += [(*one.place, "over" if one.over else "begun", self.hour) for one in found]
            self.hour += HOUR


@pytest.mark.parametrize("seed", range(3))
def test_half_a_year_of_weeks_like_the_others_tells_nothing(seed):
    """Two changes of the clocks are among them."""
    world = World(seed)

    world.pass_(24 * 7 * 30)

    assert world.told == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("later", [0, 50])
def test_two_hours_without_any_are_told_once_and_once_that_they_are_over(seed, later):
    world = World(seed)
    world.pass_(24 * 7 * 5 + 9 + later)
    begun = world.hour

    world.pass_(2, a_busy=0)
    world.pass_(24 * 7 * 5)

    assert world.told == [
        ("silent", "definition", "a.busy", "begun", begun),
        ("silent", "definition", "a.busy", "over", begun + HOUR * 2),
    ]


def test_what_comes_rarely_is_missed_later_and_told_once():
    world = World(1)
    world.pass_(24 * 7 * 5)

    world.pass_(24 * 2, a_rare=0)
    silent = [one for one in world.told if one[2] == "a.rare"]
    world.pass_(24)

    assert [one[3] for one in silent] == ["begun"]
    assert [one[3] for one in world.told] == ["begun", "over"]


def test_a_flood_is_told_once_and_its_end_once_and_the_weeks_after_it_are_usual():
    world = World(2)
    world.pass_(24 * 7 * 5 + 10)

    world.pass_(3, shop=8)
    world.pass_(24 * 7 * 5)

    assert [(one[0], one[2], one[3]) for one in world.told] == [
        ("unusual", "shop", "begun"),
        ("unusual", "shop", "over"),
    ]


def test_far_too_few_are_unusual_and_no_silence():
    world = World(3)
    world.pass_(24 * 7 * 5 + 10)

    world.pass_(2, a_busy=1 / (FACTOR * 4))
    world.pass_(10)

    assert [(one[0], one[2], one[3]) for one in world.told] == [
        ("unusual", "a.busy", "begun"),
        ("unusual", "a.busy", "over"),
    ]


def test_what_has_ended_for_good_is_told_twice_and_then_never_again():
    world = World(4)
    world.pass_(24 * 7 * 5 + 10)

    world.pass_(24 * 7 * 8, a_busy=0)

    [begun, over] = [one for one in world.told if one[2] == "a.busy"]
    assert (begun[3], over[3], over[4] - begun[4]) == ("begun", "over", FORGOTTEN_AFTER)


def test_of_what_is_new_nothing_is_said_for_three_weeks():
    world = World(5)
    world.pass_(24 * 7 * 4, a_busy=0)
    world.pass_(24 * 7 * 2)

    world.pass_(12, a_busy=0)

    assert world.told == []


def test_no_more_are_told_of_than_fit_the_row():
    there = {("silent", "definition", f"e.{n}"): Alert(START, 0, 20, 20) for n in range(MOST_ALERTS)}
    volumes = {
        START: {},
        **{START - timedelta(weeks=n): {("definition", "a.busy"): 100} for n in range(1, 5)},
    }

    assert looked_at(there, START, volumes, ZoneInfo("UTC")) == []


async def with_history(*events, weeks=5):
    """A house whose orders came in every hour of some weeks, a hundred of them, in which somebody is told of `events`."""
    house = await build().furnish()
    await house.add_destination("ops", "https://ops.example.com/hook")
    for event in events:
        doc = {"event": event, "destination": "ops"}
        await house.line.routes.create("demo", body(doc), f"rt-{event.replace('.', '-')}")
    now = hour_of(house.clock.now())
    for n in range(1, 24 * 7 * weeks):
        await count(house, now - HOUR * n, 100)
    return house


async def count(house, begin, came):
    """As a roll-up would have it."""
    tally = Tally()
    for _ in range(came):
        tally.add(Trail(), Came(LABEL, begin), paused=False)
    hour = await house.line.rollups.hour("demo", begin)
    done = replace(hour, counted_at=begin + HOUR, next_at=None, stored={EVENT: came}, arrived={EVENT: came})
    await house.line.rollups.save("demo", done, {EVENT: tally, "*": tally})


async def passed(house, came):
    """An hour goes by in which so many came."""
    begin = hour_of(house.clock.now())
    house.clock.pass_(hours=1)
    await count(house, begin, came)
    return await alert(house.line, Pace.of(house.clock, timedelta(seconds=20)))


async def told(house):
    found = []
    for row in sorted(house.rows("events", "e|"), key=lambda row: row.rk):
        stored = await house.line.ledger.event("demo", row.rk.removeprefix("e|"))
        if own.is_own(stored.event.event):
            found.append(stored.event)
    return found


async def test_an_emitter_that_stops_for_two_hours_is_told_once_and_once_more_when_it_is_back():
    house = await with_history(*OWN)
    seen = [await passed(house, came) for came in (100, 0, 0, 100, 100)]

    assert [one["silent"] for one in seen] == [0, 2, 2, 0, 0]
    events = [(one.event, one.properties["of"], one.properties["name"]) for one in await told(house)]
    both = [("definition", EVENT), ("source", LABEL)]
    assert sorted(events[:2]) == sorted((own.VOLUME_SILENT, *one) for one in both)
    assert sorted(events[2:]) == sorted((own.VOLUME_RESOLVED, *one) for one in both)
    [silent, *_, resolved] = await told(house)
    assert silent.properties["since"] == resolved.properties["since"] == "2026-11-22T10:00:00.000Z"
    assert silent.properties["summary"].endswith("In other weeks at least 100 came in that time.")
    assert (resolved.properties["was"], resolved.properties["reason"]) == ("silent", "It comes again.")


async def test_it_is_told_once_wherever_a_crash_comes(monkeypatch):
    house = await with_history(*OWN)
    await passed(house, 100)
    crashed = []

    def crash(name):
        if name == "alert.told" and not crashed:
            crashed.append(name)
            raise RuntimeError(name)

    monkeypatch.setattr(killpoints, "_on_reached", crash)
    with pytest.raises(RuntimeError):
        await passed(house, 0)
    pace = Pace.of(house.clock, timedelta(seconds=20))
    assert (await house.line.alerts.read("demo")).there == {}

    assert (await alert(house.line, pace))["silent"] == 2
    assert (await alert(house.line, pace))["silent"] == 2
    assert [one.event for one in await told(house)] == [own.VOLUME_SILENT] * 2


async def test_where_nobody_listens_nothing_is_made_and_metrics_tell_all_the_same():
    house = await with_history()
    await passed(house, 100)
    await passed(house, 500)

    doc = await metrics(
        house.line, house.caller, wanted_of({}, house.clock.now()), Pace.of(house.clock, timedelta(seconds=9))
    )

    assert await told(house) == []
    shown = {"was": "unusual", "since": "2026-11-22T10:00:00.000Z", "count": 500, "least": 100, "most": 100}
    assert doc["alerts"] == [
        {**shown, "of": "definition", "name": EVENT},
        {**shown, "of": "source", "name": LABEL},
    ]
    house.caller = replace(house.caller, events=frozenset({"other.thing"}))
    limited = await metrics(
        house.line, house.caller, wanted_of({}, house.clock.now()), Pace.of(house.clock, timedelta(seconds=9))
    )
    assert limited["alerts"] == []


async def test_an_hour_that_is_not_counted_yet_is_waited_for_and_passed_over_in_the_end():
    house = await with_history()
    await passed(house, 100)
    before = (await house.line.alerts.read("demo")).up_to
    house.clock.pass_(hours=1)
    pace = Pace.of(house.clock, timedelta(days=9))

    assert await alert(house.line, pace) == {"silent": 0, "unusual": 0}
    assert (await house.line.alerts.read("demo")).up_to == before
    house.clock.pass_(hours=6)
    await alert(house.line, pace)
    assert (await house.line.alerts.read("demo")).up_to > before


async def test_a_section_that_is_new_begins_with_its_last_hour():
    house = await build().furnish()

    await house.pass_(minutes=1)
    before = await house.line.alerts.read("demo")
    taken = house.tables.requests
    await alert(house.line, Pace.of(house.clock, timedelta(seconds=20)))

    assert before.up_to == datetime(2026, 11, 22, 8, tzinfo=UTC)
    # The sections; and where no hour has ended since, only its own row is read.
    assert house.tables.requests - taken <= 2
    assert (await house.line.alerts.read("demo")).there == {}


async def test_what_is_saved_is_read_back_and_two_never_write_over_each_other():
    house = await build().furnish()
    store, there = house.line.alerts, {("silent", "source", "a|b/é"): Alert(START, 0, 20, 20)}
    await store.save("demo", Alerts(START, there))
    first = await store.read("demo")

    await store.save("demo", replace(first, there={}))

    assert first.there == there
    with pytest.raises(RowChanged):
        await store.save("demo", first)


def flat(*names, hour=100, weeks=4):
    """Every hour of some weeks with so many of each."""
    return {START - HOUR * n: dict.fromkeys(names, hour) for n in range(1, 24 * 7 * weeks + 48)}


def test_a_source_that_an_hour_does_not_name_is_no_silence_where_others_took_all_the_places():
    shop, full = ("source", "shop"), {("source", ""): 0}
    volumes = {begin: {**names, **full} for begin, names in flat(shop).items()}

    assert looked_at({}, START, {**volumes, START: full}, ZONE) == []
    assert len(looked_at({}, START, {**volumes, START: {}}, ZONE)) == 1


def test_what_is_unusual_stays_so_until_it_is_less_than_half_of_that():
    there, volumes, shop = {}, flat(("source", "shop")), ("source", "shop")

    told = []
    for number, came in enumerate((100 * FACTOR, 250, 200, 199)):
        volumes[START + HOUR * number] = {shop: came}
        told.append([one.over for one in looked_at(there, START + HOUR * number, volumes, ZONE)])

    assert told == [[None], [], [], ["It is as usual again."]]


@pytest.mark.parametrize(
    "moved", [datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)]
)
async def test_all_that_is_compared_is_read_where_the_clocks_were_changed_meanwhile(moved):
    house, asked = await build().furnish(), []
    section = await house.line.sections.find("demo")

    async def hours(_, low, high):
        asked.append((low, high))
        return []

    house.line.rollups.hours = hours
    await volumes(house.line, section, moved, moved + HOUR * 20, ZONE)

    for hour in (moved + HOUR * n for n in range(-LONGEST_SILENCE + 1, 21)):
        for one in (hour, *same_hours(hour, ZONE)):
            assert any(low <= one < high for low, high in asked)


async def test_sources_beyond_those_that_are_named_and_what_we_tell_ourselves_are_not_watched():
    house, tally = await build().furnish(), Tally()
    for source in (LABEL, own.SENDER, *(f"till-{n}" for n in range(MOST_SOURCES))):
        tally.add(Trail(), Came(source, START), paused=False)
    arrived = {EVENT: 1, own.DELIVERY_FAILED: 7}
    few = Tally()
    few.add(Trail(), Came(LABEL, START), paused=False)
    for begin, whole in ((START, tally), (START + HOUR, few)):
        hour = replace(await house.line.rollups.hour("demo", begin), counted_at=begin + HOUR, arrived=arrived)
        await house.line.rollups.save("demo", hour, {"*": whole})
    section = await house.line.sections.find("demo")

    found = await volumes(house.line, section, START, START + HOUR, ZONE)

    assert found[START + HOUR] == {("definition", EVENT): 1, ("source", LABEL): 1}
    assert ("source", "") in found[START]
    assert not {own.SENDER, own.DELIVERY_FAILED} & {name for _, name in found[START]}


async def test_each_of_several_is_told_of_and_counted_as_ours():
    house = await with_history(*OWN)
    now = hour_of(house.clock.now())
    for begin in (now - HOUR * n for n in range(1, 24 * 7 * 5)):
        hour = await house.line.rollups.hour("demo", begin)
        await house.line.rollups.save("demo", replace(hour, arrived={EVENT: 100, "sales.lead-won": 100}), {})

    await passed(house, 0)

    names = [(one.properties["of"], one.properties["name"]) for one in await told(house)]
    assert sorted(names) == [("definition", "sales.lead-won"), ("definition", EVENT), ("source", LABEL)]
    assert house.meter.sums[EVENTS.name, "own", "accepted", NONE] == 3


async def test_who_is_overtaken_leaves_it_to_the_other_one():
    house = await with_history(*OWN)
    await passed(house, 100)
    store = house.line.alerts
    read = store.read

    async def overtaken(section):
        found = await read(section)
        await store.save(section, found)
        return found

    store.read = overtaken

    assert (await passed(house, 0))["silent"] == 2
    store.read = read
    assert (await store.read("demo")).there == {}
