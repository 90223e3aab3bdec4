"""What every door answers when all goes well is what `GET /openapi.json` says, member by member."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from local.client import Client, Response
from local.demo.furnish import BOOKING, DEFINITIONS, ORDER, SECTION, SHOP, TYPES
from tests.described import Answered, Description
from tests.functions.asking import ask, shop_order, webhook
from tests.running import Running, order

PAGES = ("/reference", "/problems", "/problems/invalid", "/llms.txt")
PERSON = {
    "email": "grace@example.com",
    "mobile": "+46701740605",
    "externalIds": {"erp": "7"},
    "deviceId": "d",
}


@pytest.fixture(scope="module")
def answers(running: Running) -> list[Response]:
    """An answer of every door."""
    rooms = (
        *(the_app, access, keys, clients, sources, definitions, ways_out, subscriptions),
        *(events, webhooks, greetings, people, dead_letters),
    )
    return [answer for room in rooms for answer in room(running)]


@pytest.mark.slow
@pytest.mark.feature("F132")
def test_every_answer_is_as_it_is_described(running: Running, answers: list[Response]):
    description = Description(running.anonymous.get("/openapi.json").doc)

    for answer in answers:
        assert list(description.faults(answered(answer))) == [], answer


@pytest.mark.slow
@pytest.mark.feature("F132")
def test_every_door_has_been_asked_and_has_answered_well(running: Running, answers: list[Response]):
    document = running.anonymous.get("/openapi.json").doc
    description = Description(document)
    good = [answered(answer) for answer in answers if answer.status < 300]
    asked = [description.operation(one.method, one.path) for one in good]

    every = [operation for item in document["paths"].values() for operation in item.values()]
    assert [one["operationId"] for one in every if one not in asked] == []


def test_what_is_not_described_is_found_out(running: Running):
    description = Description(running.anonymous.get("/openapi.json").doc)
    live = answered(running.anonymous.get("/health/live"))
    wrong = [
        Answered("GET", "/health/live", 200, live.headers, {"status": "alive", "more": 1}),
        Answered("GET", "/health/live", 200, live.headers, {"status": "dead"}),
        Answered("GET", "/health/live", 201, live.headers, live.doc),
        Answered("GET", "/health/live", 200, {**live.headers, "location": "/"}, live.doc),
        Answered("GET", "/health/live", 200, {"content-type": "text/plain"}, live.doc),
        Answered("GET", "/v1/events", 401, {"content-type": "application/problem+json"}, {}),
        Answered("GET", "/nowhere", 200, live.headers, live.doc),
    ]

    assert list(description.faults(live)) == []
    assert [one for one in wrong if not list(description.faults(one))] == []


def answered(answer: Response) -> Answered:
    method, _, target = answer.asked.partition(" ")
    return Answered(method, target.partition("?")[0], answer.status, answer.headers, answer.doc)


def fresh(name: str) -> str:
    return f"{name}-{secrets.token_hex(4)}"


def the_app(running: Running) -> Iterator[Response]:
    yield running.anonymous.get("/health/live")
    yield running.anonymous.get("/health/ready")
    yield running.operator.get("/health/ready")
    yield running.anonymous.get("/openapi.json")
    yield from (ask(running.anonymous, "GET", path) for path in PAGES)
    yield Client.keyed(running.stack.base_url, running.deployment_key).post("/v1/tick")


def access(running: Running) -> Iterator[Response]:
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)
    [demo] = [one for one in deployment.get("/v1/sections").doc["sections"] if one["id"] == SECTION]
    body = {name: value for name, value in demo.items() if name not in ("createdAt", "deletedAt", "status")}
    made = deployment.post("/v1/sections", {**body, "id": fresh("s")})
    yield made
    settings = {name: value for name, value in body.items() if name not in ("id", "buckets")}
    yield deployment.put(f"/v1/sections/{made.doc['id']}", settings)
    yield deployment.post(f"/v1/sections/{made.doc['id']}/pause")
    yield deployment.post(f"/v1/sections/{made.doc['id']}/resume")
    yield deployment.post(f"/v1/sections/{made.doc['id']}/rotate")
    yield deployment.get(f"/v1/sections/{made.doc['id']}/export")
    deployment.post(f"/v1/sections/{made.doc['id']}/pause")
    yield deployment.send("DELETE", f"/v1/sections/{made.doc['id']}?confirm={made.doc['id']}")
    yield deployment.get("/v1/sections")
    yield running.client.get("/v1/me")


def keys(running: Running) -> Iterator[Response]:
    limits = {"events": [ORDER], "expiresAt": "2999-01-01T00:00:00Z"}
    made = running.operator.post("/v1/keys", {"name": "a", "scopes": ["operate"], "source": "b", **limits})
    path = f"/v1/keys/{made.doc['id']}"
    yield made
    yield running.operator.post(f"{path}/rotate")
    yield running.operator.post(f"{path}/revoke", {"secret": 1})
    yield running.operator.post(f"{path}/revoke")
    yield running.operator.get("/v1/keys")


def clients(running: Running) -> Iterator[Response]:
    doc = {"id": str(uuid4()), "name": "a", "scopes": ["operate"], "source": "b", "events": [ORDER]}
    yield running.operator.post("/v1/clients", doc)
    yield running.operator.get("/v1/clients")
    yield running.operator.post(f"/v1/clients/{doc['id']}/revoke")
    yield running.operator.get("/v1/audit?limit=100")


def sources(running: Running) -> Iterator[Response]:
    made = running.operator.post("/v1/sources", {**SHOP, "name": fresh("shop"), "types": TYPES})
    path = f"/v1/sources/{made.doc['id']}"
    mapped = {"orders/create": {"event": ORDER, "mapping": {"properties": {"orderId": "'1'"}}}}
    yield made
    yield webhook(running, shop_order(), made.doc["hookPath"], X_Shopify_Hmac_Sha256="wrong")
    yield running.operator.get(f"{path}/rejected")
    yield running.operator.put(f"{path}/types", mapped)
    yield running.operator.put(f"{path}/quota", {"perMinute": 600})
    payload = {"email": "grace@example.com", "total_price": "1.00", "id": 7, "more": [1]}
    tried = {"type": "orders/create", "payload": payload}
    yield running.operator.post(f"{path}/try", tried)
    yield running.operator.post(f"{path}/try", {**tried, "meaning": TYPES["orders/create"]})
    yield running.operator.post(f"{path}/try", {**tried, "type": "unheard"})
    yield running.operator.post(f"{path}/pause")
    yield running.operator.post(f"{path}/resume")
    yield running.operator.post(f"{path}/rotate", {"signing": secrets.token_hex(8)})
    yield running.operator.get(path)
    yield running.operator.get("/v1/sources")


def definitions(running: Running) -> Iterator[Response]:
    event = fresh("tests.described")
    fields = [{"name": "silent", "type": "text"}]
    path = f"/v1/definitions/{event}"
    yield running.operator.post(
        "/v1/definitions", {**DEFINITIONS[0], "event": event, "retentionDays": None, "fields": fields}
    )
    added = running.operator.post(f"{path}/versions", {"fields": DEFINITIONS[0]["fields"]})
    yield added
    yield running.operator.get(path)
    yield running.operator.get(f"{path}/versions")
    yield running.operator.get(f"{path}/versions/{added.doc['version']['id']}")
    yield running.operator.get(f"{path}/schema")
    yield running.operator.get("/v1/definitions")


def ways_out(running: Running) -> Iterator[Response]:
    name, settings = fresh("out"), {"url": running.stack.receiver_url + "/ok", "timeoutSeconds": 5}
    yield running.operator.post("/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
    changed = {"settings": {**settings, "maxAgeHours": 24}}
    yield running.operator.put(f"/v1/destinations/{name}", changed)
    yield from paused_and_resumed(running, f"/v1/destinations/{name}")
    yield running.operator.get("/v1/destinations")
    routed = {"event": ORDER, "destination": name, "mapping": {"orderId": "properties.orderId"}}
    yield running.operator.post("/v1/routes/try", {"route": routed, "event": {"event": ORDER}})
    made = running.operator.post("/v1/routes", {**routed, "purpose": "transactional"})
    yield made
    yield running.operator.put(f"/v1/routes/{made.doc['id']}", {"mapping": {"number": "properties.orderId"}})
    yield from paused_and_resumed(running, f"/v1/routes/{made.doc['id']}")
    running.operator.post(f"/v1/routes/{made.doc['id']}/pause")
    yield running.operator.get("/v1/routes")


def subscriptions(running: Running) -> Iterator[Response]:
    wanted = {"events": [ORDER, "delivery.failed"], "url": running.stack.receiver_url + "/ok"}
    made = running.operator.post("/v1/subscriptions", {**wanted, "destination": "crm"})
    yield made
    path = made.headers["location"]
    yield running.operator.get("/v1/subscriptions")
    yield running.operator.get(path)
    yield running.operator.post(f"{path}/resume")
    yield running.operator.send("DELETE", path)
    told = running.operator.post("/v1/failure-subscriptions", {"url": wanted["url"]})
    yield told
    yield running.operator.send("DELETE", told.headers["location"])


def paused_and_resumed(running: Running, path: str) -> Iterator[Response]:
    yield running.operator.post(f"{path}/pause")
    yield running.operator.post(f"{path}/resume")
    yield running.operator.get(path)


def events(running: Running) -> Iterator[Response]:
    wanted = order(person=PERSON)
    yield from (running.client.post("/v1/events", wanted) for _ in range(2))
    yield running.post_order(id=None)
    batch = [wanted, order(test=True), order(properties={"orderId": 1}), {"event": "no.such"}, 5]
    yield running.client.post("/v1/events/batch", {"events": batch})
    yield from (running.anonymous.send("OPTIONS", f"/v1/events{of}") for of in ("", "/batch"))
    yield running.client.get("/v1/events?limit=10")
    yield running.client.get(f"/v1/definitions/{ORDER}/funnel")
    yield running.client.get("/v1/metrics?step=day")
    yield running.operator.get("/v1/usage")
    yield running.operator.post("/v1/funnels/count", counted())
    yield running.operator.post("/v1/why", {"person": PERSON, "event": ORDER})


def counted() -> dict[str, str]:
    """The last hours."""
    now = datetime.now(UTC)
    return {"since": (now - timedelta(hours=3)).isoformat(), "until": now.isoformat()}


def webhooks(running: Running) -> Iterator[Response]:
    """One that is taken in twice, and one that is quarantined until its type is known."""
    made = running.operator.post("/v1/sources", {**SHOP, "name": fresh("shop"), "types": TYPES}).doc
    twice = {"X_Shopify_Webhook_Id": fresh("hook")}
    yield from (webhook(running, shop_order(), made["hookPath"], **twice) for _ in range(2))
    yield webhook(running, shop_order(), made["hookPath"], X_Shopify_Topic="orders/updated")
    kept = running.operator.get("/v1/quarantine?cause=unknown-type&limit=100")
    yield kept
    [id] = [one["id"] for one in kept.doc["quarantine"] if one["source"] == made["id"]]
    yield running.operator.get(f"/v1/quarantine/{id}/fixture")
    mapping: dict[str, Any] = {"properties": {"orderId": "'1'", "totalValue": "`1`"}}
    types = {"orders/updated": {"event": ORDER, "mapping": mapping}}
    running.operator.put(f"/v1/sources/{made['id']}/types", types)
    yield running.operator.post(f"/v1/quarantine/{id}/replay")
    yield running.operator.get("/v1/quarantine/groups")
    yield running.operator.post("/v1/quarantine/find", {"person": {"email": "grace@example.com"}})
    yield running.operator.post("/v1/quarantine/replay", {"cause": "invalid"})


def greetings(running: Running) -> Iterator[Response]:
    """What vendors ask before they send, and a webhook that holds several events, first kept and then taken in."""
    secret = {"signing": "a shared secret"}
    asked = running.operator.post(
        "/v1/sources", {"name": "a", "kind": "intercom", "label": "a", "secrets": secret}
    ).doc
    yield running.anonymous.get(asked["hookPath"])
    yield running.anonymous.send("PUT", asked["hookPath"], b"", {})
    yield running.operator.put(f"/v1/sources/{asked['id']}/settings", {})
    about = {"name": "b", "kind": "cloudevents", "label": "b", "secrets": secret}
    made = running.operator.post("/v1/sources", about).doc
    origin = {"WebHook-Request-Origin": "events.example.com", "WebHook-Request-Rate": "10"}
    yield running.anonymous.send("OPTIONS", made["hookPath"], b"", origin)
    yield running.anonymous.get(made["hookPath"])
    one = {
        "specversion": "1.0",
        "type": "order",
        "source": "/shop",
        "data": {"number": "1001", "total": 42.5},
    }
    batch = json.dumps([{**one, "id": fresh("e")}, {**one, "id": fresh("e")}]).encode()
    headers = {
        "Content-Type": "application/cloudevents-batch+json",
        "Authorization": "Bearer a shared secret",
    }
    yield running.anonymous.send("POST", made["hookPath"], batch, headers)
    mapping = {"properties": {"orderId": "data.number", "totalValue": "data.total"}}
    running.operator.put(f"/v1/sources/{made['id']}/types", {"order": {"event": ORDER, "mapping": mapping}})
    kept = running.operator.get("/v1/quarantine?cause=unknown-type&limit=100").doc["quarantine"]
    [id] = [one["id"] for one in kept if one["source"] == made["id"]]
    yield running.operator.post(f"/v1/quarantine/{id}/replay")
    yield running.anonymous.send("POST", made["hookPath"], batch, headers)


def people(running: Running) -> Iterator[Response]:
    event = running.post_order(person=PERSON).doc["id"]
    person = running.client.receipt(event, lambda doc: doc["status"] == "delivered")["personId"]
    yield running.client.get(f"/v1/events/{event}")
    yield running.client.get(f"/v1/events/{event}/fixture")
    yield running.client.get(f"/v1/people/{person}")
    yield running.client.get(f"/v1/people/{person}/timeline")
    told = {"email": "other@example.com", "purpose": "marketing", "state": "opted_out", "reason": "asked"}
    yield running.client.post("/v1/consents", told)


def dead_letters(running: Running) -> Iterator[Response]:
    event = running.client.post("/v1/events", {"event": BOOKING, "properties": {"bookingId": "1"}}).doc["id"]
    receipt = running.client.receipt(event, lambda doc: doc["status"] == "failed")
    yield running.client.get(f"/v1/events/{event}")
    yield running.operator.get("/v1/dead-letters?limit=100")
    yield running.operator.get("/v1/dead-letter-groups")
    yield running.operator.get(f"/v1/dead-letters/{receipt['deliveries'][0]['id']}")
    yield running.operator.post(f"/v1/dead-letters/{receipt['deliveries'][0]['id']}/replay")
    delivered = running.post_order().doc["id"]
    receipt = running.client.receipt(delivered, lambda doc: doc["status"] == "delivered")
    yield running.operator.post(f"/v1/deliveries/{receipt['deliveries'][0]['id']}/replay", {"as": "new"})
    yield running.operator.post("/v1/replays/try", {"cause": "rejected"})
    yield from replays(running)


def replays(running: Running) -> Iterator[Response]:
    name, settings = fresh("refusing"), {"url": running.stack.receiver_url + "/bad", "timeoutSeconds": 5}
    running.operator.post("/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
    made = running.operator.post("/v1/routes", {"event": BOOKING, "destination": name})
    for _ in range(2):
        posted = running.client.post("/v1/events", {"event": BOOKING, "properties": {"bookingId": "2"}})
        running.client.receipt(posted.doc["id"], lambda doc: doc["status"] == "failed")
    running.operator.post(f"/v1/routes/{made.doc['id']}/pause")
    begun = running.operator.post("/v1/replays", {"filter": {"destination": name}, "perMinute": 1})
    yield begun
    yield running.operator.get(begun.headers["location"])
    yield running.operator.post(f"{begun.headers['location']}/stop")
    yield running.operator.post(f"{begun.headers['location']}/resume")
    yield running.operator.get("/v1/replays")
