"""The simulation of capacity obeys its laws, and docs/capacity.md says what it computes."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.capacity import (
    CREDITS,
    LIMITS,
    PARTITIONS,
    QUARTERS,
    ROOM,
    Plan,
    day,
    first_to_break,
    group_of,
    reach,
    shares,
    simulate,
    spread,
    use,
)
from bench.measured import Cpu, fitted, measured
from bench.pages import DOCS, MARKS, between
from shared.stages.record import MAX_EVENTS

VOLUMES = [10**power * times for power in range(5, 9) for times in (1, 2, 5)]


@pytest.mark.parametrize("mark", ["capacity", "variants"])
def test_the_page_has_the_table_that_is_computed_now(mark: str):
    """After a wanted change, or new measurements: python -m bench.pages --write"""
    name, make = MARKS[mark]
    [told] = between(mark).findall((DOCS / name).read_text())

    assert told == make(), "python -m bench.pages --write"


def test_a_million_a_day_fits_into_a_deployment_as_it_is_made():
    assert max(use(Plan(1e6), simulate(Plan(1e6))).values()) <= ROOM


def test_five_million_a_day_fit_at_the_busiest_seconds_and_ten_do_not():
    assert max(use(Plan(5e6), simulate(Plan(5e6))).values()) <= 1
    assert first_to_break(Plan(1e7), simulate(Plan(1e7))) is CREDITS
    assert use(Plan(1e7), simulate(Plan(1e7)))[CREDITS.name] > 1


def test_more_events_never_use_less():
    """Which partition is hottest is chance, so of those only tenfold volumes are compared."""
    used = [simulate(Plan(float(volume))) for volume in VOLUMES]

    for limit in LIMITS:
        compared = used[::3] if limit in PARTITIONS.values() else used
        for less, more in pairwise(one[limit.name] for one in compared):
            assert less <= more * 1.001, limit.name


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_draws_the_same_day_and_another_one_hardly_another(seed: int):
    plan = Plan(2e7)
    one, again, other = simulate(plan, seed), simulate(plan, seed), simulate(plan, seed + 100)

    assert one == again
    for name, used in one.items():
        assert other[name] == pytest.approx(used, rel=0.5 if "partition" in name else 0.001)


@given(st.integers(0, 100_000), st.integers(1, 300), st.integers(0, 99))
def test_what_is_spread_over_partitions_is_all_there(total: int, parts: int, seed: int):
    found = spread(total, parts, random.Random(seed))

    assert (sum(found), len(found)) == (total, parts)
    assert min(found) >= 0


@given(st.floats(1.01, 10))
def test_the_day_has_its_events_and_its_height(evening: float):
    heights = day(evening)

    assert len(heights) == QUARTERS
    assert sum(heights) / QUARTERS == pytest.approx(1)
    assert max(heights) == pytest.approx(evening, rel=1e-3)
    assert min(heights) > 0


@given(st.integers(1, 200), st.floats(0, 4))
def test_the_sections_have_all_events_and_the_first_has_most(sections: int, skew: float):
    found = shares(Plan(1, sections=sections, skew=skew))

    assert sum(found) == pytest.approx(1)
    assert found == sorted(found, reverse=True)


@given(st.floats(0.01, 1e6), st.integers(1, 1_000), st.integers(1, 64))
def test_a_group_has_an_event_and_no_more_than_a_transaction_takes(rate: float, batch: int, buckets: int):
    plan = Plan(1, batch=batch, buckets=buckets)

    assert 1 <= group_of(plan, rate, rate, measured()) <= MAX_EVENTS


def test_more_buckets_cool_the_hottest_partition_and_premium_is_what_credits_need():
    plan = Plan(5e7, sections=2, skew=6)
    events = PARTITIONS["events"]

    assert reach(replace(plan, buckets=16), events) > reach(plan, events)
    assert "Premium" in CREDITS.remedy


def test_the_costs_of_groups_are_read_from_the_measurements():
    known = measured()

    assert fitted([(1, 3.0), (2, 2.0), (4, 1.5)]) == Cpu(pytest.approx(1), pytest.approx(2))
    for cpu in (known.door, known.whole):
        assert cpu.of(1) > cpu.of(6) > cpu.of(40) > 0
    assert known.whole.of(10) > known.door.of(10)
