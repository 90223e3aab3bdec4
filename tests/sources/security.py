"""What every webhook source must withstand: inherit SecurityCases, or for a sender that carries its secret
SharedSecretCases, and give it a `verifier` fixture."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from shared.sources import Received, SharedSecret
from shared.sources.genuine import check
from shared.sources.verifier import (
    MAX_HEADER,
    MAX_SIGNATURES,
    Reason,
    Rejected,
    Verified,
    Verifier,
    verify,
)
from tests.sources.signing import new_secret, request, sign

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
BODY = '{"id":820982911946154508,"name":"Zoë"}'
CURRENT, PREVIOUS, FOREIGN = b"current", b"previous", b"somebody else's"


class SecurityCases:
    """The same attacks for every sender."""

    @pytest.fixture
    def verifier(self) -> Verifier:
        raise NotImplementedError

    @pytest.fixture
    def secrets(self, verifier: Verifier) -> list[str]:
        return [new_secret(verifier, CURRENT), new_secret(verifier, PREVIOUS)]

    @pytest.fixture
    def signed(self, verifier: Verifier, secrets: list[str]) -> Received:
        return sign(verifier, request(BODY), secrets[0], NOW)

    def test_a_good_signature_is_verified(self, verifier, secrets, signed):
        assert verify(verifier, signed, secrets, NOW) == Verified(0)

    def test_the_previous_secret_still_counts_and_is_reported(self, verifier, secrets):
        signed = sign(verifier, request(BODY), secrets[1], NOW)

        assert verify(verifier, signed, secrets, NOW) == Verified(1)

    def test_a_secret_that_was_retired_does_not_count(self, verifier, secrets):
        signed = sign(verifier, request(BODY), secrets[1], NOW)

        assert verify(verifier, signed, secrets[:1], NOW) == Rejected(Reason.MISMATCH)

    def test_a_foreign_secret_is_rejected(self, verifier, secrets):
        signed = sign(verifier, request(BODY), new_secret(verifier, FOREIGN), NOW)

        assert verify(verifier, signed, secrets, NOW) == Rejected(Reason.MISMATCH)

    def test_no_secret_at_all_lets_nothing_in(self, verifier, signed):
        assert verify(verifier, signed, [], NOW) == Rejected(Reason.MISMATCH)

    def test_an_empty_secret_lets_nothing_in(self, verifier):
        signed = sign(verifier, request(BODY), "", NOW)

        assert verify(verifier, signed, ["", "".join(verifier.key_prefixes)], NOW) == Rejected(
            Reason.MISMATCH
        )

    @pytest.mark.parametrize(
        "tamper", [lambda b: b + b" ", lambda b: b[:-1], lambda b: b.replace(b"8", b"9", 1)]
    )
    def test_a_tampered_body_is_rejected(self, verifier, secrets, signed, tamper):
        tampered = replace(signed, body=tamper(signed.body))

        assert verify(verifier, tampered, secrets, NOW) == Rejected(Reason.MISMATCH)

    @pytest.mark.parametrize("gone", ["absent", "empty"])
    def test_a_missing_signature_is_rejected(self, verifier, secrets, signed, gone):
        without = {name: value for name, value in signed.headers.items() if name not in verifier.headers}
        headers = without if gone == "absent" else {**without, verifier.headers[0]: ""}

        assert verify(verifier, replace(signed, headers=headers), secrets, NOW) == Rejected(Reason.MISSING)

    @pytest.mark.parametrize(
        "header",
        [
            "x",
            "=",
            "====",
            ",,,,",
            "ü" * 44,
            "\ud800",
            "\x00",
            " ",
            "t=,v1=",
            "v1,",
            "sha256=",
            "A" * 10_000,
            "v1,A " * (MAX_SIGNATURES + 1),
            "v1=ab," * (MAX_SIGNATURES + 1),
        ],
    )
    def test_a_malformed_signature_is_rejected_without_an_error(self, verifier, secrets, signed, header):
        headers = {**signed.headers, verifier.headers[0]: header}
        verdict = verify(verifier, replace(signed, headers=headers), secrets, NOW)

        assert verdict == Rejected(Reason.MALFORMED)

    @pytest.mark.parametrize("cut", [1, 2, 3, 4, 8, 40])
    def test_a_truncated_signature_is_rejected(self, verifier, secrets, signed, cut):
        name = verifier.headers[0]
        headers = {**signed.headers, name: signed.headers[name][:-cut]}
        verdict = verify(verifier, replace(signed, headers=headers), secrets, NOW)

        assert verdict == Rejected(Reason.MALFORMED)

    def test_an_old_request_is_stale_where_the_sender_signs_the_time(self, verifier, secrets, signed):
        tolerance = verifier.timestamp.tolerance_seconds if verifier.timestamp else 300
        stale = Rejected(Reason.STALE) if verifier.timestamp else Verified(0)

        assert verify(verifier, signed, secrets, NOW + timedelta(seconds=tolerance)) == Verified(0)
        assert verify(verifier, signed, secrets, NOW + timedelta(seconds=tolerance + 1)) == stale

    def test_a_request_from_the_future_is_rejected_where_the_sender_signs_the_time(
        self, verifier, secrets, signed
    ):
        tolerance = verifier.timestamp.tolerance_seconds if verifier.timestamp else 300
        future = Rejected(Reason.FUTURE) if verifier.timestamp else Verified(0)

        assert verify(verifier, signed, secrets, NOW - timedelta(seconds=tolerance)) == Verified(0)
        assert verify(verifier, signed, secrets, NOW - timedelta(seconds=tolerance + 1)) == future

    def test_a_forged_request_is_never_called_stale(self, verifier, secrets):
        forged = sign(verifier, request(BODY), new_secret(verifier, FOREIGN), NOW - timedelta(days=30))

        assert verify(verifier, forged, secrets, NOW) == Rejected(Reason.MISMATCH)


class SharedSecretCases:
    """The same attacks for every sender that carries its secret instead of signing."""

    @pytest.fixture
    def verifier(self) -> SharedSecret:
        raise NotImplementedError

    @pytest.fixture
    def secrets(self, verifier: SharedSecret) -> list[str]:
        return [new_secret(verifier, CURRENT), new_secret(verifier, PREVIOUS)]

    @pytest.fixture
    def places(self, verifier: SharedSecret) -> list[str]:
        return [*verifier.headers, *(["authorization"] if verifier.bearer else []), *verifier.query]

    def test_the_secret_is_taken_wherever_the_sender_may_carry_it(self, verifier, secrets, places):
        for place in places:
            assert check([verifier], carrying(verifier, place, secrets[0]), secrets, NOW) == Verified(0)

    def test_the_previous_secret_still_counts_and_is_reported(self, verifier, secrets, places):
        for place in places:
            assert check([verifier], carrying(verifier, place, secrets[1]), secrets, NOW) == Verified(1)

    def test_a_secret_that_was_retired_does_not_count(self, verifier, secrets, places):
        for place in places:
            received = carrying(verifier, place, secrets[1])
            assert check([verifier], received, secrets[:1], NOW) == Rejected(Reason.MISMATCH)

    @pytest.mark.parametrize("wrong", ["x", "ü", "\ud800", "\x00", "A" * MAX_HEADER])
    def test_another_secret_is_rejected(self, verifier, secrets, wrong):
        received = carrying(verifier, verifier.headers[0], wrong)

        assert check([verifier], received, secrets, NOW) == Rejected(Reason.MISMATCH)

    @pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "0", str.upper, str.swapcase])
    def test_a_secret_that_is_nearly_right_is_rejected(self, verifier, secrets, places, change):
        for place in places:
            received = carrying(verifier, place, change(secrets[0]))
            assert check([verifier], received, secrets, NOW) == Rejected(Reason.MISMATCH)

    def test_a_secret_that_is_too_long_is_malformed(self, verifier, secrets):
        received = carrying(verifier, verifier.headers[0], "A" * (MAX_HEADER + 1))

        assert check([verifier], received, secrets, NOW) == Rejected(Reason.MALFORMED)

    def test_a_request_that_carries_none_is_rejected(self, verifier, secrets, places):
        assert check([verifier], request(BODY), secrets, NOW) == Rejected(Reason.MISSING)
        for place in places:
            received = carrying(verifier, place, "")
            assert check([verifier], received, secrets, NOW) == Rejected(Reason.MISSING)

    def test_no_secret_at_all_and_an_empty_one_let_nothing_in(self, verifier, secrets, places):
        for place in places:
            received = carrying(verifier, place, secrets[0])
            assert check([verifier], received, [], NOW) == Rejected(Reason.MISMATCH)
            assert check([verifier], received, [""], NOW) == Rejected(Reason.MISMATCH)

    def test_a_right_secret_does_not_make_good_a_wrong_one_in_an_earlier_place(
        self, verifier, secrets, places
    ):
        first = carrying(verifier, places[0], "wrong secret")
        for place in places[1:]:
            both = carrying(verifier, place, secrets[0], first)
            assert check([verifier], both, secrets, NOW) == Rejected(Reason.MISMATCH)


def carrying(verifier: SharedSecret, place: str, secret: str, received: Received | None = None) -> Received:
    """A request that carries a secret in one of the places."""
    received = received or request(BODY)
    if place in verifier.query:
        quoted = quote(secret, errors="surrogatepass")
        return replace(received, url=f"{received.url}?{place}={quoted}")
    text = f"Bearer {secret}" if place == "authorization" else secret
    return replace(received, headers={**received.headers, place: text})
