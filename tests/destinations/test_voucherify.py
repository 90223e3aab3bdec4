"""What goes to Voucherify is what the vendor's own SDK reads and writes."""

import pytest
from voucherify.models.events_create_request_body import EventsCreateRequestBody

from shared import exact
from tests.destinations.cases import CASES, name, read

SENT = [case for case in CASES if case.parent.name == "voucherify" and "expected" in read(case)]


@pytest.mark.parametrize("case", SENT, ids=name)
def test_the_vendors_sdk_reads_all_of_the_body(case):
    body = read(case)["expected"]["body"]

    told = EventsCreateRequestBody.from_json(exact.dumps(body))

    assert told is not None
    assert told.model_dump(exclude_unset=True, exclude_none=True) == body
