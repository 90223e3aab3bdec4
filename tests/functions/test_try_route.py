"""What a preview of a route shows is what its destination gets, and what has no value is left out or has its default."""

import json
import re
import secrets
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from local.demo.furnish import SHOP_SECRET
from tests.functions.asking import assert_problem, pointers, shop_order, webhook
from tests.running import Running

NO_ID = "00000000-0000-8000-8000-000000000000"
OF_ITS_OWN = re.compile(r'("receivedAt":|"msdynmkt_signalingestiontimestamp":)"[^"]+"')
"""What of a body says when it was received or sent."""
FIELDS = [
    {"name": "orderId", "type": "text", "required": True, "description": "The shop's number"},
    {"name": "totalValue", "type": "decimal", "required": True, "description": "With tax"},
    {"name": "currency", "type": "text", "description": "ISO 4217"},
]
MAPPING = {"order": "properties.orderId", "total": "properties.totalValue", "currency": "properties.currency || 'EUR'"}  # fmt: skip
LARGE = {"field": "properties.totalValue", "is": "at-least", "value": 100}


@pytest.fixture
def event(running: Running) -> str:
    """A definition of a test's own."""
    name = f"tests.tried-{secrets.token_hex(4)}"
    about = {"title": "Tried", "description": "An order.", "purpose": "marketing", "retentionDays": 30}
    made(running, "/v1/definitions", {"event": name, **about, "fields": FIELDS})
    return name


def made(running: Running, path: str, doc: Any) -> Any:
    answer = running.operator.post(path, doc)
    assert answer.status == 201, answer.doc
    return answer.doc


def place(running: Running, kind: str) -> str:
    """A destination of a kind, under a name of its own that stands in the path that it asks for."""
    name = f"tried-{secrets.token_hex(4)}"
    wanted: dict[str, Any] = {"name": name, "kind": kind}
    if kind == "webhook":
        wanted["settings"] = {"url": f"{running.stack.receiver_url}/ok/{name}"}
    else:
        at = f"{running.stack.receiver_url}/{kind}"
        entra = {"authority": at, "tenantId": str(uuid4()), "clientId": str(uuid4())}
        wanted["settings"] = {**entra, "organization": at, "trigger": name.replace("-", "_")}
        wanted["secrets"] = {"clientSecret": "of the app"}
    made(running, "/v1/destinations", wanted)
    return name


def requests_to(running: Running, name: str) -> list[dict[str, Any]]:
    """What the receiver had for a destination."""
    lines = map(json.loads, running.stack.received.read_text().splitlines())
    return [one for one in lines if re.search(rf"/{name.replace('-', '.')}$", one["path"])]


def in_general(body: str, id: str) -> str:
    """A body without what is of one event or attempt: its id, and when it was received or sent."""
    return OF_ITS_OWN.sub(r'\1"then"', body.replace(id, NO_ID))


@pytest.mark.feature("F302")
@pytest.mark.parametrize("kind", ["webhook", "dynamics_journeys"])
@pytest.mark.parametrize("mapping", [MAPPING, None], ids=["mapped", "as it is"])
def test_what_is_delivered_is_what_was_previewed(
    running: Running, event: str, kind: str, mapping: dict[str, str] | None
):
    name = place(running, kind)
    route = {"event": event, "destination": name, "mapping": mapping, "condition": LARGE}
    posted = {
        "event": event,
        "occurredAt": "2026-11-22T10:15:00+01:00",
        "source": "checkout",
        "person": {"email": f"{name}@example.com", "crmId": str(uuid4())},
        "properties": {"orderId": "1001", "totalValue": 142.5},
    }

    previewed = running.operator.post("/v1/routes/try", {"route": route, "event": posted}).doc
    before = requests_to(running, name)
    made(running, "/v1/routes", route)
    taken = running.client.post("/v1/events", posted)
    ended = running.client.receipt(taken.doc["id"], lambda doc: doc["status"] == "delivered")

    assert (previewed["takes"], before, ended["status"]) == (True, [], "delivered")
    shown, [sent] = previewed["request"], requests_to(running, name)
    assert (shown["method"], urlsplit(shown["url"]).path) == (sent["method"], sent["path"])
    assert in_general(sent["body"], taken.doc["id"]) == in_general(shown["body"], taken.doc["id"])
    assert set(shown["headers"]) <= sent["headers"].keys()
    assert ("authorization" in shown["headers"]) == ("authorization" in sent["headers"])


@pytest.mark.feature("F302")
def test_what_the_preview_says_takes_no_route_is_not_delivered(running: Running, event: str):
    name = place(running, "webhook")
    route = {"event": event, "destination": name, "condition": LARGE}
    posted = {"event": event, "properties": {"orderId": "1001", "totalValue": 99.99}}

    previewed = running.operator.post("/v1/routes/try", {"route": route, "event": posted}).doc
    made(running, "/v1/routes", route)
    taken = running.client.post("/v1/events", posted)
    ended = running.client.receipt(taken.doc["id"], lambda doc: doc["status"] == "processed")

    assert (previewed["takes"], previewed["request"]) == (False, None)
    assert (ended["deliveries"], requests_to(running, name)) == ([], [])


@pytest.mark.feature("F274")
@pytest.mark.parametrize(
    ("mapping", "currency"),
    [
        (MAPPING, {"msdynmkt_currency": "EUR"}),
        ({**MAPPING, "currency": "properties.currency"}, {}),
    ],
    ids=["with a default", "without"],
)
def test_what_a_webhook_has_as_null_reaches_dynamics_as_its_default_or_not_at_all(
    running: Running, event: str, mapping: dict[str, str], currency: dict[str, str]
):
    name, contact, number = place(running, "dynamics_journeys"), str(uuid4()), secrets.randbelow(10**12)
    made(running, "/v1/routes", {"event": event, "destination": name, "mapping": mapping})
    properties = {"orderId": "to_string(id)", "totalValue": "to_number(total_price)", "currency": "currency"}
    types = {"event": event, "mapping": {"person": {"crmId": "note"}, "properties": properties}}
    about = {"name": name, "kind": "shopify", "label": "shop", "types": {"orders/create": types}}
    hook = made(running, "/v1/sources", {**about, "secrets": {"signing": SHOP_SECRET}})["hookPath"]

    taken = webhook(running, shop_order(id=number, note=contact, currency=None), hook)
    ended = running.client.receipt(taken.doc["id"], lambda doc: doc["status"] == "delivered")

    assert (taken.status, ended["status"]) == (202, "delivered")
    [sent] = requests_to(running, name)
    body = json.loads(sent["body"])
    told = {key: value for key, value in body.items() if "signal" not in key and key != "msdynmkt_profileid"}
    assert told == {"msdynmkt_order": str(number), "msdynmkt_total": 199.9, **currency}


@pytest.mark.feature("F274")
@pytest.mark.parametrize("field", ["orderId", "currency"])
def test_a_null_in_an_event_is_refused_and_the_refusal_says_what_to_do(
    running: Running, event: str, field: str
):
    properties = {"orderId": "1001", "totalValue": 1, field: None}

    answer = running.client.post("/v1/events", {"event": event, "properties": properties})

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == [f"/properties/{field}"]
    assert ("Leave it out" in str(answer.doc)) == (field == "currency")
