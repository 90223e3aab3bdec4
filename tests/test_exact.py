"""Exact JSON: what goes in comes out as the same text, and what other readers would mangle is refused."""

import copy
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact
from shared.errors import MalformedBody
from shared.exact import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, Number

DIGITS = st.text("0123456789", min_size=1, max_size=20)


@st.composite
def number_texts(draw):
    """Numbers as RFC 8259 section 6 spells them, in any of the ways that mean the same."""
    whole = draw(st.one_of(st.just("0"), DIGITS.map(lambda text: text.lstrip("0") or "0")))
    fraction = draw(st.one_of(st.just(""), DIGITS.map(lambda text: f".{text}")))
    exponent = draw(
        st.one_of(st.just(""), st.tuples(st.sampled_from(["e", "E", "e+", "E-"]), st.integers(0, 99)))
    )
    return draw(st.sampled_from(["", "-"])) + whole + fraction + "".join(map(str, exponent))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), TEXTS, number_texts().map(Number)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=20,
)


def same(one, other):
    """Equal in structure and type, numbers by their text."""
    if isinstance(one, Number):
        return isinstance(other, Number) and one.text == other.text
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and all(same(one[name], other[name]) for name in one)
        )
    if isinstance(one, list):
        return (
            isinstance(other, list)
            and len(one) == len(other)
            and all(same(a, b) for a, b in zip(one, other, strict=True))
        )
    return type(one) is type(other) and one == other


@given(VALUES)
def test_what_is_written_is_read_back_the_same(value):
    assert same(exact.loads(exact.dumps(value)), value)
    assert same(exact.loads(exact.dumps(value).encode()), value)


@given(number_texts())
def test_a_number_keeps_its_text(text):
    assert exact.dumps(exact.loads(f"[{text}]")) == f"[{text}]"
    assert exact.loads(text) == Decimal(text)


@given(VALUES)
def test_what_is_written_is_json_to_everybody_else(value):
    assert json.loads(exact.dumps(value), parse_float=Decimal, parse_int=Decimal) == value


@given(VALUES)
def test_sorted_members_are_the_same_text_whatever_their_order(value):
    def turned(one):
        if isinstance(one, dict):
            return {name: turned(one[name]) for name in reversed(one)}
        return [turned(item) for item in one] if isinstance(one, list) else one

    assert exact.dumps(turned(value), sort_keys=True) == exact.dumps(value, sort_keys=True)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    try:
        value = exact.loads(body)
    except MalformedBody:
        return
    assert same(exact.loads(exact.dumps(value)), value)


@given(st.text('0123456789.eE+-{}[]":,truefalsn \\u\ud83d', max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        value = exact.loads(text)
    except MalformedBody:
        return
    assert same(exact.loads(exact.dumps(value)), value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("NaN", "not a JSON number"),
        ("[Infinity]", "not a JSON number"),
        ("[-Infinity]", "not a JSON number"),
        ('{"a": 1, "a": 1}', "twice"),
        ('{"a": {"b": 1, "b": 2}}', "twice"),
        (r'["\ud83d"]', "surrogate"),
        (r'{"\udc00": 1}', "surrogate"),
        (r'["\ude00\ud83d"]', "surrogate"),
        (f"1e{MAX_EXPONENT + 1}", "beyond"),
        (f"-1e-{MAX_EXPONENT + 1}", "beyond"),
        (f"100e{MAX_EXPONENT - 1}", "beyond"),
        ("1e99999999999999999999", "beyond"),
        ("1" * (MAX_DIGITS + 1), "more than"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested deeper"),
        ("[" * 100_000, "nested deeper"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1,]", "not JSON"),
        ("01", "not JSON"),
        ("1.", "not JSON"),
        ("+1", "not JSON"),
        ('"\n"', "not JSON"),
        ("{} {}", "not JSON"),
        ("'a'", "not JSON"),
    ],
)
def test_what_would_be_mangled_is_refused_and_said(text, says):
    with pytest.raises(MalformedBody, match=says):
        exact.loads(text)


def test_what_is_not_utf8_is_refused_at_its_byte():
    with pytest.raises(MalformedBody, match="byte 2"):
        exact.loads(b'{"\xff": 1}')


def test_a_byte_order_mark_is_ignored():
    assert exact.loads(b'\xef\xbb\xbf{"a":null}') == {"a": None}


@pytest.mark.parametrize(
    "text", [f"1e{MAX_EXPONENT}", f"-1e-{MAX_EXPONENT}", "0e999999", "9" * MAX_DIGITS, "-0"]
)
def test_the_largest_and_smallest_numbers_pass(text):
    assert exact.dumps(exact.loads(text)) == text


def test_the_deepest_body_passes():
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH

    assert exact.dumps(exact.loads(text)) == text


@given(number_texts())
def test_a_number_survives_copies(text):
    number = Number(text)
    copies = [copy.copy(number), copy.deepcopy([number])[0], number.__reduce__()[0](*number.__reduce__()[1])]

    assert [one.text for one in copies] == [text] * 3


@pytest.mark.parametrize(
    ("text", "whole"),
    [("1", True), ("-12", True), ("0", True), ("1.0", False), ("1e2", False), ("-1.5", False)],
)
def test_an_integer_is_one_by_its_text(text, whole):
    assert Number(text).is_integer_text is whole


def test_a_refusal_does_not_repeat_the_content():
    with pytest.raises(MalformedBody) as refusal:
        exact.loads('{"email": "ada@example.com", }')

    assert "ada" not in refusal.value.detail
    assert "line 1, column" in refusal.value.detail
