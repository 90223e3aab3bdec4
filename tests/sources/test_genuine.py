"""Which proof of a request counts: the strongest that it brings along, and no other."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sources import Received, SharedSecret, Timestamp, Verifier
from shared.sources.genuine import check
from shared.sources.verifier import Reason, Rejected, Verified
from tests.sources.signing import request, sign

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
SECRET = "0123456789abcdef"
STRONG = Verifier(
    headers=("x-signature-v3",),
    template="{method}{url_decoded}{raw}{ts}",
    encoding="base64",
    timestamp=Timestamp(headers=("x-time",), unit="ms"),
)
V2 = Verifier(
    headers=("x-signature",), mac="secret-first", template="{method}{url}{raw}", when=("x-version", "v2")
)
V1 = Verifier(headers=("x-signature",), mac="secret-first")
CARRIED = SharedSecret()
PROOFS = (STRONG, V2, V1, CARRIED)


@pytest.mark.parametrize("proof", PROOFS)
def test_each_is_enough_where_it_is_the_only_one(proof):
    assert check(PROOFS, sign(proof, request("{}"), SECRET, NOW), [SECRET], NOW) == Verified(0)


@pytest.mark.parametrize("weaker", PROOFS[1:])
def test_a_stronger_one_that_does_not_hold_is_not_made_good_by_a_weaker(weaker):
    wrong = sign(STRONG, request("{}"), "another secret", NOW)

    assert check(PROOFS, sign(weaker, wrong, SECRET, NOW), [SECRET], NOW) == Rejected(Reason.MISMATCH)


def test_a_stronger_one_that_is_too_old_is_not_made_good_by_a_weaker():
    old = sign(STRONG, request("{}"), SECRET, datetime(2026, 11, 22, 9, tzinfo=UTC))

    assert check(PROOFS, sign(V1, old, SECRET, NOW), [SECRET], NOW) == Rejected(Reason.STALE)


def test_a_signature_of_one_version_does_not_count_as_one_of_another():
    signed = sign(V2, request("{}"), SECRET, NOW)
    renamed = replace(signed, headers={**signed.headers, "x-version": "v1"})

    assert check(PROOFS, renamed, [SECRET], NOW) == Rejected(Reason.MISMATCH)


def test_without_any_the_strongest_is_what_is_missing():
    assert check(PROOFS, request("{}"), [SECRET], NOW) == Rejected(Reason.MISSING)


@pytest.mark.parametrize(
    ("sent", "signed"),
    [
        ("https://a.example/x%3Ay%2Fz%3F%40%21%24", "https://a.example/x:y/z?@!$"),
        ("https://a.example/?q=%27%28%29%2A%2C%3B", "https://a.example/?q='()*,;"),
        ("https://a.example/%3a%2f", "https://a.example/:/"),
        ("https://a.example/%20%26%3D%2B%25%23%C3%A9", "https://a.example/%20%26%3D%2B%25%23%C3%A9"),
        ("https://a.example/%253A", "https://a.example/%253A"),
    ],
)
def test_a_url_is_decoded_as_hubspot_decodes_it_and_no_further(sent, signed):
    """https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests, the table of v3."""
    proof = Verifier(headers=("x-signature",), template="{url_decoded}{raw}")
    as_signed = sign(proof, Received("POST", signed, {}, b"{}"), SECRET, NOW)

    assert check([proof], replace(as_signed, url=sent), [SECRET], NOW) == Verified(0)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code=a", "a"),
        ("code=a&code=b", "a"),
        ("x=1&access_token=b", "b"),
        ("code=&access_token=b", "b"),
        ("code=a%2Bb%20c", "a+b c"),
        ("Code=a", None),
        ("", None),
        ("&".join(["code=a"] * 60), None),
    ],
)
def test_a_secret_is_found_in_the_query(query, found):
    received = replace(request("{}"), url=f"https://signalbox.example/v1/hooks/x?{query}")

    assert CARRIED.carried(received) == found


@given(text=st.text(max_size=60))
def test_whatever_a_request_carries_nothing_is_raised(text):
    received = Received("POST", f"/v1/hooks/x?code={text}", {"authorization": f"Bearer {text}"}, b"")

    assert isinstance(check(PROOFS, received, [SECRET], NOW), Rejected)
