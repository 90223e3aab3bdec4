"""The text of a key."""

import hashlib
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.access import tokens

RANDOM = st.binary(min_size=tokens.RANDOM_BYTES, max_size=tokens.RANDOM_BYTES)
BASE62 = string.digits + string.ascii_letters


@given(RANDOM)
@example(bytes(tokens.RANDOM_BYTES))
@example(b"\xff" * tokens.RANDOM_BYTES)
def test_what_is_minted_parses_back(random: bytes) -> None:
    token = tokens.mint(random)

    assert tokens.parse(token.text) == token
    assert len(token.text) == len("sbx_") + 16 + 1 + 43 + 6


@given(RANDOM, RANDOM)
def test_every_random_bit_counts(random: bytes, other: bytes) -> None:
    same = tokens.mint(random).text == tokens.mint(other).text

    assert same == (random == other)


@given(RANDOM, st.integers(min_value=0), st.sampled_from(BASE62 + "_-. \nÅ٣"))
def test_one_changed_character_is_refused(random: bytes, place: int, other: str) -> None:
    text = tokens.mint(random).text
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]

    if changed != text:
        assert tokens.parse(changed) is None


@given(RANDOM, st.integers(min_value=0))
def test_two_swapped_neighbours_are_refused(random: bytes, place: int) -> None:
    text = tokens.mint(random).text
    place %= len(text) - 1
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    if swapped != text:
        assert tokens.parse(swapped) is None


@given(st.text())
def test_other_text_is_no_key(text: str) -> None:
    assert tokens.parse(text) is None


@pytest.mark.parametrize("around", [("", "\n"), (" ", ""), ("", "0"), ("Bearer ", "")])
def test_nothing_may_stand_around_a_key(around: tuple[str, str]) -> None:
    text = tokens.mint(bytes(tokens.RANDOM_BYTES)).text

    assert tokens.parse(around[0] + text + around[1]) is None


def test_a_second_secret_keeps_the_id() -> None:
    first = tokens.mint(bytes(tokens.RANDOM_BYTES))
    second = tokens.remint(first.id, b"\x01" * tokens.SECRET_BYTES)

    assert tokens.parse(second.text) == second
    assert second.id == first.id
    assert second.secret != first.secret


def test_only_the_secret_matches_its_hash() -> None:
    secret = tokens.mint(bytes(range(tokens.RANDOM_BYTES))).secret
    stored = tokens.hash_secret(secret)

    assert stored == hashlib.sha256(secret.encode()).hexdigest()
    assert tokens.matches(secret, stored)
    assert not tokens.matches(secret[:-1] + "!", stored)


def test_printing_a_key_shows_no_secret() -> None:
    token = tokens.mint(bytes(range(tokens.RANDOM_BYTES)))

    assert token.id in repr(token)
    assert token.secret not in repr(token)


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="42 random bytes"):
        tokens.mint(bytes(41))
    with pytest.raises(ValueError, match="32 random bytes"):
        tokens.remint("a" * 16, bytes(31))
