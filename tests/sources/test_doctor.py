"""The doctor finds what is wrong with a signature, in a sentence that gives nothing away."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sources import Received, SharedSecret
from shared.sources.doctor import MAX_BODY, Case, diagnose
from shared.sources.genuine import check
from shared.sources.verifier import Rejected
from tests.sources.cases import kind_of
from tests.sources.signing import new_secret, request, sign

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
BODY = '{"name": "Zoë",  "total": 42.50,\n "id": 7}'
STRIPE, HUBSPOT, GITHUB, SHOPIFY, SVIX = (
    kind_of(kind).proofs[0] for kind in ("stripe", "hubspot", "github", "shopify", "standard_webhooks")
)
CARRIED = SharedSecret()
DOC = json.loads(BODY)
ANEW = "for the same body in another form: written as JSON anew"


def told(proof, received, secrets, arrived="http://10.0.0.4/v1/hooks/x"):
    """The diagnosis of a request that is refused."""
    rejected = check([proof], received, secrets, NOW)
    assert isinstance(rejected, Rejected)
    said = diagnose(Case([proof], received, arrived, secrets, NOW), rejected)
    assert said.endswith((".", "?"))
    assert not [one for one in (*secrets, "Zoë") if one and one in said]
    return said


def signed_as(proof, secret, *, body=BODY, url=None, at=NOW):
    plain = request(body)
    return sign(proof, replace(plain, url=url or plain.url), secret, at)


@pytest.mark.parametrize("proof", [STRIPE, HUBSPOT, GITHUB, SHOPIFY, SVIX])
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (json.dumps(DOC, separators=(",", ":"), ensure_ascii=False), ANEW),
        (json.dumps(DOC, separators=(",", ":")), ANEW),
        (json.dumps(DOC), ANEW),
        (json.dumps(DOC, sort_keys=True), ANEW),
        (json.dumps(DOC, indent=2, ensure_ascii=False), ANEW),
        (BODY + "\n", "with a line break at its end"),
    ],
)
def test_a_body_that_was_written_anew_is_found(proof, body, found):
    secret = new_secret(proof, b"one")
    sent = replace(signed_as(proof, secret, body=body), body=BODY.encode())

    assert found in told(proof, sent, [secret])


def test_a_body_that_was_signed_before_it_was_packed_is_found():
    secret = new_secret(GITHUB, b"one")
    sent = replace(signed_as(GITHUB, secret), body=gzip.compress(BODY.encode()))

    assert "unpacked" in told(GITHUB, sent, [secret])


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.4/v1/hooks/x",
        "https://10.0.0.4/v1/hooks/x",
        "http://signalbox.example/v1/hooks/0123456789abcdef",
        "https://signalbox.example/v1/hooks/0123456789abcdef/",
    ],
)
def test_another_url_is_found(url):
    secret = new_secret(HUBSPOT, b"one")
    sent = replace(signed_as(HUBSPOT, secret, url=url), url=request("").url)

    assert f"for another URL: {url}." in told(HUBSPOT, sent, [secret])


def test_the_query_of_another_url_is_not_repeated():
    secret = new_secret(HUBSPOT, b"one")
    sent = replace(signed_as(HUBSPOT, secret, url="http://10.0.0.4/x?code=hush"), url=request("").url)

    assert "hush" not in told(HUBSPOT, sent, [secret], arrived="http://10.0.0.4/x?code=hush")


@pytest.mark.parametrize(
    ("seconds", "way"),
    [(301, "behind"), (3_600, "behind"), (86_400, "behind"), (-301, "ahead of"), (-7_200, "ahead of")],
)
@pytest.mark.parametrize("proof", [STRIPE, HUBSPOT, SVIX])
def test_a_clock_that_is_off_is_found_with_how_much(proof, seconds, way):
    secret = new_secret(proof, b"one")
    sent = signed_as(proof, secret, at=NOW - timedelta(seconds=seconds))

    assert f"about {abs(seconds)} seconds {way} our clock" in told(proof, sent, [secret])


@pytest.mark.parametrize(
    ("proof", "used", "entered", "found"),
    [
        (GITHUB, "a secret of mine", " a secret of mine ", "without the space around it"),
        (GITHUB, "a secret of mine\n", "a secret of mine", "with a line break at its end"),
        (STRIPE, "c2VjcmV0IG9mIG1pbmU=", "c2VjcmV0IG9mIG1pbmU=", "base64"),
        (GITHUB, "7365637265742121", "7365637265742121", "hex"),
    ],
)
def test_a_secret_that_is_read_in_another_way_is_found(proof, used, entered, found):
    signer = replace(proof, key_encoding=found) if found in ("base64", "hex") else proof

    assert found in told(proof, signed_as(signer, used), [entered])


def test_a_prefix_that_was_left_on_is_found():
    plain = replace(SVIX, key_prefixes=(), key_encoding="utf8")
    secret = new_secret(SVIX, b"one")

    assert "utf8, with what stands before it" in told(SVIX, signed_as(plain, secret), [secret])


def test_a_wrong_secret_is_called_so():
    said = told(STRIPE, signed_as(STRIPE, "whsec_another one"), ["whsec_the one"])

    assert said.startswith("No secret of the source made this signature.")


@pytest.mark.parametrize("proof", [STRIPE, HUBSPOT, SVIX, CARRIED])
def test_what_is_missing_is_named(proof):
    assert proof.headers[0] in told(proof, request(BODY), ["a secret of mine"])


def test_a_header_that_cannot_be_read_is_named():
    sent = request(BODY, {"x-hub-signature-256": "sha256=" + "A" * 44})

    assert "x-hub-signature-256 holds no sha256 in hex labelled sha256=" in told(GITHUB, sent, ["mine mine"])


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (" a secret+of mine", "without the space around it"),
        ('"a secret+of mine"', "without the quotes around it"),
        ("a+secret+of mine", "none of the source's"),
    ],
)
def test_a_carried_secret_that_is_nearly_right_is_found(sent, found):
    assert found in told(CARRIED, request(BODY, {"x-signalbox-secret": sent}), ["a secret+of mine"])


def test_a_carried_secret_whose_plus_was_not_encoded_is_found():
    received = replace(request(BODY), url="/v1/hooks/x?code=a+secret")

    assert "with its plus signs" in told(CARRIED, received, ["a+secret"])


def test_a_source_without_a_secret_is_called_so():
    assert "has no secret" in told(GITHUB, signed_as(GITHUB, "mine mine"), [])


def test_a_large_body_is_not_looked_at():
    secret = new_secret(GITHUB, b"one")
    large = json.dumps(["x" * MAX_BODY])
    sent = replace(signed_as(GITHUB, secret, body=large), body=large.encode() + b" ")

    assert told(GITHUB, sent, [secret]).startswith("No secret of the source")


@given(header=st.text(max_size=80), body=st.binary(max_size=200), url=st.text(max_size=40))
def test_whatever_comes_there_is_a_sentence(header, body, url):
    for proof in (STRIPE, HUBSPOT, GITHUB, SVIX, CARRIED):
        received = Received("POST", url, {proof.headers[0]: header, "webhook-id": "a"}, body)
        rejected = check([proof], received, ["a secret of mine"], NOW)
        assert isinstance(rejected, Rejected)
        assert diagnose(Case([proof], received, url, ["a secret of mine"], NOW), rejected)
