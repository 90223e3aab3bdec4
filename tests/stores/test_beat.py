"""When the tick was last through is known to every instance, and belongs to no section."""

from datetime import UTC, datetime

from shared.stores.beat import Beat
from tests.fakes import FakeTables
from tests.house import build

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)


async def test_the_last_one_counts():
    beat = Beat(FakeTables())
    assert await beat.last() is None

    for minute in (0, 1):
        await beat.note(NINE.replace(minute=minute))

    assert await beat.last() == NINE.replace(minute=1)


async def test_a_tick_says_that_it_was_through():
    house = await build().furnish()

    await house.pass_(minutes=1)

    assert await house.line.beat.last() == house.clock.now()
    assert [row.pk for row in house.rows("usage", "tick")] == [""]
