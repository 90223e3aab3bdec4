"""Whatever an event holds, it becomes a request that HTTP can carry, or its receipt says why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import destinations, documents, exact, times
from shared.destinations import KINDS, Parcel
from shared.event import Stored
from shared.exact import Number
from shared.ports import Outgoing
from shared.stages.build import Unfit, request_of
from tests.destinations.cases import SENT

IDENTIFIERS = ["email", "mobile", "crmId", "deviceId", "external:shop", "external:voucherify"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers().map(lambda number: Number(str(number))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", KINDS)
@given(
    properties=st.dictionaries(st.text(max_size=12), VALUES, max_size=5),
    identifiers=st.dictionaries(st.sampled_from(IDENTIFIERS), st.text(max_size=20)),
    source=st.none() | st.text(max_size=20),
)
def test_an_event_becomes_a_request_or_is_told_to_be_unfit(kind, properties, identifiers, source):
    case, plugin = SENT[kind], destinations.load(kind)
    document = {**case["event"]["document"], "source": source}
    event = documents.read_event(exact.dumps(document).encode())
    parcel = Parcel("e-1_rt-1", Stored("e-1", event), properties, 1, identifiers)
    settings = plugin.settings.model_validate(case["settings"])

    request = request_of(plugin, settings, case["secrets"], parcel, times.parse(case["now"]))

    if isinstance(request, Outgoing):
        texts = [request.url, *request.headers.values()]
        assert all(text.isascii() and text.isprintable() for text in texts)
        assert " " not in request.url
        assert exact.loads(request.body) is not None
    else:
        assert isinstance(request, Unfit)
        assert request.reason.endswith(".")
