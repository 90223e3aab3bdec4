"""The seal: what it keeps secret, and how it fails."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.azure.vault import MasterKeySeal, new_master_key
from shared.errors import Unavailable

# Always the same: the names of parametrized tests are made of them, and xdist compares those between its workers.
OLD, NEW = (
    f"{id}:{base64.b64encode(bytes([n]) * 32).decode()}" for n, id in enumerate(("0123abcd", "4567ef89"))
)
HALF = base64.b64encode(bytes(16)).decode()


@given(context=st.text(), secret=st.text())
def test_what_is_sealed_unseals_in_its_context(context: str, secret: str) -> None:
    seal = MasterKeySeal(NEW)

    assert seal.unseal(context, seal.seal(context, secret)) == secret


def test_sealed_text_names_its_key_and_never_repeats() -> None:
    seal = MasterKeySeal(NEW)
    first, second = seal.seal("c", "the secret"), seal.seal("c", "the secret")

    assert first.startswith(f"v1.{NEW.split(':')[0]}.")
    assert first != second
    assert "secret" not in first


def test_a_new_master_key_can_be_used_and_is_another_each_time() -> None:
    first, second = new_master_key(), new_master_key()
    sealed = MasterKeySeal(first).seal("c", "the secret")

    assert MasterKeySeal(f"{second},{first}").unseal("c", sealed) == "the secret"
    assert first != second


def test_another_context_does_not_unseal() -> None:
    seal = MasterKeySeal(NEW)

    with pytest.raises(Unavailable):
        seal.unseal("source/b/1", seal.seal("source/a/1", "the secret"))


def test_the_first_key_seals_and_all_unseal() -> None:
    old = MasterKeySeal(OLD).seal("c", "from before")
    rotated = MasterKeySeal(f" {NEW} , {OLD},")

    assert rotated.unseal("c", old) == "from before"
    assert MasterKeySeal(NEW).unseal("c", rotated.seal("c", "from now")) == "from now"


def test_a_secret_whose_master_key_is_gone_is_unavailable() -> None:
    sealed = MasterKeySeal(OLD).seal("c", "the secret")

    with pytest.raises(Unavailable, match="Put the master key"):
        MasterKeySeal(NEW).unseal("c", sealed)


def test_another_key_under_the_same_id_does_not_unseal() -> None:
    impostor = f"{OLD.split(':')[0]}:{NEW.split(':')[1]}"
    sealed = MasterKeySeal(OLD).seal("c", "the secret")

    with pytest.raises(Unavailable):
        MasterKeySeal(impostor).unseal("c", sealed)


@given(place=st.integers(min_value=0), other=st.characters(codec="ascii"))
def test_any_changed_character_is_noticed(place: int, other: str) -> None:
    seal = MasterKeySeal(NEW)
    sealed = seal.seal("c", "the secret!")  # 39 bytes: no spare bits in the base64
    place %= len(sealed)
    changed = sealed[:place] + other + sealed[place + 1 :]

    if changed != sealed:
        with pytest.raises(Unavailable):
            seal.unseal("c", changed)


@pytest.mark.parametrize("sealed", ["", "v1", "v1..", "plain text", f"v1.{NEW.split(':')[0]}.A", "v2.a.b"])
def test_what_was_never_sealed_is_unavailable(sealed: str) -> None:
    with pytest.raises(Unavailable):
        MasterKeySeal(NEW).unseal("c", sealed)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("", "no master key"),
        (" , ", "no master key"),
        ("without-colon", "master key 1 is not"),
        (f"{NEW},a.b:{HALF}", "master key 2 is not"),
        (f"a:{HALF[:-1]}", "master key 1 is not base64"),
        (f"a:{HALF}", "16 bytes"),
        (f"{NEW},{NEW}", "same id"),
    ],
)
def test_an_unusable_setting_says_what_is_wrong_without_a_key_in_it(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        MasterKeySeal(setting)

    assert HALF not in str(caught.value)
    assert NEW.split(":")[1] not in str(caught.value)


def test_both_base64_alphabets_are_read() -> None:
    key = b"\xfb\xff" * 16
    standard = MasterKeySeal(f"a:{base64.b64encode(key).decode()}")
    urlsafe = MasterKeySeal(f"a:{base64.urlsafe_b64encode(key).decode()}")

    assert urlsafe.unseal("c", standard.seal("c", "the secret")) == "the secret"
