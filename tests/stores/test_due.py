"""What waits is found when it is due, earliest first, and by the destination that it is parked for."""

from datetime import UTC, datetime, timedelta

from shared.ids import new_commit
from shared.stores.due import SHARDS, Due
from tests.fakes import FakeTables

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)


def event(number):
    return new_commit(NOW, 0, bytes([1, 2, 3, 4, 5, 6, number])).id


async def read(found):
    return [one async for one in found]


async def test_only_what_is_due_is_ready():
    due = Due(FakeTables())
    await due.add("demo", "rt-1", event(2), NOW + timedelta(minutes=20))
    await due.add("demo", "rt-1", event(4), NOW + timedelta(minutes=40))

    ready = await read(due.ready(NOW + timedelta(minutes=30), 10))

    assert [(one.section, one.route, one.event) for one in ready] == [("demo", "rt-1", event(2))]
    assert await read(due.ready(NOW, 10)) == []


async def test_what_is_due_is_read_by_time_and_bounded():
    due = Due(FakeTables())
    for minutes in (3, 1, 2):
        await due.add("demo", "rt-1", event(2), NOW + timedelta(minutes=minutes))

    ready = await read(due.ready(NOW + timedelta(hours=1), 2))

    times = [one.row.rk.partition("|")[0] for one in ready]
    assert times == sorted(times)
    assert len(ready) == 2


async def test_what_waits_is_spread_over_the_shards():
    tables = FakeTables()
    due = Due(tables)
    for number in range(64):
        await due.add("demo", "rt-1", event(number * 4), NOW)

    assert {pk for pk, _ in tables.tables["due"]} == {str(shard) for shard in range(SHARDS)}
    assert len(await read(due.ready(NOW + timedelta(seconds=1), 1_000))) == 64


async def test_waiting_twice_for_the_same_time_is_waiting_once():
    due = Due(FakeTables())
    for _ in range(2):
        await due.add("demo", "rt-1", event(2), NOW)

    assert len(await read(due.ready(NOW + timedelta(seconds=1), 10))) == 1


async def test_what_is_removed_is_not_ready_again():
    due = Due(FakeTables())
    await due.add("demo", "rt-1", event(2), NOW)
    [one] = await read(due.ready(NOW + timedelta(seconds=1), 10))

    await due.remove(one)

    assert await read(due.ready(NOW + timedelta(seconds=1), 10)) == []


async def test_what_is_parked_waits_for_its_destination_only():
    due = Due(FakeTables())
    await due.park("demo", "crm", "rt-1", event(2))
    await due.park("demo", "crm2", "rt-2", event(4))
    await due.park("other", "crm", "rt-3", event(6))

    assert [one.route for one in await read(due.parked("demo", "crm", 10))] == ["rt-1"]
    assert await read(due.ready(NOW + timedelta(days=1000), 10)) == []


async def test_what_was_parked_anew_since_it_was_read_stays_on_the_list():
    due = Due(FakeTables())
    await due.park("demo", "crm", "rt-1", event(2))
    [waiting] = await read(due.parked("demo", "crm", 10))

    await due.park("demo", "crm", "rt-1", event(2))
    await due.remove(waiting)

    [again] = await read(due.parked("demo", "crm", 10))
    await due.remove(again)
    await due.remove(again)
    assert await read(due.parked("demo", "crm", 10)) == []
