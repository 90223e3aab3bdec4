from shared.errors import Unavailable
from shared.stores.used import NOTED_EVERY_SECONDS, Used
from tests.failing import FailingTables
from tests.fakes import FakeClock, FakeTables


async def noted(used, *ids):
    for id in ids:
        used.note("demo", id)
    await used.idle()


async def test_it_says_when_each_was_last_used_and_nothing_of_those_of_another_section():
    clock = FakeClock()
    used = Used(FakeTables(), clock)
    used.note("other", "c")
    await noted(used, "a")
    clock.pass_(hours=2)

    await noted(used, "a", "b")

    assert await used.last("demo") == {"a": "2026-11-22T11:15:00.000Z", "b": "2026-11-22T11:15:00.000Z"}


async def test_however_often_one_is_used_it_is_written_once_an_hour():
    tables, clock = FakeTables(), FakeClock()
    used = Used(tables, clock)

    for _ in range(100):
        await noted(used, "a")
    assert tables.requests == 1
    clock.pass_(seconds=NOTED_EVERY_SECONDS)
    await noted(used, "a")
    assert tables.requests == 2


async def test_what_storage_did_not_take_is_noted_at_the_next_use():
    tables = FailingTables()
    used = Used(tables, FakeClock())
    tables.before = lambda *_: Unavailable("away")
    await noted(used, "a")

    tables.before = lambda *_: None
    await noted(used, "a")

    assert list(await used.last("demo")) == ["a"]
