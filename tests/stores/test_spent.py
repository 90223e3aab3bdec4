"""What is taken of quotas is noted by the minute without anybody waiting, adds up over instances, and is forgotten in time."""

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.stores import spent as module
from shared.stores.spent import SpentStore
from tests.failing import FailingTables
from tests.fakes import FakeClock, FakeTables

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def hours(store, section="demo"):
    return [one async for one in store.between(section, NINE, NINE + HOUR)]


async def test_what_instances_note_adds_up_by_the_minute():
    tables, clock = FakeTables(), FakeClock()
    for minute in (0, 1):
        several = [SpentStore(tables, clock) for _ in range(3)]
        for one in several:
            one.note("demo", "key|a", 100, 10 + minute)
            one.note("demo", "key|a", 100, 0, refused=1)
            one.note("demo", "section", 500, 10)
            one.note("other", "key|a", 100, 1)
        await asyncio.gather(*(one.idle() for one in several))
        clock.pass_(minutes=1)

    [key, section] = await hours(SpentStore(tables, clock))

    assert (key.name, key.a_minute, key.total, key.refused) == ("key|a", 100, 63, 6)
    assert key.fullest == (NINE + timedelta(minutes=16), 33)
    assert (section.name, section.total) == ("section", 60)


async def test_what_comes_together_is_written_together():
    tables = FakeTables()
    store = SpentStore(tables, FakeClock())
    for _ in range(1_000):
        store.note("demo", "key|a", 100, 1)
    await store.idle()

    assert tables.requests == 2
    [key] = await hours(store)
    assert key.total == 1_000


async def test_while_storage_is_away_nobody_hears_of_it():
    failing = FailingTables()
    failing.go_away()
    store = SpentStore(failing, FakeClock())
    store.note("demo", "key|a", 100, 1)

    await store.idle()
    failing.come_back()

    assert await hours(store) == []


async def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_NOTED", 2)
    store = SpentStore(FakeTables(), FakeClock())
    for n in range(5):
        store.note("demo", f"key|{n}", 100, 1)
        store.note("demo", "key|0", 100, 1)
    await store.idle()

    assert {one.name: one.total for one in await hours(store)} == {"key|0": 6, "key|1": 1}


async def test_what_was_told_stays_told_when_more_is_taken():
    store = SpentStore(FakeTables(), FakeClock())
    store.note("demo", "key|a", 100, 90)
    await store.idle()
    await store.told((await hours(store))[0])
    store.note("demo", "key|a", 100, 5)
    await store.idle()

    [key] = await hours(store)

    assert (key.told, key.total) == (True, 95)


async def test_old_hours_are_forgotten_and_others_stay():
    clock, tables = FakeClock(), FakeTables()
    store = SpentStore(tables, clock)
    for _ in range(2):
        for n in range(150):
            store.note("demo", f"key|{n}", 100, 1)
        await store.idle()
        clock.pass_(hours=1)

    await store.forget("demo", NINE + HOUR)

    assert await hours(store) == []
    assert len([one async for one in store.between("demo", NINE, NINE + HOUR * 5)]) == 150


@given(st.dictionaries(st.integers(0, 59), st.integers(0, 10_000)))
def test_the_fullest_minute_is_the_first_of_those_with_the_most(minutes):
    at, count = module.Spent(NINE, "key|a", 100, minutes).fullest

    assert count == max(minutes.values(), default=0)
    assert all(n < count for m, n in minutes.items() if NINE + timedelta(minutes=m) < at)
