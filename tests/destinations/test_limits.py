"""What a destination does not take is told in words, before anything is sent, and without a value."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.destinations.limits import MOST_TOLD, Limits, body_exceeded, exceeded

STRICT = Limits(
    properties=2,
    nested=False,
    nulls=False,
    names=re.compile("[a-z]{1,5}"),
    names_are="1 to 5 small letters",
    text=3,
    body=10,
)


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"a": 1, "b": 2, "c": 3}, "3 properties, where 2 are the most"),
        ({"a": {}}, "a is an object or a list"),
        ({"a": []}, "a is an object or a list"),
        ({"a": None}, "a is null"),
        ({"a": "four"}, "a has 4 characters, where 3 are the most"),
        ({"too long": 1}, "too long is no name for it (1 to 5 small letters)"),
        ({"a": None, "b": "four"}, "a is null; b has 4 characters, where 3 are the most"),
    ],
)
def test_what_does_not_fit_is_told_in_words(properties, told):
    assert exceeded(STRICT, properties) == f"The destination does not take this: {told}."


def test_what_fits_is_taken():
    assert exceeded(STRICT, {"a": 1, "b": "abc"}) is None
    assert body_exceeded(STRICT, b"x" * 10) is None


def test_a_body_that_is_too_large_is_told_in_bytes():
    told = body_exceeded(Limits(body=2_000), b"x" * 2_001)

    assert told == "The request has 2,001 bytes, and the destination takes 2,000."


def test_of_many_faults_some_are_named_and_the_others_counted():
    told = exceeded(Limits(nulls=False), {f"p{n}": None for n in range(MOST_TOLD + 3)})

    assert told is not None
    assert told.count("is null") == MOST_TOLD
    assert told.endswith("; 3 more.")


ANY = st.dictionaries(st.text(max_size=9), st.none() | st.text() | st.lists(st.integers()) | st.booleans())


@given(ANY)
def test_no_limit_refuses_nothing(properties):
    assert exceeded(Limits(), properties) is None


@given(st.text(alphabet="§", min_size=4, max_size=9))
def test_a_value_is_never_told(value):
    assert value not in str(exceeded(STRICT, {"a": value}))
