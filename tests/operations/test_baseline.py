"""What is usual is said by the weeks before: noise is none of it, what stops or floods is, and of what is new nothing is said."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.operations.baseline import (
    FACTOR,
    LEAST_MISSED,
    LEAST_USUAL,
    LONGEST_SILENCE,
    WEEKS,
    Silence,
    Usual,
    same_hours,
    silence,
    usual,
)

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
STOCKHOLM, PLAIN = ZoneInfo("Europe/Stockholm"), ZoneInfo("UTC")


def counted(now=0, weeks=(), hours=1):
    """The last `hours` have `now` each, and the same ones of the weeks before what `weeks` say; all else is not counted."""
    there = {}
    for back in range(hours):
        there[NINE - HOUR * back] = now
        there.update(zip(same_hours(NINE - HOUR * back, PLAIN), weeks, strict=False))
    return there.get


@pytest.mark.parametrize(
    ("weeks", "found"),
    [
        ([20, 20, 20, 20], True),
        ([900, 0, 20, 20], True),
        ([0, 0, 20, 20], False),
        ([19, 20, 20, 19], False),
        ([20, 20, 20], True),
        ([20, 20], False),
        ([None, None, 900, 900], False),
        ([], False),
    ],
)
def test_a_silence_is_one_if_three_of_four_weeks_agree_that_something_was_to_come(weeks, found):
    assert (silence(NINE, PLAIN, counted(0, weeks)) is not None) is found


def test_what_comes_rarely_is_missed_after_as_long_as_it_takes_to_expect_enough():
    quiet = counted(0, [5] * WEEKS, hours=LONGEST_SILENCE)

    assert silence(NINE, PLAIN, quiet) == Silence(NINE - HOUR * 3, LEAST_MISSED)
    assert silence(NINE, PLAIN, counted(0, [5] * WEEKS, hours=3)) is None
    assert silence(NINE, PLAIN, counted(1, [5] * WEEKS, hours=LONGEST_SILENCE)) is None


def test_one_event_ends_a_silence_however_many_were_to_come():
    assert silence(NINE, PLAIN, counted(1, [10_000] * WEEKS)) is None


@pytest.mark.parametrize(
    ("count", "weeks", "unusual"),
    [
        (LEAST_USUAL // FACTOR, [80, 80, 80, 80], True),
        (LEAST_USUAL // FACTOR + 1, [80, 80, 80, 80], False),
        (320, [80, 80, 80, 80], True),
        (319, [80, 80, 80, 80], False),
        (319, [80, 80, 80, 0], False),
        (3_000, [80, 80, 80, 1_000], False),
        (10_000, [79, 79, 79, 79], False),
        (10_000, [80, 80], False),
        (0, [80, 80, 80, 80], False),
    ],
)
def test_a_volume_is_unusual_by_a_factor_of_what_the_weeks_had(count, weeks, unusual):
    found = usual(NINE, PLAIN, counted(count, weeks))

    assert (found is not None and found.is_unusual(count)) is unusual


@given(st.integers(LEAST_USUAL, 10**6), st.integers(0, 10**6), st.integers(0, 10**7))
def test_what_is_unusual_stays_so_until_it_is_well_within_the_usual(least, more, count):
    normal = Usual(least, least + more)

    if normal.is_unusual(count):
        assert normal.is_unusual(count, factor=2)
    if least <= count <= least + more:
        assert not normal.is_unusual(count, factor=2)


def test_the_same_hour_is_that_of_the_clocks_where_the_section_is():
    # On 25 October 2026 the clocks of Stockholm went back an hour: nine o'clock was at seven UTC, and is at eight.
    monday = datetime(2026, 10, 26, 8, tzinfo=UTC)

    assert same_hours(monday, STOCKHOLM)[0] == datetime(2026, 10, 19, 7, tzinfo=UTC)
    assert same_hours(monday, PLAIN)[0] == datetime(2026, 10, 19, 8, tzinfo=UTC)


@given(
    st.integers(0, 24 * 365 * 15),
    st.sampled_from(["Australia/Lord_Howe", "Asia/Kolkata", "Europe/Stockholm"]),
)
def test_the_hours_of_other_weeks_are_whole_hours_within_one_of_a_week(hours, name):
    begin = datetime(2020, 1, 1, tzinfo=UTC) + HOUR * hours

    for n, same in enumerate(same_hours(begin, ZoneInfo(name)), 1):
        assert (same.minute, same.second, same.tzinfo) == (0, 0, UTC)
        assert abs(begin - timedelta(weeks=n) - same) <= HOUR
