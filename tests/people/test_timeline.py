"""The timeline: what happened to a person by when it happened, newest first, in whatever order it came."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared import times
from shared.event import Stored
from shared.ids import new_commit
from shared.people.timeline import Timeline
from tests.fakes import FakeTables
from tests.test_documents import EVENT

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def stored(at=None, number=0, received_at=EVENT.received_at):
    id = new_commit(EVENT.received_at, 0, b"1234567").event(number)
    return Stored(id, replace(EVENT, occurred_at=at and times.text(at), received_at=received_at))


async def newest(timeline, most=100):
    return [one["id"] for one in await timeline.newest("demo", "p1", most)]


@given(st.lists(MOMENTS, min_size=1, max_size=8))
async def test_the_newest_by_when_it_happened_comes_first(moments):
    timeline = Timeline(FakeTables())
    events = [stored(at, number) for number, at in enumerate(moments)]
    for event in events:
        await timeline.add("demo", "p1", event)

    happened = {event.id: times.parse(event.event.occurred_at) for event in events}
    listed = [happened[id] for id in await newest(timeline)]

    assert listed == sorted(happened.values(), reverse=True)


@given(MOMENTS)
async def test_what_was_put_on_is_taken_off_again(at):
    tables = FakeTables()
    timeline = Timeline(tables)
    await timeline.add("demo", "p1", stored(at))

    await timeline.remove("demo", "p1", stored(at))

    assert tables.tables["timeline"] == {}


async def test_without_a_time_of_its_own_an_event_stands_where_it_was_received():
    timeline = Timeline(FakeTables())
    early = stored(EVENT.received_at - timedelta(days=1), 0)
    own = stored(None, 1)
    late = stored(EVENT.received_at + timedelta(days=1), 2)
    for event in (late, early, own):
        await timeline.add("demo", "p1", event)

    assert await newest(timeline) == [late.id, own.id, early.id]


async def test_an_event_put_on_twice_is_on_it_once():
    timeline = Timeline(FakeTables())
    for _ in range(2):
        await timeline.add("demo", "p1", stored())

    assert len(await newest(timeline)) == 1


async def test_a_timeline_is_bounded_and_its_person_s_own():
    timeline = Timeline(FakeTables())
    for number in range(5):
        await timeline.add("demo", "p1", stored(None, number))

    assert len(await newest(timeline, 3)) == 3
    assert await timeline.newest("demo", "p2", 10) == []
    assert await timeline.newest("other", "p1", 10) == []


async def test_nothing_of_those_who_lie_in_the_same_partition_is_on_it():
    timeline = Timeline(FakeTables())
    for number, person in enumerate(("p1", "p11", "p2", "p0")):
        await timeline.add("demo", person, stored(number=number))

    assert await newest(timeline) == [stored(number=0).id]
