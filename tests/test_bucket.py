from hypothesis import given
from hypothesis import strategies as st

from shared.bucket import WINDOW_SECONDS, Bucket

QUOTAS = st.integers(1, 1_000_000)
SECONDS = st.floats(0, 10_000)


def test_a_whole_quota_may_be_taken_at_once():
    bucket = Bucket(100, at=0)

    bucket.take(100)

    assert bucket.left == 0


def test_it_comes_back_evenly():
    bucket = Bucket(60, at=0)
    bucket.take(60)

    bucket.refill(WINDOW_SECONDS / 2)

    assert bucket.left == 30


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing():
    bucket = Bucket(60, at=100)
    bucket.take(60)

    bucket.refill(50)
    bucket.refill(100)

    assert bucket.left == 0


@given(QUOTAS, st.lists(st.tuples(SECONDS, st.integers(0, 5_000)), max_size=30))
def test_no_more_is_taken_than_the_quota_and_what_time_puts_back(quota, asked):
    bucket, now, taken = Bucket(quota, at=0), 0.0, 0
    for passed, amount in asked:
        now += passed
        bucket.refill(now)
        if bucket.left >= amount:
            bucket.take(amount)
            taken += amount

    assert taken <= quota + now * quota / WINDOW_SECONDS + 1e-3
    assert bucket.left <= quota


@given(QUOTAS, st.integers(0, 10**9))
def test_a_debt_is_bounded_and_what_it_says_to_wait_is_enough(quota, amount):
    bucket = Bucket(quota, at=0)
    bucket.take(amount)
    wait = bucket.seconds_until(1)

    bucket.refill(wait * 1.000001)

    assert bucket.left >= 1 - 1e-3
    assert wait <= WINDOW_SECONDS * (quota + 1) / quota
