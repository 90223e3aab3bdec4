"""A message to a topic: a CloudEvent for azure-core, a token as Service Bus's own SDK makes it, and no second copy."""

import pytest
from azure.core.messaging import CloudEvent
from azure.servicebus._pyamqp.utils import generate_sas_token
from hypothesis import given
from hypothesis import strategies as st

from shared import documents, exact, times
from shared.destinations import Parcel
from shared.destinations.kinds import service_bus_topic
from shared.event import Stored
from shared.exact import Json
from shared.ports import NoAnswer, Outgoing
from shared.stages.build import Unfit, request_of
from shared.stores.trail import Status
from tests.destinations.cases import CASES, SENT, name, read
from tests.house import body, build

CASE = SENT["service_bus_topic"]
BODIES = [case for case in CASES if case.parent.name == "service_bus_topic" and "expected" in read(case)]


@pytest.mark.parametrize("case", BODIES, ids=name)
def test_the_body_is_a_cloud_event(case):
    told = CloudEvent.from_json(exact.dumps(read(case)["expected"]["body"]))

    assert (told.specversion, told.type, told.data["event"]) == ("1.0", *["transactions.order-placed"] * 2)
    assert told.id == told.data["id"]
    assert not told.extensions


POLICY = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)


@given(st.text(min_size=1), POLICY, st.text(min_size=1), st.integers(1, 2**40))
def test_a_token_is_the_one_that_the_sdk_makes(resource, policy, key, until):
    ours = service_bus_topic.signature(resource, policy, key, until)

    assert ours == generate_sas_token(resource, policy, key, until)


def built(source: str | None, properties: Json) -> Outgoing | Unfit:
    document = {**CASE["event"]["document"], "source": source}
    event = documents.read_event(exact.dumps(document).encode())
    parcel = Parcel("d-1", Stored("e-1", event), properties, 1)
    settings = service_bus_topic.Settings.model_validate(CASE["settings"])
    now = times.parse(CASE["now"])
    return request_of(service_bus_topic.DESTINATION, settings, CASE["secrets"], parcel, now)


@given(st.text(st.characters(codec="utf-8")))
def test_no_source_leaves_its_header(source):
    request = built(source, {})

    assert isinstance(request, Outgoing)
    shown = request.headers.get("source", '""')
    assert shown.isascii()
    assert shown.isprintable()
    assert (shown[0], shown[-1], shown.count('"')) == ('"', '"', 2)


def test_a_message_that_is_too_large_is_told_before_it_is_sent():
    request = built("checkout", {"note": "x" * 262_144})

    assert isinstance(request, Unfit)
    assert request.reason.endswith("the destination takes 258,048.")


@pytest.mark.parametrize(("detects", "status"), [(True, Status.RETRYING), (False, Status.HELD)])
async def test_an_unknown_outcome_is_sent_again_only_where_the_topic_detects_duplicates(detects, status):
    house = await build(NoAnswer("timeout")).furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    settings = {**CASE["settings"], "duplicateDetection": detects}
    doc = {"name": "bus", "kind": "service_bus_topic", "settings": settings, "secrets": CASE["secrets"]}
    await house.line.destinations.create("demo", body(doc), bytes(32))
    await house.add_route("bus")
    id = await house.accept()

    await house.work()

    delivery = await house.delivery(id, "rt-bus")
    assert delivery.status is status
    [sent] = house.http.requests
    assert exact.loads(sent.headers["brokerproperties"].encode())["MessageId"] == delivery.id


@pytest.mark.parametrize(
    "namespace",
    [
        "https://elsewhere.example.com",
        "http://contoso.servicebus.windows.net",
        "https://contoso.servicebus.windows.net.example.com",
        "https://contoso.servicebus.windows.net:8443",
        "https://example.com/contoso.servicebus.windows.net",
    ],
)
def test_the_apps_own_token_goes_to_service_bus_only(namespace):
    with pytest.raises(ValueError, match="or name a shared access policy"):
        service_bus_topic.Settings.model_validate({"namespace": namespace, "topic": "events"})

    service_bus_topic.Settings.model_validate({"namespace": namespace, "topic": "events", "keyName": "send"})
