"""HubSpot's older signatures, and how to do without them."""

from datetime import UTC, datetime

import pytest

from shared.sources import load
from shared.sources.genuine import check
from shared.sources.kinds.hubspot import V1, V2, V3
from shared.sources.verifier import Reason, Rejected, Verified
from tests.sources.signing import request, sign

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
REFUSED = Rejected(Reason.MISSING)


@pytest.mark.parametrize(
    ("oldest", "version", "told"),
    [
        ("v1", V1, Verified(0)),
        ("v1", V2, Verified(0)),
        ("v2", V2, Verified(0)),
        ("v3", V3, Verified(0)),
        ("v2", V1, REFUSED),
        ("v3", V1, REFUSED),
        ("v3", V2, REFUSED),
    ],
)
def test_a_signature_that_is_older_than_the_oldest_does_not_count(oldest, version, told):
    proofs = load("hubspot", {"oldestVersion": oldest}).proofs

    assert check(proofs, sign(version, request("[]"), SECRET, NOW), [SECRET], NOW) == told


def test_version_3_counts_alone_where_it_is_sent_along_with_another():
    both = sign(V1, sign(V3, request("[]"), "another secret", NOW), SECRET, NOW)

    assert check(load("hubspot").proofs, both, [SECRET], NOW) == Rejected(Reason.MISMATCH)
