"""The doors of routes and destinations."""

import base64
import json
import secrets
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.client import Client
from shared import times
from shared.access.rights import NEEDS
from tests.functions.asking import assert_problem, kept, pointers
from tests.functions.conftest import SECTION_SCOPES, MakeKey
from tests.running import Running

ORDER = "transactions.order-placed"


def destination(running: Running, **changes: Any) -> dict[str, Any]:
    """A destination that can be made, under a name of its own."""
    settings = {"url": f"{running.stack.receiver_url}/ok", "timeoutSeconds": 5}
    return {"name": f"place-{secrets.token_hex(6)}", "kind": "webhook", "settings": settings, **changes}


def test_a_destinations_made_secret_is_shown_once(running: Running):
    wanted = destination(running)

    made = running.operator.post("/v1/destinations", wanted)
    read = running.operator.get(made.headers["location"])
    listed = running.operator.get("/v1/destinations").doc["destinations"]

    assert (made.status, read.status) == (201, 200)
    [secret] = made.doc["secrets"].values()
    assert secret.startswith("whsec_")
    assert "secrets" not in read.doc
    assert read.doc in listed
    assert secret not in str(listed)
    assert (read.doc["settings"], read.doc["status"]) == (wanted["settings"], "active")


def test_a_destinations_given_secret_is_never_shown(running: Running):
    secret = "whsec_" + "QUFB" * 11

    made = running.operator.post("/v1/destinations", destination(running, secrets={"signingSecret": secret}))

    assert made.status == 201
    assert secret not in str([made.doc, running.operator.get(made.headers["location"]).doc])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": "Two Words"}, ["/name"]),
        ({"name": "../x"}, ["/name"]),
        ({"settings": {"url": "ftp://a.example"}}, ["/settings/url"]),
        ({"settings": {"url": "https://user:word@a.example"}}, ["/settings/url"]),
        ({"settings": {"url": "http://[::1"}}, ["/settings/url"]),
        ({"settings": {"url": "https://a.example:99999"}}, ["/settings/url"]),
        ({"settings": {"url": "https://a.example/\nX: 1"}}, ["/settings/url"]),
        ({"settings": {}}, ["/settings/url"]),
        ({"settings": {"url": "https://a.example", "timeoutSeconds": 31}}, ["/settings/timeoutSeconds"]),
        ({"settings": {"url": "https://a.example", "verify": False}}, ["/settings/verify"]),
        ({"settings": []}, ["/settings"]),
        ({"secrets": {"password": "hunter22"}}, ["/secrets/password", "/secrets/signingSecret"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
def test_a_destination_that_cannot_be_is_refused(running: Running, changes: dict[str, Any], where: list[str]):
    answer = running.operator.post("/v1/destinations", destination(running, **changes))

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == where
    assert "hunter22" not in str(answer.doc)
    assert "user:word" not in str(answer.doc)


@pytest.mark.parametrize("kind", ["smtp", "../webhook", "__init__", "settings", ""])
def test_a_kind_of_destination_that_does_not_exist_is_refused(running: Running, kind: str):
    assert_problem(running.operator.post("/v1/destinations", destination(running, kind=kind)), 422, "invalid")


def test_a_destination_is_named_once(running: Running):
    wanted = destination(running)
    running.operator.post("/v1/destinations", wanted)

    assert_problem(running.operator.post("/v1/destinations", wanted), 409, "conflict")


@pytest.mark.slow
def test_what_comes_while_a_destination_is_paused_goes_out_once_it_is_resumed(running: Running):
    event = f"tests.parked-{secrets.token_hex(6)}"
    fields = [{"name": "n", "type": "integer", "required": True, "description": "Any"}]
    about = {"title": "Parked", "description": "Waits.", "purpose": "marketing", "retentionDays": 30}
    running.operator.post("/v1/definitions", {"event": event, **about, "fields": fields})
    path = running.operator.post("/v1/destinations", destination(running)).headers["location"]
    running.operator.post("/v1/routes", {"event": event, "destination": path.rpartition("/")[2]})
    paused = running.operator.post(f"{path}/pause")

    answer = running.client.send(
        "POST", "/v1/events", b'{"event":"%s","properties":{"n":1}}' % event.encode()
    )
    parked = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "parked")
    resumed = running.operator.post(f"{path}/resume")
    ended = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert (paused.status, paused.doc["status"], parked["status"]) == (200, "paused", "parked")
    assert (resumed.status, resumed.doc["status"], resumed.doc["resumed"]) == (200, "active", 1)
    assert ended["status"] == "delivered"


def test_a_route_is_made_read_listed_paused_and_resumed(running: Running):
    made = running.operator.post(
        "/v1/routes",
        {"event": "signals.survey-submitted", "destination": "journeys", "mapping": {"id": "id"}},
    )
    path = made.headers["location"]

    read, listed = running.operator.get(path), running.operator.get("/v1/routes").doc["routes"]
    paused, resumed = running.operator.post(f"{path}/pause"), running.operator.post(f"{path}/resume")
    running.operator.post(f"{path}/pause")

    assert (made.status, read.doc, made.doc["purpose"]) == (201, made.doc, "transactional")
    assert made.doc in listed
    assert (paused.doc["status"], resumed.doc["status"]) == ("paused", "active")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"event": "tests.nothing", "destination": "nowhere"}, ["/event", "/destination"]),
        ({"event": ORDER, "destination": "../../"}, ["/destination"]),
        ({"event": ORDER, "destination": "journeys", "mapping": {"a": "]["}}, ["/mapping/a"]),
        (
            {"event": ORDER, "destination": "journeys", "mapping": {"a": 5, "b": "x("}},
            ["/mapping/a", "/mapping/b"],
        ),
        ({"event": ORDER, "destination": "journeys", "purpose": "Two Words"}, ["/purpose"]),
        ({"event": ORDER}, ["/destination"]),
        ({"event": 5, "destination": 5}, ["/event", "/destination"]),
    ],
)
def test_a_route_that_cannot_be_is_refused(running: Running, body: Any, where: list[str]):
    answer = running.operator.post("/v1/routes", body)

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == where


@pytest.mark.parametrize("kind", ["destinations", "routes"])
def test_what_does_not_exist_is_not_found(running: Running, kind: str):
    assert_problem(running.operator.get(f"/v1/{kind}/nothing"), 404, "not-found")
    assert_problem(running.operator.post(f"/v1/{kind}/nothing/pause"), 404, "not-found")
    assert_problem(running.operator.post(f"/v1/{kind}/nothing/resume"), 404, "not-found")


@pytest.mark.feature("F121")
def test_no_door_and_no_row_tells_what_a_destination_is_reached_with(running: Running, make_key: MakeKey):
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    wanted = destination(running, secrets={"signingSecret": secret})
    assert running.operator.post("/v1/destinations", wanted).status == 201
    everything = Client.keyed(running.stack.base_url, make_key(*SECTION_SCOPES)["key"])
    sender = Client.keyed(running.stack.base_url, make_key("events:write")["key"])
    places = [route.removeprefix("GET ") for route in NEEDS if route.startswith("GET ")]
    paths = [one.replace("{id}", wanted["name"]).replace("{event}", ORDER) for one in places]

    told = [everything.get(path) for path in paths]

    assert f"/v1/destinations/{wanted['name']}" in {
        one.asked.partition(" ")[2] for one in told if one.status == 200
    }
    assert [one.asked for one in told if secret.removeprefix("whsec_") in json.dumps(one.doc)] == []
    assert [text for text in kept(running) if secret.removeprefix("whsec_") in text] == []
    assert_problem(sender.get(f"/v1/destinations/{wanted['name']}"), 403, "forbidden")


@pytest.mark.feature("F300")
def test_what_is_sent_out_verifies_as_standard_webhooks_and_a_changed_body_does_not(running: Running):
    event = f"tests.signed-{secrets.token_hex(4)}"
    about = {"title": "Signed", "description": "Goes out.", "purpose": "marketing", "retentionDays": 30}
    running.operator.post("/v1/definitions", {"event": event, **about, "fields": []})
    made = running.operator.post("/v1/destinations", destination(running))
    running.operator.post(
        "/v1/routes", {"event": event, "destination": made.headers["location"].rpartition("/")[2]}
    )
    [secret] = made.doc["secrets"].values()

    answer = running.client.post("/v1/events", {"event": event})
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    [request] = running.received(receipt["deliveries"][0]["id"])
    assert Webhook(secret).verify(request["body"], request["headers"])["type"] == event
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request["body"] + " ", request["headers"])


@pytest.mark.feature("F120")
def test_journeys_of_dynamics_365_gets_exactly_what_its_custom_trigger_takes(running: Running):
    event, trigger = f"tests.raised-{secrets.token_hex(4)}", f"msdynmkt_raised_{secrets.token_hex(4)}"
    contact, place = str(uuid4()), f"{running.stack.receiver_url}/dynamics_journeys"
    fields = [{"name": "totalValue", "type": "decimal", "description": "Any"}]
    about = {"title": "Raised", "description": "A trigger.", "purpose": "marketing", "retentionDays": 30}
    settings = {"organization": place, "authority": place, "trigger": trigger}
    entra = {"tenantId": str(uuid4()), "clientId": str(uuid4())}
    wanted = destination(running, kind="dynamics_journeys", settings=settings | entra)
    assert running.operator.post("/v1/definitions", {"event": event, **about, "fields": fields}).status == 201
    made = running.operator.post("/v1/destinations", {**wanted, "secrets": {"clientSecret": "of the app"}})
    assert made.status == 201, made.doc
    running.operator.post("/v1/routes", {"event": event, "destination": wanted["name"]})
    at = "2026-11-22T10:15:00+01:00"

    body = {
        "event": event,
        "occurredAt": at,
        "person": {"crmId": contact},
        "properties": {"totalValue": 42.5},
    }
    answer = running.client.post("/v1/events", body)
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert [one["statusCode"] for one in receipt["deliveries"][0]["attempts"]] == [204]
    lines = map(json.loads, running.stack.received.read_text().splitlines())
    [request] = [one for one in lines if one["path"] == f"/dynamics_journeys/api/data/v9.2/{trigger}"]
    sent = json.loads(request["body"])
    assert times.parse(sent.pop("msdynmkt_signalingestiontimestamp"))
    assert sent == {
        "msdynmkt_signaltimestamp": at,
        "msdynmkt_signaluserauthid": contact,
        "msdynmkt_profileid": contact,
        "msdynmkt_totalvalue": 42.5,
    }


def test_a_route_is_changed_whole_and_leads_where_it_led(running: Running):
    wanted = {"event": ORDER, "destination": "journeys", "mapping": {"id": "id"}, "purpose": "billing"}
    made = running.operator.post("/v1/routes", wanted)
    path = made.headers["location"]
    running.operator.post(f"{path}/pause")

    condition = {"field": "properties.totalValue", "is": "at-least", "value": 100}
    changed = running.operator.put(path, {"condition": condition})

    assert (changed.status, running.operator.get(path).doc) == (200, changed.doc)
    assert (changed.doc["mapping"], changed.doc["condition"]) == (None, condition)
    # The purpose is the definition's again.
    assert changed.doc["purpose"] == "marketing"
    kept = ("id", "event", "destination", "status", "createdAt")
    assert [changed.doc[name] for name in kept] == [
        *(made.doc[one] for one in kept[:3]),
        "paused",
        made.doc["createdAt"],
    ]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"event": ORDER}, ["/event"]),
        ({"destination": "journeys"}, ["/destination"]),
        ({"mapping": {"a": "]["}}, ["/mapping/a"]),
        ({"purpose": "Two Words"}, ["/purpose"]),
        ({"versions": ["nothing"]}, ["/versions/0"]),
        ({"condition": {"field": "properties.nothing", "is": "present"}}, ["/condition/field"]),
    ],
)
def test_a_route_is_not_changed_to_what_cannot_be(running: Running, body: dict[str, Any], where: list[str]):
    made = running.operator.post("/v1/routes", {"event": ORDER, "destination": "journeys"})
    path = made.headers["location"]
    running.operator.post(f"{path}/pause")

    answer = running.operator.put(path, body)

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == where
    assert_problem(running.operator.put("/v1/routes/rtnothing", {}), 404, "not-found")
