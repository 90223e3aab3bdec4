from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.sources import Received
from shared.sources.kinds import github, hubspot, intercom, standard_webhooks, stripe, zendesk
from shared.sources.verifier import (
    MAX_SIGNATURES,
    Reason,
    Rejected,
    Timestamp,
    Verified,
    Verifier,
    key_of,
    verify,
)
from tests.sources.security import SecurityCases
from tests.sources.signing import new_secret, request, sign

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)

GITHUB, STRIPE, STANDARD_WEBHOOKS = github.VERIFIER, stripe.VERIFIER, standard_webhooks.VERIFIER
ZENDESK, HUBSPOT = zendesk.VERIFIER, hubspot.V3
CONVOY = replace(STRIPE, headers=("x-convoy-signature",), template="{ts},{raw}")
SLACK = Verifier(
    headers=("x-slack-signature",),
    template="v0:{ts}:{raw}",
    extract="prefix",
    label="v0=",
    timestamp=Timestamp(headers=("x-slack-request-timestamp",)),
)
SQUARE = Verifier(headers=("x-square-hmacsha256-signature",), template="{url}{raw}", encoding="base64")
BETWEEN_SEMICOLONS = replace(STRIPE, between=";")
INTERCOM = intercom.VERIFIER
KEYED_IN_HEX = Verifier(headers=("x-signature",), key_encoding="hex", hash="sha512")


class TestGitHub(SecurityCases):
    @pytest.fixture
    def verifier(self) -> Verifier:
        return GITHUB


class TestStripe(SecurityCases):
    @pytest.fixture
    def verifier(self) -> Verifier:
        return STRIPE


class TestStandardWebhooks(SecurityCases):
    @pytest.fixture
    def verifier(self) -> Verifier:
        return STANDARD_WEBHOOKS


class TestEveryOtherShape(SecurityCases):
    @pytest.fixture(
        params=[CONVOY, SLACK, HUBSPOT, SQUARE, ZENDESK, INTERCOM, KEYED_IN_HEX, BETWEEN_SEMICOLONS]
    )
    def verifier(self, request):
        return request.param


SLACK_BODY = (
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SQUARE_BODY = (
    '{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification",'
    '"event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z",'
    '"data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}'
)
VECTORS = {
    # docs.github.com, "Validating webhook deliveries"
    "github": (
        GITHUB,
        "It's a Secret to Everybody",
        0,
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        "Hello, World!",
    ),
    # github.com/standard-webhooks/standard-webhooks, the libraries' own tests
    "standard webhooks": (
        STANDARD_WEBHOOKS,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        1614265330,
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        '{"test": 2432232314}',
    ),
    # docs.svix.com, "Verifying webhooks manually"
    "svix": (
        STANDARD_WEBHOOKS,
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        1731705121,
        {
            "svix-id": "msg_loFOjxBNrRLzqYUf",
            "svix-timestamp": "1731705121",
            "svix-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        },
        '{"event_type":"ping","data":{"success":true}}',
    ),
    # github.com/frain-dev/convoy, the advanced signature
    "convoy": (
        CONVOY,
        "convoy-webhook-secret",
        1700000000,
        {
            "x-convoy-signature": "t=1700000000,v1=77b8b9269f25a199846a55a2bd25b3fba151c70fdae60bb1dcd87fbbc943c55c"
        },
        '{"event":"charge.success","amount":1000,"currency":"NGN"}',
    ),
    # docs.slack.dev, "Verifying requests from Slack"
    "slack": (
        SLACK,
        "8f742231b10e8888abcd99yyyzzz85a5",
        1531420618,
        {
            "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            "x-slack-request-timestamp": "1531420618",
        },
        SLACK_BODY,
    ),
}


@pytest.mark.parametrize("vendor", VECTORS)
def test_a_published_vector_is_verified(vendor):
    verifier, secret, seconds, headers, body = VECTORS[vendor]

    assert verify(
        verifier, request(body, headers), [secret], datetime.fromtimestamp(seconds, UTC)
    ) == Verified(0)


@pytest.mark.parametrize("vendor", VECTORS)
def test_a_published_vector_with_another_body_is_rejected(vendor):
    verifier, secret, seconds, headers, body = VECTORS[vendor]
    verdict = verify(verifier, request(body + "\n", headers), [secret], datetime.fromtimestamp(seconds, UTC))

    assert verdict == Rejected(Reason.MISMATCH)


def test_a_vector_that_binds_method_and_url_is_verified():
    """hubspot-api-client tests/spec/utils/test_signature.py."""
    received = Received(
        "POST",
        "https://www.example.com/webhook_uri",
        {
            "x-hubspot-signature-v3": "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw=",
            "x-hubspot-request-timestamp": "15000000",
        },
        b"{'example_field':'example_value'}",
    )

    verdict = verify(
        HUBSPOT, received, ["yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"], datetime.fromtimestamp(15000, UTC)
    )
    assert verdict == Verified(0)


def test_a_vector_that_binds_the_url_is_verified_and_no_other_url_is():
    """square-python-sdk tests/integration/test_webhooks_helper.py."""
    url = "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9"
    headers = {"x-square-hmacsha256-signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="}
    received = Received("POST", url, headers, SQUARE_BODY.encode())

    assert verify(SQUARE, received, ["Ibxx_5AKakO-3qeNVR61Dw"], NOW) == Verified(0)
    elsewhere = replace(received, url=url + "/")
    assert verify(SQUARE, elsewhere, ["Ibxx_5AKakO-3qeNVR61Dw"], NOW) == Rejected(Reason.MISMATCH)


def test_the_documented_old_order_of_zendesk_is_no_longer_accepted():
    stamp = "2021-07-25T10:00:00Z"
    secret = "HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA="
    signatures = {
        "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=": Verified(0),
        "tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw=": Rejected(Reason.MISMATCH),
    }
    for signature, verdict in signatures.items():
        headers = {
            "x-zendesk-webhook-signature": signature,
            "x-zendesk-webhook-signature-timestamp": stamp,
        }
        received = request('{"say": "hello"}', headers)
        assert verify(ZENDESK, received, [secret], datetime.fromisoformat(stamp)) == verdict


def test_one_good_signature_among_others_is_enough():
    secret = new_secret(STANDARD_WEBHOOKS, b"one")
    signed = sign(STANDARD_WEBHOOKS, request("{}"), secret, NOW)
    good = signed.headers["webhook-signature"]
    others = f"v1a,bm90IG91cnM= v1,broken v1,{'A' * 43}= {good} v2,x"
    rotated = replace(signed, headers={**signed.headers, "webhook-signature": others})

    assert verify(STANDARD_WEBHOOKS, rotated, [secret], NOW) == Verified(0)


def test_a_signature_of_another_scheme_does_not_count():
    secret = new_secret(STRIPE, b"one")
    signed = sign(STRIPE, request("{}"), secret, NOW)
    renamed = {**signed.headers, "stripe-signature": signed.headers["stripe-signature"].replace("v1=", "v0=")}

    assert verify(STRIPE, replace(signed, headers=renamed), [secret], NOW) == Rejected(Reason.MALFORMED)


def test_members_between_other_separators_than_the_sender_s_do_not_count():
    secret = new_secret(STRIPE, b"one")
    signed = sign(BETWEEN_SEMICOLONS, request("{}"), secret, NOW)

    assert verify(BETWEEN_SEMICOLONS, signed, [secret], NOW) == Verified(0)
    assert verify(STRIPE, signed, [secret], NOW) == Rejected(Reason.MALFORMED)


def test_more_signatures_than_any_sender_sends_are_malformed_even_if_one_is_good():
    secret = new_secret(STANDARD_WEBHOOKS, b"one")
    signed = sign(STANDARD_WEBHOOKS, request("{}"), secret, NOW)
    many = " ".join([signed.headers["webhook-signature"]] * (MAX_SIGNATURES + 1))
    flooded = replace(signed, headers={**signed.headers, "webhook-signature": many})

    assert verify(STANDARD_WEBHOOKS, flooded, [secret], NOW) == Rejected(Reason.MALFORMED)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_signed_header_that_is_missing_is_reported_as_missing(name):
    secret = new_secret(STANDARD_WEBHOOKS, b"one")
    signed = sign(STANDARD_WEBHOOKS, request("{}"), secret, NOW)
    headers = {key: value for key, value in signed.headers.items() if key != name}

    assert verify(STANDARD_WEBHOOKS, replace(signed, headers=headers), [secret], NOW) == Rejected(
        Reason.MISSING
    )


@pytest.mark.parametrize("verifier", [STANDARD_WEBHOOKS, HUBSPOT, ZENDESK])
@pytest.mark.parametrize(
    "stamp", ["x", "-1", "1e9", "1" * 16, "١٢٣", "1_0", " 1", "2026-11-22", "0000-00-00T00:00:00Z"]
)
def test_a_time_that_cannot_be_read_is_malformed(verifier, stamp):
    secret = new_secret(verifier, b"one")
    signed = sign(verifier, request("{}"), secret, NOW)
    headers = {**signed.headers, verifier.timestamp.headers[0]: stamp}

    assert verify(verifier, replace(signed, headers=headers), [secret], NOW) == Rejected(Reason.MALFORMED)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_signed_header_that_was_changed_is_a_mismatch(name):
    secret = new_secret(STANDARD_WEBHOOKS, b"one")
    signed = sign(STANDARD_WEBHOOKS, request("{}"), secret, NOW)
    changed = {"webhook-id": "msg_other", "webhook-timestamp": str(int(NOW.timestamp()) + 1)}
    headers = {**signed.headers, name: changed[name]}

    assert verify(STANDARD_WEBHOOKS, replace(signed, headers=headers), [secret], NOW) == Rejected(
        Reason.MISMATCH
    )


def test_a_secret_pasted_with_its_version_works():
    secret = new_secret(STANDARD_WEBHOOKS, b"one").removeprefix("v1,")
    signed = sign(STANDARD_WEBHOOKS, request("{}"), secret, NOW)

    assert verify(STANDARD_WEBHOOKS, signed, [f"v1,{secret}"], NOW) == Verified(0)
    assert verify(STANDARD_WEBHOOKS, signed, [secret.removeprefix("whsec_")], NOW) == Verified(0)


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64!", "abc", "whsec_ü", "\ud800"])
def test_a_secret_that_cannot_be_a_key_is_no_key_and_breaks_nothing(secret):
    good = new_secret(STANDARD_WEBHOOKS, b"one")
    signed = sign(STANDARD_WEBHOOKS, request("{}"), good, NOW)

    assert key_of(STANDARD_WEBHOOKS, secret) is None
    assert verify(STANDARD_WEBHOOKS, signed, [secret, good], NOW) == Verified(1)


def test_the_first_of_two_equal_secrets_is_reported():
    secret = new_secret(GITHUB, b"one")
    signed = sign(GITHUB, request("{}"), secret, NOW)

    assert verify(GITHUB, signed, [secret, secret], NOW) == Verified(0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"template": "{body}"},
        {"template": "{ts}"},
        {"template": "{ts}.{raw}"},
        {"template": "{id}.{raw}"},
        {"extract": "prefix"},
        {"label": "v1"},
        {"timestamp": Timestamp(member="t")},
    ],
)
def test_a_verifier_that_contradicts_itself_cannot_be_written(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        Verifier(headers=("x-signature",), **wrong)


def test_a_required_header_that_is_missing_is_named():
    with pytest.raises(Invalid, match="no x-topic header"):
        request("{}").required("x-topic", "topic")


@given(header=st.text(max_size=200), stamp=st.text(max_size=30), id=st.text(max_size=30))
def test_no_header_makes_the_verifier_raise(header, stamp, id):
    for verifier in (GITHUB, STRIPE, STANDARD_WEBHOOKS, ZENDESK, HUBSPOT, SQUARE):
        headers = dict.fromkeys(verifier.headers, header)
        if verifier.timestamp:
            headers |= dict.fromkeys(verifier.timestamp.headers, stamp)
        headers |= dict.fromkeys(verifier.id_headers, id)

        assert isinstance(verify(verifier, request("{}", headers), ["whsec_c2VjcmV0"], NOW), Rejected)


@given(body=st.binary(max_size=500), age=st.integers(-300, 300))
def test_whatever_bytes_a_sender_signs_are_verified(body, age):
    at = NOW - timedelta(seconds=age)
    for verifier in (GITHUB, STRIPE, STANDARD_WEBHOOKS, CONVOY, SLACK, HUBSPOT, SQUARE, ZENDESK):
        secret = new_secret(verifier, b"one")

        assert verify(verifier, sign(verifier, request(body), secret, at), [secret], NOW) == Verified(0)
