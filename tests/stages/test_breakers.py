"""Breakers: who mostly fails is left alone and asked now and then; who is slow lags; who fails each first time does neither."""

from datetime import timedelta
from itertools import cycle, islice

import pytest

from shared.destinations.outcomes import Cause, Outcome
from shared.stages.breakers import (
    FAILING,
    FIRST_SECONDS,
    LAGS_SECONDS,
    LONGEST_SECONDS,
    LOOKS_AT,
    OPENS_AT,
    PROBE_SECONDS,
    SLOW_SECONDS,
    Breakers,
)
from tests.fakes import FakeClock

CRM = ("demo", "crm")
GOOD = Outcome("delivered")
DOWN = Outcome("retry", Cause.SERVER_ERROR)
REFUSED = Outcome("dead", Cause.REJECTED)


def told(*outcomes):
    """Breakers that have heard these outcomes of one destination, and their clock."""
    clock = FakeClock()
    breakers = Breakers(clock)
    for outcome in outcomes:
        breakers.heard(CRM, outcome)
    return breakers, clock


def opened():
    return told(*[DOWN] * OPENS_AT)


def test_a_destination_that_mostly_fails_is_left_alone():
    breakers, _ = told(*[GOOD] * 3, *[DOWN] * OPENS_AT)

    assert breakers.wait(CRM) == FIRST_SECONDS
    assert breakers.wait(("demo", "other")) == 0
    assert breakers.wait(("other", "crm")) == 0


def test_one_that_fails_each_first_time_is_not():
    breakers, _ = told(*islice(cycle([DOWN, GOOD]), 10 * LOOKS_AT))

    assert breakers.wait(CRM) == 0


@pytest.mark.parametrize("cause", Cause)
def test_only_what_says_something_of_the_destination_counts(cause):
    breakers, _ = told(*[Outcome("dead", cause)] * LOOKS_AT)

    assert bool(breakers.wait(CRM)) == (cause in FAILING)


def test_it_is_asked_by_one_attempt_at_a_time():
    breakers, clock = opened()
    clock.pass_(seconds=FIRST_SECONDS)

    assert breakers.wait(CRM) == 0
    assert breakers.wait(CRM) == PROBE_SECONDS


def test_a_probe_that_never_comes_back_is_followed_by_another():
    breakers, clock = opened()
    clock.pass_(seconds=FIRST_SECONDS)
    breakers.wait(CRM)
    clock.pass_(seconds=PROBE_SECONDS)

    assert breakers.wait(CRM) == 0


def test_each_probe_that_fails_doubles_the_wait_up_to_a_most():
    breakers, clock = opened()
    waits = []
    for _ in range(10):
        waits.append(breakers.wait(CRM))
        clock.pass_(seconds=waits[-1])
        breakers.wait(CRM)
        breakers.heard(CRM, DOWN)

    assert waits[:3] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waits[-1] == LONGEST_SECONDS


def test_what_was_under_way_when_it_opened_doubles_nothing():
    breakers, _ = opened()
    breakers.heard(CRM, DOWN)

    assert breakers.wait(CRM) == FIRST_SECONDS


def test_a_success_closes_it_and_what_was_is_forgotten():
    breakers, clock = opened()
    clock.pass_(seconds=FIRST_SECONDS)
    breakers.wait(CRM)
    breakers.heard(CRM, GOOD)
    breakers.heard(CRM, DOWN)

    assert breakers.wait(CRM) == 0


def test_a_refusal_is_an_answer_too():
    breakers, clock = opened()
    clock.pass_(seconds=FIRST_SECONDS)
    breakers.wait(CRM)
    breakers.heard(CRM, REFUSED)

    assert breakers.wait(CRM) == 0


@pytest.mark.parametrize(("asked", "wait"), [(60, 60), (7_200, LONGEST_SECONDS), (1, FIRST_SECONDS)])
def test_it_may_say_how_long_it_wants_to_be_left_alone(asked, wait):
    throttled = Outcome("retry", Cause.THROTTLED, timedelta(seconds=asked))
    breakers, _ = told(*[throttled] * OPENS_AT)

    assert breakers.wait(CRM) == wait


def test_who_is_left_alone_lags_and_for_a_while_after_that():
    breakers, clock = opened()
    assert breakers.lags(CRM)

    clock.pass_(seconds=FIRST_SECONDS + LAGS_SECONDS)
    assert not breakers.lags(CRM)


def test_an_attempt_that_takes_long_makes_its_destination_lag_while_it_is_still_under_way():
    breakers, clock = told()
    with breakers.attempt(CRM):
        assert not breakers.lags(CRM)
        clock.pass_(seconds=SLOW_SECONDS)
        assert breakers.lags(CRM)
        assert not breakers.lags(("demo", "other"))

    assert breakers.lags(CRM)
    clock.pass_(seconds=LAGS_SECONDS)
    assert not breakers.lags(CRM)


def test_a_quick_attempt_leaves_nothing_even_if_it_breaks():
    breakers, clock = told()
    with pytest.raises(ValueError, match="broke"), breakers.attempt(CRM):
        raise ValueError("broke")
    clock.pass_(hours=1)

    assert not breakers.lags(CRM)
