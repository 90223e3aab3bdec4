"""Firsts: of events that say the same one is the first, for as long as the window is, whoever asks and how often."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.azure.tables import AzureTables
from shared.errors import Unavailable
from shared.ports import Row, RowExists
from shared.stores.firsts import Claim, Firsts
from tests.failing import FailingTables
from tests.fakes import FakeTables
from tests.real import azurite

__all__ = ["azurite"]

AT = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
DAY = timedelta(hours=24)
LONG_AFTER = "20991231"


def claim(id, *, mark="aa", window=DAY, **after):
    return Claim(id, mark, AT + timedelta(**after), window)


async def claimed(firsts, *claims):
    return [await firsts.claim("demo", 0, one) for one in claims]


async def expired(firsts, today):
    return [row async for row in firsts.expired("demo", 0, today, 100)]


async def test_the_first_stays_the_first_however_often_it_is_asked():
    firsts = Firsts(FakeTables())

    assert await claimed(firsts, claim("one"), claim("one"), claim("one", hours=0)) == ["one"] * 3


@pytest.mark.parametrize(
    ("after", "first"),
    [
        ({"hours": 23, "minutes": 59}, "one"),
        ({"hours": 24}, "two"),
        # It was received before the one that was processed before it.
        ({"hours": -1}, "one"),
        ({"hours": -24}, "two"),
    ],
)
async def test_another_is_alike_it_within_the_window_and_no_longer(after, first):
    firsts = Firsts(FakeTables())

    assert await claimed(firsts, claim("one"), claim("two", **after)) == ["one", first]


async def test_a_window_begins_anew_with_the_one_after_it():
    firsts = Firsts(FakeTables())

    told = await claimed(
        firsts, claim("one"), claim("two", hours=24), claim("three", hours=47), claim("four", hours=48)
    )

    assert told == ["one", "two", "two", "four"]


async def test_one_that_was_processed_late_takes_nothing_from_a_later_window():
    firsts = Firsts(FakeTables())
    await claimed(firsts, claim("late", hours=30))

    assert await claimed(firsts, claim("early"), claim("third", hours=31)) == ["early", "late"]


async def test_what_says_something_else_is_compared_with_nothing():
    firsts = Firsts(FakeTables())

    assert await claimed(firsts, claim("one"), claim("two", mark="bb")) == ["one", "two"]
    assert await firsts.claim("other", 0, claim("three")) == "three"


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
async def test_whoever_is_first_is_a_window_after_the_one_before_and_the_others_are_within_its_own(gaps):
    firsts, at, started = Firsts(FakeTables()), 0, {}

    for number, gap in enumerate(gaps):
        at += gap
        first = await firsts.claim("demo", 0, claim(f"id-{number}", hours=at))
        if first == f"id-{number}":
            assert all(at - one >= 24 for one in started.values())
            started[first] = at
        else:
            assert first == [*started][-1]
            assert at - started[first] < 24


async def test_of_many_at_once_one_is_the_first():
    firsts = Firsts(FakeTables())

    told = await asyncio.gather(*(firsts.claim("demo", 0, claim(f"id-{n}")) for n in range(20)))

    assert len(set(told)) == 1


async def test_of_many_after_the_window_one_is_the_first_again():
    firsts = Firsts(FakeTables())
    await claimed(firsts, claim("old"))

    told = await asyncio.gather(*(firsts.claim("demo", 0, claim(f"id-{n}", hours=25)) for n in range(20)))

    assert len(set(told)) == 1
    assert told[0] != "old"


async def test_a_claim_whose_answer_was_lost_is_the_claimants_own():
    tables = FailingTables()
    tables.after = lambda *_: RowExists(0)
    firsts = Firsts(tables)

    assert await claimed(firsts, claim("one")) == ["one"]


async def test_a_first_one_takes_one_request_and_one_alike_two():
    tables = FakeTables()
    firsts = Firsts(tables)

    await claimed(firsts, claim("one"))
    first = tables.requests
    await claimed(firsts, claim("two"))

    assert (first, tables.requests - first) == (1, 2)


async def test_what_cannot_be_settled_is_tried_again_later():
    tables = FailingTables()
    tables.before = lambda *_: RowExists(0)

    with pytest.raises(Unavailable):
        await claimed(Firsts(tables), claim("one"))


async def test_a_purge_finds_what_has_ended_by_its_day_and_nothing_else():
    tables = FakeTables()
    firsts = Firsts(tables)
    await claimed(firsts, claim("one"), claim("two", mark="bb", hours=48))

    assert await expired(firsts, "20261123") == []
    assert await firsts.purge(await expired(firsts, "20261124")) == 1

    assert sorted(rk for _, rk in tables.tables["firsts"]) == ["f|bb", "x|20261125|bb"]


async def test_a_purge_leaves_what_was_claimed_anew_after_it_was_listed():
    tables = FakeTables()
    firsts = Firsts(tables)
    await claimed(firsts, claim("one"), claim("gone", mark="bb"))
    listed = await expired(firsts, LONG_AFTER)

    await claimed(firsts, claim("two", hours=48))

    assert await firsts.purge(listed) == 1
    assert await claimed(firsts, claim("three", hours=49)) == ["two"]
    assert len(tables.tables["firsts"]) == 2


@pytest.mark.slow
async def test_the_real_tables_do_the_same(azurite):
    async with AzureTables(azurite.connection_string) as tables:
        firsts, section = Firsts(tables), f"demo-{secrets.token_hex(4)}"

        async def told(*claims):
            return [await firsts.claim(section, 0, one) for one in claims]

        assert await told(claim("one"), claim("one"), claim("two", hours=1)) == ["one"] * 3
        old = [row async for row in firsts.expired(section, 0, LONG_AFTER, 100)]
        assert await told(claim("three", hours=48), claim("four", hours=49)) == ["three"] * 2
        assert await firsts.purge(old) == 0
        new = [row async for row in firsts.expired(section, 0, LONG_AFTER, 100)]
        assert [row.rk for row in new] == ["x|20261125|aa"]
        assert await firsts.purge(new) == 1
        assert await told(claim("five", hours=50)) == ["five"]


@pytest.mark.slow
async def test_of_many_at_once_on_the_real_tables_one_is_the_first_and_after_the_window_another(azurite):
    async with AzureTables(azurite.connection_string) as tables:
        firsts, section = Firsts(tables), f"demo-{secrets.token_hex(4)}"

        async def first(hours):
            claims = [claim(f"id-{hours}-{n}", hours=hours) for n in range(20)]
            [told] = {*await asyncio.gather(*(firsts.claim(section, 0, one) for one in claims))}
            return told

        assert (await first(0)).startswith("id-0-")
        assert (await first(30)).startswith("id-30-")


async def test_a_window_that_ends_on_the_same_day_has_one_row_of_it():
    tables = FakeTables()
    firsts = Firsts(tables)
    hour = timedelta(hours=1)

    told = await claimed(firsts, claim("one", window=hour), claim("two", window=hour, hours=1))

    assert told == ["one", "two"]
    assert [row.rk for row in await expired(firsts, LONG_AFTER)] == ["x|20261122|aa"]
    assert await firsts.purge([Row("demo|0", "x|20261122|aa")]) == 1
    assert tables.tables["firsts"] == {}
