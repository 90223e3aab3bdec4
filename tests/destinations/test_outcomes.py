"""Every HTTP status and every failure has one outcome; waits are bounded and never shorter than asked."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.destinations.outcomes import (
    MAX_RETRY_AFTER,
    TABLE,
    Cause,
    Meaning,
    Outcome,
    Ruling,
    judge,
    next_attempt,
)
from shared.destinations.settings import SCHEDULE
from shared.ports import Answer, Failure, NoAnswer

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)

Row = tuple[str, str | None]
EXPECTED: dict[int, Row] = {
    **dict.fromkeys(range(100, 200), ("dead", "no_http")),
    **dict.fromkeys(range(200, 300), ("delivered", None)),
    **dict.fromkeys(range(300, 400), ("dead", "redirected")),
    **dict.fromkeys(range(400, 500), ("dead", "rejected")),
    **dict.fromkeys(range(500, 600), ("retry", "server_error")),
    408: ("retry", "throttled"),
    410: ("dead", "gone"),
    425: ("retry", "throttled"),
    429: ("retry", "throttled"),
}
FAILURES: dict[Failure, Row] = {
    "refused_address": ("dead", "refused_address"),
    "bad_url": ("dead", "bad_url"),
    "unresolved": ("retry", "unresolved"),
    "connect": ("retry", "unreachable"),
    "tls": ("retry", "tls"),
}


def judged(answer: Answer | NoAnswer, *, deduplicates: bool = True, final=None) -> Outcome:
    return judge(answer, resends=deduplicates, final=final or {}, now=NOW)


def asked(text: str, status: int = 429) -> timedelta | None:
    return judged(Answer(status, {"retry-after": text}, b"")).retry_after


@pytest.mark.parametrize("deduplicates", [True, False])
@pytest.mark.parametrize("status", range(100, 600))
def test_a_status_has_its_outcome(status, deduplicates):
    outcome = judged(Answer(status, {}, b""), deduplicates=deduplicates)
    expected = EXPECTED[status]
    if status == 504:
        expected = ("retry" if deduplicates else "held", "gateway_timeout")

    assert (outcome.state, outcome.cause) == expected


@pytest.mark.parametrize("status", [0, 99, 600, 999])
def test_a_status_that_http_does_not_have_is_dead(status):
    assert judged(Answer(status, {}, b"")) == Outcome("dead", Cause.NO_HTTP)


@pytest.mark.parametrize("deduplicates", [True, False])
@pytest.mark.parametrize("failure", get_args(Failure))
def test_a_failure_has_its_outcome(failure, deduplicates):
    outcome = judged(NoAnswer(failure), deduplicates=deduplicates)
    unknown = ("retry" if deduplicates else "held", failure)

    assert (outcome.state, outcome.cause) == FAILURES.get(failure, unknown)


def test_the_table_has_a_row_for_every_failure_and_no_row_too_many():
    classes = {f"{digit}xx" for digit in range(1, 6)}

    assert set(TABLE) == set(get_args(Failure)) | classes | {"408", "410", "425", "429", "504", "other"}


def test_a_destination_may_say_what_a_status_means_to_it():
    final = {404: Ruling(Meaning.RETRY, Cause.THROTTLED), 503: Ruling(Meaning.UNKNOWN, Cause.TIMEOUT)}

    assert judged(Answer(404, {}, b""), final=final).state == "retry"
    assert judged(Answer(503, {}, b""), final=final, deduplicates=False).state == "held"
    assert judged(Answer(400, {}, b""), final=final).state == "dead"


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_a_slug_with_a_sentence(cause):
    assert cause.value.replace("_", "").isalpha()
    assert cause.sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", timedelta(0)),
        (" 120 ", timedelta(minutes=2)),
        ("86400", timedelta(hours=24)),
        ("9999999999", MAX_RETRY_AFTER),
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(days=3), usegmt=True), timedelta(0)),
        (format_datetime(NOW + timedelta(days=3), usegmt=True), MAX_RETRY_AFTER),
        ("Sunday, 22-Nov-26 09:16:00 GMT", timedelta(minutes=1)),
        ("Sun Nov 22 09:16:00 2026", timedelta(minutes=1)),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("١٢", None),
        ("Sun, 99 Nov 2026 09:16:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_of_at_most_24_hours(text, wait):
    assert asked(text) == wait


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_retry_after_counts_for_every_answer_that_is_tried_again(status):
    assert asked("7", status) == timedelta(seconds=7)


@pytest.mark.parametrize("status", [200, 301, 400, 410])
def test_retry_after_does_not_count_where_nothing_is_tried_again(status):
    assert asked("7", status) is None


@given(
    st.text()
    | st.builds("{} {} {} {}".format, st.integers(), st.sampled_from(["Nov", "x"]), st.integers(), st.text())
)
def test_no_retry_after_text_breaks_the_judge(text):
    wait = asked(text)

    assert wait is None or timedelta(0) <= wait <= MAX_RETRY_AFTER


JITTER = st.floats(0, 1)
WAITS = [timedelta(seconds=wait) for wait in SCHEDULE]
WAIT = st.none() | st.timedeltas(timedelta(0), timedelta(days=30))


def after(attempt: int, jitter: float = 0.5, wait: timedelta | None = None) -> datetime:
    at = next_attempt(attempt, WAITS, NOW, wait, jitter)
    assert at is not None
    return at


def test_the_schedule_is_kept_without_jitter():
    waits = [after(attempt) - NOW for attempt in range(1, 10)]

    assert waits == WAITS
    assert sum(WAITS, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)


@given(st.integers(10, 1000), JITTER, WAIT)
def test_the_tenth_attempt_is_the_last(attempt, jitter, wait):
    assert next_attempt(attempt, WAITS, NOW, wait, jitter) is None


@given(st.integers(1, 8), JITTER, WAIT)
def test_the_next_wait_is_never_shorter_than_this_one(attempt, jitter, wait):
    assert after(attempt, jitter, wait) <= after(attempt + 1, jitter, wait)


@given(st.integers(1, 9), JITTER, JITTER, WAIT)
def test_more_jitter_is_never_sooner(attempt, one, other, wait):
    low, high = sorted((one, other))

    assert after(attempt, low, wait) <= after(attempt, high, wait)


@given(st.integers(1, 9), JITTER, WAIT)
def test_a_wait_stays_within_20_percent_of_the_schedule_or_of_what_was_asked(attempt, jitter, wait):
    asked_for = min(wait or timedelta(0), MAX_RETRY_AFTER)
    at = after(attempt, jitter, wait)

    assert NOW + max(WAITS[attempt - 1] * 0.8, asked_for) <= at
    assert at <= NOW + max(WAITS[attempt - 1], asked_for) * 1.2
