"""A sender that only its source's settings describe."""

from datetime import UTC, datetime

import pytest

from shared.errors import Invalid
from shared.sources import Received, load
from shared.sources.genuine import check
from shared.sources.verifier import Reason, Rejected, Verified
from tests.sources.cases import CASES
from tests.sources.security import SecurityCases, SharedSecretCases

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
SIGNED = {"scheme": "signature", "headers": ["x-signature"]}
TIME = {"member": "t"}


class TestSlackBySettings(SecurityCases):
    @pytest.fixture
    def verifier(self):
        return load("generic", CASES["generic/slack"]["settings"]).proofs[0]


class TestASecretInAHeaderOfTheSendersOwn(SharedSecretCases):
    @pytest.fixture
    def verifier(self):
        return load("generic", CASES["generic/secret-and-number"]["settings"]).proofs[0]


@pytest.mark.parametrize("path", ["", "/"])
def test_a_vector_that_binds_the_url_is_verified_by_settings_and_with_no_other_url(path):
    """https://github.com/square/square-python-sdk/blob/master/tests/integration/test_webhooks_helper.py"""
    case = CASES["generic/square"]
    received = Received(
        "POST",
        "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9" + path,
        {"x-square-hmacsha256-signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="},
        case["body"].encode(),
    )
    told = check(load("generic", case["settings"]).proofs, received, ["Ibxx_5AKakO-3qeNVR61Dw"], NOW)

    assert told == (Rejected(Reason.MISMATCH) if path else Verified(0))


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({}, ["/proof"]),
        ({"proof": {"scheme": "none"}}, ["/proof"]),
        ({"proof": {"scheme": "signature"}}, ["/proof/signature/headers"]),
        ({"proof": {**SIGNED, "headers": []}}, ["/proof/signature/headers"]),
        (
            {"proof": {**SIGNED, "headers": ["X-Signature"]}},
            ["/proof/signature/headers/0", "/proof/signature/headers"],
        ),
        ({"proof": {**SIGNED, "template": "{body}"}}, ["/proof/signature"]),
        ({"proof": {**SIGNED, "template": "{ts}{raw}"}}, ["/proof/signature"]),
        ({"proof": {**SIGNED, "timestamp": TIME}}, ["/proof/signature"]),
        ({"proof": {**SIGNED, "extract": "kv"}}, ["/proof/signature"]),
        ({"proof": {**SIGNED, "hash": "md5"}}, ["/proof/signature/hash"]),
        (
            {"proof": {**SIGNED, "template": "{ts}{raw}", "timestamp": {**TIME, "toleranceSeconds": 0}}},
            ["/proof/signature/timestamp/toleranceSeconds"],
        ),
        ({"proof": SIGNED, "id": "body["}, ["/id"]),
        ({"proof": SIGNED, "type": "no_such(body)"}, ["/type"]),
        ({"proof": SIGNED, "headers": ["x-signature"]}, [""]),
        ({"proof": SIGNED, "headers": ["authorization"]}, [""]),
        ({"proof": SIGNED, "more": 1}, ["/more"]),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_place(settings, where):
    with pytest.raises(Invalid) as told:
        load("generic", settings)

    assert [fault.pointer for fault in told.value.faults] == where
    assert all(fault.detail.endswith(".") for fault in told.value.faults)
