"""The Idempotency-Key header: quoted as the draft has it, or bare as most clients send it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import KeysDiffer, MalformedBody
from shared.stages.translate import MAX_KEY, envelope, idempotency_key
from tests.house import body, order

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
KEYS = st.text(PRINTABLE, min_size=1, max_size=MAX_KEY).filter(lambda text: text.strip() == text)


def quoted(text):
    """An sf-string of RFC 8941 section 3.3.3."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(KEYS)
def test_a_quoted_key_is_the_key(text):
    assert idempotency_key(quoted(text)) == text


@given(KEYS.filter(lambda text: not (len(text) > 1 and text[0] == text[-1] == '"')))
def test_a_bare_key_is_the_key(text):
    assert idempotency_key(text) == text
    assert idempotency_key(f"  {text}\t") == text


@given(st.text(st.characters(), max_size=300))
def test_any_header_is_a_key_that_fits_or_refused(text):
    try:
        key = idempotency_key(text)
    except MalformedBody:
        return
    assert key is not None
    assert 1 <= len(key) <= MAX_KEY
    assert set(key) <= set(PRINTABLE)


def test_no_header_is_no_key():
    assert idempotency_key(None) is None


@pytest.mark.parametrize("text", ["", " ", '""', '" "', "å", "a\nb", "x" * (MAX_KEY + 1), '" a"', "a\x7f"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(MalformedBody, match="1 to 255 printable"):
        idempotency_key(text)


def test_the_longest_key_passes():
    assert idempotency_key("x" * MAX_KEY) == "x" * MAX_KEY


@pytest.mark.parametrize(
    ("header", "own", "key"), [("k", None, "k"), (None, "k", "k"), ("k", "k", "k"), (None, None, None)]
)
def test_the_key_is_the_header_or_the_body_s_id(header, own, key):
    assert envelope(body(order(id=own) if own else without_id()), header).key == key


def test_a_header_and_an_id_that_differ_are_refused():
    with pytest.raises(KeysDiffer):
        envelope(body(order(id="one")), "other")


def without_id():
    return {name: value for name, value in order().items() if name != "id"}
