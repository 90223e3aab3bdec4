"""Where a vendor's own SDK is at hand, it signs."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from shared.sources.genuine import check
from shared.sources.verifier import Verified
from tests.sources.cases import CASES, kind_of
from tests.sources.signing import new_secret, request

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
MESSAGES = [case for name, case in CASES.items() if name.startswith("standard_webhooks/")]


@pytest.mark.parametrize("names", ["webhook", "svix"])
@pytest.mark.parametrize("case", MESSAGES)
def test_what_the_library_of_standard_webhooks_signs_is_verified(case, names):
    proofs = kind_of("standard_webhooks").proofs
    secret = new_secret(proofs[0], b"sdk").removeprefix("v1,")
    signature = Webhook(secret).sign("msg_1", NOW, case["body"])
    headers = {
        f"{names}-id": "msg_1",
        f"{names}-timestamp": str(int(NOW.timestamp())),
        f"{names}-signature": signature,
    }

    assert check(proofs, request(case["body"], headers), [secret], NOW) == Verified(0)
