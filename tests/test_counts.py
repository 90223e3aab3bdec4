"""Counts: what instances tell each other of a quota, and what a new minute changes in that."""

from shared.counts import ALONE, Counts, Quota
from shared.stores.taken import Taken
from tests.fakes import FakeClock, FakeTables

QUOTA = Quota("demo", "anything", 100)


def told(tables):
    """What the shared row says was taken, and in which minute."""
    [row] = tables.tables["usage"].values()
    return row.values["minute"], row.values["taken"]


async def take(counts, amount):
    counts.take(QUOTA, amount)
    await counts.idle()


async def test_what_is_taken_a_lot_is_told_from_the_first_second_of_the_next_minute_and_nothing_is_left_out():
    tables, clock = FakeTables(), FakeClock()
    counts = Counts(Taken(tables), clock)
    clock.pass_(seconds=59)
    await take(counts, 50)
    first = told(tables)
    # Within a second of the last time, so nobody is told; the minute ends.
    clock.pass_(seconds=0.9)
    await take(counts, 7)
    clock.pass_(seconds=1)
    await take(counts, 1)

    assert told(tables) == (first[0] + 1, 7 + 1)


async def test_what_is_taken_little_again_is_told_nobody_after_a_minute():
    tables, clock = FakeTables(), FakeClock()
    counts = Counts(Taken(tables), clock)
    await take(counts, 50)
    clock.pass_(minutes=1)
    await take(counts, 1)
    clock.pass_(minutes=1)
    before = told(tables)

    for _ in range(int(100 * ALONE)):
        clock.pass_(seconds=2)
        await take(counts, 1)

    assert told(tables) == before


async def test_after_a_minute_without_any_it_begins_anew():
    tables, clock = FakeTables(), FakeClock()
    counts = Counts(Taken(tables), clock)
    await take(counts, 50)
    before = told(tables)
    clock.pass_(minutes=5)

    await take(counts, 1)

    assert told(tables) == before


async def test_what_others_took_is_taken_out_here_once():
    tables, clock = FakeTables(), FakeClock()
    one, other = Counts(Taken(tables), clock), Counts(Taken(tables), clock)
    await take(one, 30)
    await take(other, 20)

    assert (one.bucket(QUOTA).left, other.bucket(QUOTA).left) == (70, 50)
    clock.pass_(seconds=1.2)
    await take(one, 1)

    # 30 and 1 of its own, 20 of the other's; 2 have come back.
    assert round(one.bucket(QUOTA).left) == 100 - 30 - 1 - 20 + 2


def test_no_more_than_may_be_taken_at_once_is_ever_there():
    clock = FakeClock()
    counts = Counts(Taken(FakeTables()), clock)
    quota = Quota("demo", "narrow", 100, at_once=5)

    clock.pass_(minutes=10)

    assert counts.bucket(quota).left == 5
