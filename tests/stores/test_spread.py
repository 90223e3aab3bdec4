"""Times in classes: counts of parts add up, and what is estimated of them lies in the right class."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.stores.spread import BOUNDS, MORE, by_bound, class_of, estimate

SECONDS = st.lists(st.floats(0, 200_000), min_size=1, max_size=50)


def counted(times):
    return Counter(class_of(one) for one in times)


@pytest.mark.parametrize(
    ("seconds", "name"), [(-1, "0.1"), (0.1, "0.1"), (0.11, "0.25"), (86_400, "86400"), (86_401, MORE)]
)
def test_a_time_is_in_the_first_class_that_holds_it(seconds, name):
    assert class_of(seconds) == name


@given(SECONDS, SECONDS)
def test_classes_of_parts_add_up_to_those_of_the_whole(some, others):
    assert counted(some) + counted(others) == counted([*some, *others])
    assert sum(by_bound(counted(some)).values()) == len(some)


@given(SECONDS, st.sampled_from([0.5, 0.95]))
@example([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 0.5)
def test_an_estimate_lies_in_the_class_of_what_it_estimates(times, share):
    exact = sorted(times)[max(round(len(times) * share + 0.499999) - 1, 0)]
    guess = estimate(counted(times), share)

    assert guess is not None
    # At its lower end, or within it: never further off than the class is wide.
    assert class_of(guess) in {class_of(exact), *([MORE, "86400"] if exact > BOUNDS[-1] else [])}


def test_of_nothing_nothing_is_estimated():
    assert estimate({}, 0.5) is None
    assert estimate({MORE: 3}, 0.5) == BOUNDS[-1]


def test_half_of_what_lies_evenly_in_a_class_is_its_middle():
    assert estimate({"10": 4}, 0.5) == 7.5
