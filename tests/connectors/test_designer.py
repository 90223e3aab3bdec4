"""A maker builds flows with the connector, on the running app: lists, picks, fills in, posts, is told, and replays."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from local.client import Client
from tests.connectors.designer import Designer, entered, labels
from tests.connectors.rules_of_extensions import DROPDOWNS, SCHEMAS
from tests.connectors.swagger import read
from tests.functions.asking import Storage
from tests.functions.conftest import EVERYTHING, app_with, registration, token_of
from tests.functions.test_operate import control
from tests.functions.test_subscriptions import calls, place
from tests.kill.rewind import age_notices
from tests.kill.rig import wait_until
from tests.running import Running

SCOPES = ["events:write", "events:read", "definitions:read", "delivery:write", "operate"]
"""What README.md of the connector asks for."""
SECONDS = 20
TYPED = {
    "text": "A-17",
    "integer": "7",
    "decimal": "42.5",
    "boolean": "true",
    "date": "2026-11-22",
    "timestamp": "2026-11-22T10:15:00+01:00",
}
SENT = {**TYPED, "integer": 7, "decimal": 42.5, "boolean": True}


def with_a_key(running: Running) -> Designer:
    body = {"name": f"flows {secrets.token_hex(4)}", "source": "flows", "scopes": SCOPES}
    key = running.operator.post("/v1/keys", body).doc["key"]
    return Designer(read("apiProperties.json")["properties"], {"host": host(running), "api_key": key})


def signed_in(running: Running) -> Designer:
    """The connector's app acts for a person, who may do what they and the app may."""
    app = app_with("developer", "operator")
    made = running.operator.post("/v1/clients", registration(app, source="flows", scopes=SCOPES))
    assert made.status == 201, made.doc
    token = token_of(running.stack.issuer_url, app, {"scp": "access_as_user"})
    return Designer(read("apiProperties.entra.json")["properties"], {"host": host(running), "token": token})


def host(running: Running) -> str:
    return running.stack.base_url.removeprefix("http://")


@pytest.fixture(scope="module", params=[with_a_key, signed_in], ids=["key", "entra"])
def designer(running: Running, request: pytest.FixtureRequest) -> Designer:
    make: Callable[[Running], Designer] = request.param
    return make(running)


@pytest.fixture(scope="module")
def event(running: Running) -> str:
    """An event with a field of each type."""
    name = f"tests.made-{secrets.token_hex(6)}"
    assert running.operator.post("/v1/definitions", {**EVERYTHING, "event": name}).status == 201
    return name


def chosen(event: str, **body: Any) -> dict[str, Any]:
    """What a maker has filled in so far: section and event."""
    return {"Signalbox-Section": "demo", "section": "demo", "body": {"event": event, **body}}


def settled(designer: Designer, id: str, status: str) -> Any:
    """The receipt by the connector, once it is so."""
    asked = {"Signalbox-Section": "demo", "id": id}
    wait_until(lambda: designer.call("GetReceipt", asked).doc["status"] == status, status, SECONDS)
    return designer.call("GetReceipt", asked).doc


def post(designer: Designer, event: str, **body: Any) -> Any:
    answer = designer.call("PostEvent", chosen(event, properties=SENT, **body))
    assert answer.status == 202, answer.doc
    return answer.doc


@pytest.mark.parametrize("style", DROPDOWNS)
@pytest.mark.feature("F109", "F147", "F148")
def test_sections_and_events_are_offered_by_their_names(designer: Designer, event: str, style: str):
    sections = designer.choices("PostEvent", "Signalbox-Section", {}, style)
    events = designer.choices("PostEvent", "event", {"Signalbox-Section": "demo"}, style)
    of_trigger = designer.choices("OnEvent", "event", {"section": "demo"}, style)
    destinations = designer.choices("OnFailedDelivery", "destination", {"section": "demo"}, style)

    assert sections == {"demo": "Demo"}
    assert events[event] == EVERYTHING["title"]
    assert of_trigger == events
    assert "journeys" in destinations


@pytest.mark.parametrize("style", SCHEMAS)
@pytest.mark.feature("F109", "F149", "F150")
def test_the_fields_of_the_chosen_event_are_drawn_with_their_types(
    designer: Designer, event: str, style: str
):
    schema = designer.fields("PostEvent", "properties", chosen(event), style)

    assert list(labels(schema)) == [
        ("Text (Text)", "string", True),
        ("Integer (Number)", "integer", False),
        ("Decimal (Number with decimals)", "number", True),
        ("Boolean (True or false)", "boolean", False),
        ("Date (Date)", "string", False),
        ("Timestamp (Time stamp)", "string", False),
    ]


@pytest.mark.slow
@pytest.mark.feature("F109", "F116", "F141")
def test_what_is_filled_in_becomes_an_event_with_its_receipt(designer: Designer, event: str):
    schema = designer.fields("PostEvent", "properties", chosen(event), SCHEMAS[1])
    own, person = f"flow-{secrets.token_hex(6)}", {"email": "ada@example.com"}
    wanted = chosen(event, properties=entered(schema, TYPED), person=person, id=own)

    posted = designer.call("PostEvent", wanted).doc
    again = designer.call("PostEvent", wanted).doc
    receipt = settled(designer, posted["id"], "processed")

    assert again == posted
    assert receipt["properties"] == SENT
    assert (receipt["source"], receipt["person"], receipt["deduplicated"]) == ("flows", person, True)
    assert receipt["personId"]


@pytest.mark.slow
@pytest.mark.feature("F151")
def test_an_event_can_be_only_a_test(designer: Designer, event: str):
    assert settled(designer, post(designer, event, test=True)["id"], "processed")["test"] is True


@pytest.mark.slow
def test_a_flow_is_started_by_an_event_until_it_is_turned_off(
    running: Running, designer: Designer, event: str
):
    url = place(running)
    location = designer.subscribe("OnEvent", chosen(event), url)

    first = settled(designer, post(designer, event)["id"], "delivered")
    gone = designer.unsubscribe(location)
    second = settled(designer, post(designer, event)["id"], "processed")

    assert gone.status == 204
    [call] = calls(running, url)
    notification = json.loads(call["body"])
    designer.told("OnEvent", chosen(event)).validate(notification)
    described = designer.swagger.doc["definitions"]["ArrivedEvent"]["properties"]
    assert notification.keys() == described.keys()
    assert notification["data"].keys() == described["data"]["properties"].keys()
    assert notification["data"]["id"] == first["id"]
    assert notification["data"]["properties"] == SENT
    assert second["deliveries"] == []


@pytest.mark.slow
def test_what_would_not_fit_the_trigger_is_found_out(designer: Designer, event: str):
    told = designer.told("OnEvent", chosen(event))
    data = {"id": "1", "source": "a", "occurredAt": None, "test": False, "person": {}, "properties": SENT}

    assert told.is_valid({"type": event, "timestamp": "2026-11-22T09:15:00Z", "data": data})
    assert not told.is_valid({"data": {**data, "properties": {**SENT, "integer": "7"}}})
    assert not told.is_valid({"data": {**data, "source": None}})


@pytest.mark.slow
def test_a_flow_that_is_told_of_a_failed_delivery_replays_it(
    running: Running, designer: Designer, event: str
):
    url, failing = place(running), f"bad-{secrets.token_hex(6)}"
    bad = f"{running.stack.receiver_url}/bad/{failing}"
    settings = {"url": bad, "timeoutSeconds": 5}
    body = {"name": failing, "kind": "webhook", "settings": settings}
    assert running.operator.post("/v1/destinations", body).status == 201
    route = {"event": event, "destination": failing}
    path = running.operator.post("/v1/routes", route).headers["location"]
    told_of = {"section": "demo", "body": {"destination": failing, "definition": event}}
    location = designer.subscribe("OnFailedDelivery", told_of, url)

    posted = settled(designer, post(designer, event)["id"], "failed")
    age_notices(Storage.of(running))
    running.operator.post("/v1/tick")
    wait_until(lambda: bool(calls(running, url)), "to be told of a failure", SECONDS)
    [call] = calls(running, url)
    notification = json.loads(call["body"])
    failure = notification["data"]["properties"]
    listed = designer.call(
        "ListDeadLetters", {"Signalbox-Section": "demo", "cause": failure["cause"], "limit": 100}
    )
    control(running, bad, 200)
    replayed = designer.call("ReplayDeadLetter", {"Signalbox-Section": "demo", "id": failure["delivery"]})

    designer.told("OnFailedDelivery", told_of).validate(notification)
    assert failure["eventId"] == posted["id"]
    assert failure["delivery"] in [one["id"] for one in listed.doc["deadLetters"]]
    assert replayed.status == 202
    settled(designer, posted["id"], "delivered")
    assert designer.unsubscribe(location).status == 204
    running.operator.post(f"{path}/pause")


def test_what_is_missing_is_told_as_a_problem_that_the_flow_can_read(designer: Designer, event: str):
    answer = designer.call("PostEvent", chosen(event, properties={"text": "1"}))

    assert answer.status == 422
    assert [one["pointer"] for one in answer.doc["errors"]] == ["/properties/decimal"]


@pytest.mark.feature("F144")
def test_a_wrong_credential_is_told_when_the_connection_is_tried(running: Running):
    wrong = {"host": host(running), "api_key": "sbx_wrong"}

    answer = Designer(read("apiProperties.json")["properties"], wrong).call("ListSections", {})

    assert (answer.status, answer.doc["type"]) == (401, "/problems/unauthenticated")


def test_a_key_of_one_section_needs_no_section(running: Running, event: str):
    keyed = with_a_key(running)
    url = place(running)

    offered = [keyed.choices("PostEvent", "event", {}, style) for style in DROPDOWNS]
    location = keyed.subscribe("OnEvent", {"body": {"event": event}}, url)
    answer = keyed.call("PostEvent", {"body": {"event": event, "properties": SENT}})

    assert all(event in one for one in offered)
    assert (answer.status, keyed.unsubscribe(location).status) == (202, 204)
    assert Client.keyed(running.stack.base_url, running.deployment_key, "demo").get(location).status == 404
