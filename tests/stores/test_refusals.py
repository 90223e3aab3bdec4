"""What was refused is noted without anybody waiting, added up over instances, and dropped rather than in anybody's way."""

from collections import Counter
from datetime import UTC, datetime

from shared.stores import refusals as module
from shared.stores.refusals import Refusals
from tests.failing import FailingTables
from tests.fakes import FakeClock, FakeTables

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)


async def counted(tables):
    return await Refusals(tables, FakeClock()).of_hour("demo", NINE)


async def test_what_instances_note_adds_up():
    tables = FakeTables()
    for _ in range(2):
        refusals = Refusals(tables, FakeClock())
        for reason in ("invalid", "invalid", "unknown-version"):
            refusals.note("demo", "a.b", reason)
        refusals.note("demo", "a.c", "invalid")
        refusals.note("other", "a.b", "invalid")
        await refusals.idle()

    assert await counted(tables) == {
        "a.b": Counter({"invalid": 4, "unknown-version": 2}),
        "a.c": Counter({"invalid": 2}),
    }


async def test_what_comes_together_is_written_together():
    tables = FakeTables()
    refusals = Refusals(tables, FakeClock())
    for _ in range(1_000):
        refusals.note("demo", "a.b", "invalid")
    await refusals.idle()

    assert tables.requests == 2
    assert await counted(tables) == {"a.b": Counter({"invalid": 1_000})}


async def test_instances_that_write_at_the_same_time_lose_nothing_of_each_other():
    tables = FakeTables()
    several = [Refusals(tables, FakeClock()) for _ in range(3)]
    for one in several:
        one.note("demo", "a.b", "invalid")
    for one in several:
        await one.idle()

    assert await counted(tables) == {"a.b": Counter({"invalid": 3})}


async def test_while_storage_is_away_nothing_is_counted_and_nobody_hears_of_it():
    failing = FailingTables()
    failing.go_away()
    refusals = Refusals(failing, FakeClock())

    refusals.note("demo", "a.b", "invalid")
    await refusals.idle()

    failing.come_back()
    assert await counted(failing) == {}


async def test_a_flood_of_different_ones_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_NOTED", 3)
    tables = FakeTables()
    refusals = Refusals(tables, FakeClock())
    for n in range(10):
        refusals.note("demo", f"a.b{n}", "invalid")
    await refusals.idle()

    assert len(await counted(tables)) == 3


async def test_an_hour_is_forgotten():
    tables = FakeTables()
    refusals = Refusals(tables, FakeClock())
    refusals.note("demo", "a.b", "invalid")
    await refusals.idle()

    await refusals.remove("demo", NINE)

    assert await counted(tables) == {}
