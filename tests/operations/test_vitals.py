"""The vitals say how old the oldest event under way is and what waits, in few requests, and no more than is known."""

from datetime import timedelta

import pytest

from shared.errors import Invalid, UnknownEvent
from shared.metrics import UNFINISHED_AGE, WAITING
from shared.operations import tick as ticking
from shared.operations import waiting as counting
from shared.operations.pace import Pace
from shared.operations.tick import tick
from shared.operations.vitals import vitals
from shared.ports import Answer
from shared.sources import Received
from tests.failing import AwayQueue
from tests.house import OK, SECTION, body, build

BAD, LATER = Answer(400, {}, b""), Answer(503, {}, b"")


async def seen(house, seconds=20):
    return await vitals(house.line, Pace.of(house.clock, timedelta(seconds=seconds)))


async def test_where_nothing_waits_all_is_zero():
    house = await build(OK).furnish()
    await house.accept()
    await house.work()

    found = await seen(house)

    assert [(metric, value) for metric, value, _ in found.gauges()] == [
        (UNFINISHED_AGE, 0.0),
        *[(WAITING, 0.0)] * 4,
    ]


async def test_what_is_not_finished_has_its_age_and_what_is_dead_is_counted():
    house = await build(LATER, BAD).furnish()
    await house.accept(id="slow")
    await house.work()
    house.clock.pass_(seconds=2)
    await house.accept(id="bad", person={"email": "b@example.com"})
    await house.work("events")
    await house.work("deliveries")

    house.clock.pass_(minutes=2)
    found = await seen(house)

    measured = {(metric.name, *of.values()): value for metric, value, of in found.gauges()}
    assert measured["signalbox.unfinished.age",] == pytest.approx(122, abs=1)
    assert measured["signalbox.waiting", "dead"] == 1
    for metric, _, of in found.gauges():
        assert metric.closed(of) == dict(of)


async def test_of_what_is_more_than_is_counted_it_says_so(monkeypatch):
    monkeypatch.setattr(counting, "MOST_WAITING", 3)
    house = await build(*[BAD] * 5).furnish()
    for n in range(5):
        await house.accept(id=f"bad-{n}", person={"email": f"{n}@example.com"})
    await house.work()

    shown = (await seen(house)).shown()

    assert (shown["dead"], shown["held"], shown["parked"]) == ("3+", "0+", 0)


async def test_where_there_is_no_time_for_all_sections_nothing_is_said_of_them():
    house = await build().furnish()

    assert await seen(house, seconds=-1) is None


async def test_all_sections_together_are_counted_in_the_requests_that_the_notes_say():
    house = await build().furnish()
    await house.line.sections.create(body({**SECTION, "id": "other"}), bytes(32))
    house.clock.pass_(seconds=20)
    await house.line.sections.list()
    before = house.tables.requests

    await seen(house)

    # Commits under way and quarantine of two sections, what is listed as dead and parked, and the sections.
    assert house.tables.requests - before <= 2 * (8 + 8) + 2 + 1


async def test_a_tick_tells_them_and_gives_them_to_whoever_measures():
    house = await build(BAD).furnish()
    await house.accept()
    await house.work()

    done = await tick(house.line)

    assert done["vitals"] == {"age": 0, "dead": 1, "held": 0, "parked": 0, "quarantined": 0}
    measured = {name: value for (name, *_), value in house.meter.gauges.items() if name != WAITING.name}
    assert measured == {"signalbox.unfinished.age": 0, "signalbox.silent": 0, "signalbox.unusual": 0}
    assert sum(name == WAITING.name for name, *_ in house.meter.gauges) == 4


async def test_of_what_could_not_be_looked_at_no_measure_is_given(monkeypatch):
    monkeypatch.setattr(ticking, "SECONDS_A_PART", -1)
    house = await build().furnish()

    done = await tick(house.line)

    assert "stopped" in done["vitals"]
    assert not any(name in (WAITING.name, UNFINISHED_AGE.name) for name, *_ in house.meter.gauges)


async def test_what_could_not_be_handed_off_has_its_age_too():
    queue = AwayQueue()
    house = await build(queue=queue).furnish()
    queue.away = True
    await house.accept()
    house.clock.pass_(minutes=5)

    assert (await seen(house)).age == pytest.approx(300, abs=1)


async def test_of_what_is_kept_for_several_causes_no_more_is_said_than_there_is(monkeypatch):
    monkeypatch.setattr(counting, "MOST_WAITING", 3)
    house = await build().furnish()
    request, refusals = Received("POST", "/v1/hooks/x", {}, b"{}"), [Invalid("No."), UnknownEvent("No.")]
    for refusal in refusals:
        kept = house.line.quarantine.item("0" * 32, request, refusal, [], (), {})
        await house.line.quarantine.keep("demo", kept)

    assert (await seen(house)).shown()["quarantined"] == 2
    for refusal in refusals:
        kept = house.line.quarantine.item("0" * 32, request, refusal, [], (), {})
        await house.line.quarantine.keep("demo", kept)
    assert (await seen(house)).shown()["quarantined"] == "3+"
