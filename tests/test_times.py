"""Times: RFC 3339 with an offset comes in, UTC with milliseconds goes out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact, times

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Within a day of the edges an offset leads out of the years that there are.
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS)  # noqa: DTZ001


@given(MOMENTS)
def test_a_time_with_an_offset_is_that_moment(at):
    assert times.parse(at.isoformat()) == at


@given(MOMENTS)
def test_what_is_written_is_read_back_to_the_millisecond(at):
    read = times.parse(times.text(at))

    assert timedelta(0) <= at - read < timedelta(milliseconds=1)
    assert times.text(read) == times.text(at)


@given(MOMENTS, MOMENTS)
def test_written_times_sort_as_the_moments_do(one, other):
    if one <= other:
        assert times.text(one) <= times.text(other)


@given(st.text(max_size=40))
def test_any_text_is_a_time_with_an_offset_or_refused(text):
    try:
        at = times.parse(text)
    except ValueError:
        return
    assert at.utcoffset() is not None


@given(
    st.from_regex(
        r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,12})?([Zz]|[+-]\d{2}:\d{2})?", fullmatch=True
    )
)
def test_anything_of_the_form_is_a_time_that_can_be_written_or_refused(text):
    try:
        at = times.parse(text)
    except ValueError:
        return
    assert times.text(at).endswith("Z")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-22T10:15:00+01:00", "2026-11-22T09:15:00.000Z"),
        ("2026-11-22t09:15:00z", "2026-11-22T09:15:00.000Z"),
        ("2026-11-22T09:15:00.5Z", "2026-11-22T09:15:00.500Z"),
        ("2026-11-22T09:15:00.123456789Z", "2026-11-22T09:15:00.123Z"),
        ("2026-11-22T09:15:00-00:00", "2026-11-22T09:15:00.000Z"),
        ("2024-02-29T23:59:59-05:30", "2024-03-01T05:29:59.000Z"),
    ],
)
def test_the_forms_of_rfc_3339_are_read(text, written):
    assert times.text(times.parse(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:15:00",
        "2026-11-22",
        "2026-11-22 10:15:00Z",
        "2026-11-22T10:15Z",
        "2026-11-22T10:15:00+0100",
        "2026-11-22T10:15:00+01",
        "20261122T101500Z",
        "2026-W47-7T10:15:00Z",
        "2026-02-30T10:15:00Z",
        "2026-11-22T24:15:00Z",
        "2026-11-22T10:15:60Z",
        "2026-11-22T10:15:00.1234567890Z",
        "2026-11-22T10:15:00+24:00",
        "2026-11-22T10:15:00Z\n",
        "٢٠٢٦-11-22T10:15:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "1763806500",
        "",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        times.parse(text)


def test_text_is_utc_whatever_the_offset_was():
    assert times.text(datetime(2026, 11, 22, 10, 15, tzinfo=timezone(timedelta(hours=1)))) == times.text(
        datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("value", "per_second", "written"),
    [
        (1763806500, 1, "2025-11-22T10:15:00.000Z"),
        (exact.loads("1763806500.25"), 1, "2025-11-22T10:15:00.250Z"),
        (exact.loads("1763806500123"), 1000, "2025-11-22T10:15:00.123Z"),
        (0, 1, "1970-01-01T00:00:00.000Z"),
        (-1, 1, "1969-12-31T23:59:59.000Z"),
        (10**18, 1, None),
        (exact.loads("1e308"), 1, None),
        (-(10**15), 1, None),
        (True, 1, None),
        ("1763806500", 1, None),
        (None, 1, None),
    ],
)
def test_a_count_since_1970_is_that_moment_or_none(value, per_second, written):
    assert times.of_unix(value, per_second) == written
