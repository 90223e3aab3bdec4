"""Ids: a commit's events lie side by side, ids sort by time, and an id alone tells its place."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import ids
from shared.ids import MAX_BUCKETS, MAX_EVENTS_A_COMMIT, commit_of, keyed_hash, lowest, new_commit, time_of

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BUCKETS = st.integers(0, MAX_BUCKETS - 1)
RANDOM = st.binary(min_size=7, max_size=7)
NUMBERS = st.integers(0, MAX_EVENTS_A_COMMIT - 1)
COMMITS = st.builds(new_commit, TIMES, BUCKETS, RANDOM)
MILLISECOND = timedelta(milliseconds=1)


def to_the_millisecond(at):
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@given(COMMITS, NUMBERS)
def test_an_event_tells_its_commit(commit, number):
    assert commit_of(commit.event(number)) == commit


@given(COMMITS, NUMBERS)
def test_an_id_is_a_uuid_of_version_8(commit, number):
    value = UUID(commit.event(number))

    assert (value.version, value.variant) == (8, RFC_4122)


@given(TIMES, BUCKETS, RANDOM, NUMBERS)
def test_an_id_tells_when_it_was_made(now, bucket, random, number):
    assert time_of(new_commit(now, bucket, random).event(number)) == to_the_millisecond(now)


@given(st.lists(st.tuples(TIMES, BUCKETS, RANDOM, NUMBERS), min_size=2, max_size=10))
def test_ids_sort_by_time(made):
    stamped = [(to_the_millisecond(now), new_commit(now, b, r).event(n)) for now, b, r, n in made]

    assert [at for at, _ in sorted(stamped, key=lambda one: one[1])] == sorted(at for at, _ in stamped)


@given(COMMITS, COMMITS, NUMBERS)
def test_the_range_of_a_commit_holds_its_events_and_no_others(commit, other, number):
    assert commit.id <= commit.event(number) <= commit.last
    assert commit == other or not commit.id <= other.event(number) <= commit.last


@given(COMMITS, NUMBERS)
def test_the_lowest_id_of_a_time_is_below_all_of_that_millisecond_and_above_all_before(commit, number):
    at = time_of(commit.id)

    assert lowest(at) < commit.event(number) < lowest(at + MILLISECOND)


@given(COMMITS)
def test_the_events_of_a_commit_are_numbered_from_its_own_id(commit):
    assert commit.event(0) == commit.id
    assert len({commit.event(n) for n in range(MAX_EVENTS_A_COMMIT)}) == MAX_EVENTS_A_COMMIT


@given(TIMES, BUCKETS, RANDOM, RANDOM)
def test_commits_of_other_random_bits_are_other_commits(now, bucket, one, other):
    # The last of the 56 bits is not used.
    same = one[:-1] == other[:-1] and one[-1] >> 1 == other[-1] >> 1

    assert (new_commit(now, bucket, one) == new_commit(now, bucket, other)) is same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "order-1001",
        "019a0000-0000-7000-8000-000000000000",
        "{0190a000-0000-8000-8000-000000000000}",
        "0190A000-0000-8000-8000-000000000000",
        "0190a00000008000800000000000000f",
        "urn:uuid:0190a000-0000-8000-8000-000000000000",
        "0190a000-0000-8000-0000-000000000000",
    ],
)
def test_what_is_no_event_id_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        commit_of(text)


@pytest.mark.parametrize("number", [-1, MAX_EVENTS_A_COMMIT])
def test_a_commit_has_no_event_beyond_its_numbers(number):
    with pytest.raises(ValueError, match="numbers its events"):
        new_commit(datetime(2026, 1, 1, tzinfo=UTC), 0, bytes(7)).event(number)


@pytest.mark.parametrize("bucket", [-1, MAX_BUCKETS])
def test_a_bucket_that_does_not_fit_is_refused(bucket):
    with pytest.raises(ValueError, match="a bucket is"):
        new_commit(datetime(2026, 1, 1, tzinfo=UTC), bucket, bytes(7))


PARTS = st.lists(st.text(st.characters()), max_size=4)


@given(PARTS, PARTS)
def test_keyed_hashes_are_equal_only_for_equal_parts(one, other):
    assert (keyed_hash(b"key", *one) == keyed_hash(b"key", *other)) is (one == other)


@given(st.text(), st.text())
def test_parts_in_another_split_do_not_collide(left, right):
    hashes = {
        keyed_hash(b"key", left, right),
        keyed_hash(b"key", left + right),
        keyed_hash(b"key", left + right, ""),
    }

    assert len(hashes) == (2 if not right else 3)


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_another_key_is_another_hash(one, other):
    # HMAC fills keys up with zeros to the block, so keys that differ in those alone are one key.
    if one.rstrip(b"\0") != other.rstrip(b"\0") and max(len(one), len(other)) <= 64:
        assert keyed_hash(one, "a") != keyed_hash(other, "a")


def test_a_keyed_hash_is_the_hmac_of_the_framed_parts():
    import hashlib
    import hmac

    framed = b"\0\0\0\0\0\0\0\x01a" + b"\0\0\0\0\0\0\0\x02\xc3\xa5"

    assert keyed_hash(b"key", "a", "å") == hmac.digest(b"key", framed, hashlib.sha256).hex()
    assert ids.keyed_hash(b"key", "a", "å") != keyed_hash(b"other", "a", "å")
