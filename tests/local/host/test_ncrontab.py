"""Six-field schedules give the times that the NCRONTAB documentation promises."""

from datetime import UTC, datetime

import pytest

from local.host.ncrontab import parse

START = datetime(2026, 1, 5, 12, 34, 56, 789, tzinfo=UTC)  # a Monday


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * * *", "2026-01-05T12:34:57"),
        ("0 * * * * *", "2026-01-05T12:35:00"),
        ("0 */5 * * * *", "2026-01-05T12:35:00"),
        ("56 34 12 * * *", "2026-01-06T12:34:56"),
        ("0 0 * * * *", "2026-01-05T13:00:00"),
        ("0 30 9 * * *", "2026-01-06T09:30:00"),
        ("0 30 9 * * 1-5", "2026-01-06T09:30:00"),
        ("0 30 9 * * 0,6", "2026-01-10T09:30:00"),
        ("0 0 0 1 * *", "2026-02-01T00:00:00"),
        ("0 0 0 31 12 *", "2026-12-31T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 13 * 5", "2026-02-13T00:00:00"),
        ("10-20/5 * * * * *", "2026-01-05T12:35:10"),
        ("50/4 * * * * *", "2026-01-05T12:34:58"),
        ("1,58,30 * * * * *", "2026-01-05T12:34:58"),
    ],
)
def test_the_following_time(schedule, expected):
    assert parse(schedule).following(START) == at(expected)


def test_the_time_itself_is_not_the_following_one():
    assert parse("0 0 0 * * *").following(at("2026-01-06T00:00:00")) == at("2026-01-07T00:00:00")


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "* * * * * * *",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * * 7",
        "5-1 * * * * *",
        "*/0 * * * * *",
        "x * * * * *",
        "-1 * * * * *",
        "1,,2 * * * * *",
        "* * * * JAN *",
        "00:05:00",
    ],
)
def test_anything_else_is_refused(schedule):
    with pytest.raises(ValueError, match=r"six fields|is outside|is not a number"):
        parse(schedule)


def test_a_day_that_never_comes_is_refused():
    with pytest.raises(ValueError, match="never"):
        parse("0 0 0 31 2 *").following(START)
