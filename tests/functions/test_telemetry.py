"""What the running app says of itself: everything about an event, and nothing of whom it is about or what opens anything.

The host runs with all that there is: lines of every level, every trace, and all measures as it ends.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from local.demo.furnish import SHOP_SECRET, TYPES
from tests.functions.asking import ask, shop_order, webhook
from tests.running import Running, order, started

TRACE = secrets.token_hex(16)
PERSON = {
    "email": "canary.person@example.com",
    "mobile": "+46701740605",
    "crmId": "canary-crm-id",
    "externalIds": {"erp": "canary-erp-id"},
    "deviceId": "canary-device-id",
}
PROPERTIES = {"orderId": "canary-order-id", "totalValue": 8437.25, "currency": "EUR"}
QUERY = "code=canary-code&access_token=canary-access-token&sig=canary-sig"


@dataclass(frozen=True, slots=True)
class Said:
    """What the host wrote while it ran and as it ended, and what must not be in it, by what it is."""

    text: str
    canaries: Mapping[str, str]
    receipt: Mapping[str, Any]

    @property
    def lines(self) -> list[dict[str, Any]]:
        found = [line.partition(" ")[2] for line in self.text.splitlines()]
        return [json.loads(one) for one in found if one.startswith('{"step"')]

    @property
    def spans(self) -> list[dict[str, Any]]:
        lines = [line for line in self.text.splitlines() if line.startswith("SPAN ")]
        return [json.loads(line.removeprefix("SPAN ")) for line in lines]

    @property
    def measures(self) -> dict[str, list[Mapping[str, str]]]:
        """The attributes of each metric's points."""
        found: dict[str, list[Mapping[str, str]]] = {}
        for line in self.text.splitlines():
            if line.startswith("METRICS "):
                told = json.loads(line.removeprefix("METRICS "))
                for one in told["resource_metrics"][0]["scope_metrics"][0]["metrics"]:
                    points = one["data"]["data_points"]
                    found.setdefault(one["name"], []).extend(point["attributes"] for point in points)
        return found


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    home = tmp_path_factory.mktemp("telling")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALBOX_TELEMETRY", "terminal")
        patch.setenv(
            "PYTHON_ENABLE_OPENTELEMETRY", "true"
        )  # as in Azure: the worker sets a context of its own
        patch.setenv("SIGNALBOX_LOG_LEVEL", "DEBUG")
        with started(home) as running:
            receipt = everything(running)
            canaries = {**canaries_of(running), **hooks_of(running)}
            log = running.stack.host_log
    return Said(log.read_text(), canaries, receipt)


def everything(running: Running) -> Mapping[str, Any]:
    """Send good and bad at every door where it hurts; the receipt of what was delivered."""
    traceparent = f"00-{TRACE}-00f067aa0ba902b7-00"
    sent = order(person=PERSON, properties=PROPERTIES)
    headers = {"traceparent": traceparent, "tracestate": "canary=canary-state", "User-Agent": "canary-agent"}
    accepted = running.client.send("POST", f"/v1/events?{QUERY}", json.dumps(sent).encode(), headers)
    assert accepted.status == 202, accepted.doc
    fail(running)
    hooks(running)
    running.operator.post("/v1/tick")
    receipt = running.client.receipt(accepted.doc["id"], lambda doc: doc["status"] == "delivered")
    for path in (f"/v1/people/{receipt['personId']}", "/v1/dead-letters", "/v1/quarantine", "/health/live"):
        running.client.get(f"{path}?{QUERY}")
    return dict(receipt)


def fail(running: Running) -> None:
    """What is refused, by whoever it is."""
    client, anonymous = running.client, running.anonymous
    client.post("/v1/events", order(person=PERSON, properties={**PROPERTIES, "totalValue": "canary-total"}))
    client.post("/v1/events", order(event="canary.unknown-event", person=PERSON))
    client.post("/v1/events", order(person={"email": "canary.person@example.com", "canary-member": 1}))
    client.post(
        "/v1/events/batch",
        {"events": [order(person=PERSON), order(properties={"orderId": "canary-order-id"})]},
    )
    ask(client, "POST", f"/v1/events?{QUERY}", b'{"canary-malformed": ')
    ask(anonymous, "POST", "/v1/events", b"{}", Authorization="Bearer sbx_canary-key")
    ask(anonymous, "POST", "/v1/events", b"{}", Authorization="Basic Y2FuYXJ5LWJhc2lj")
    ask(client, "PATCH", f"/v1/canary-path/canary-path?{QUERY}")
    ask(client, "GET", f"/v1/events/canary-path?{QUERY}")


def hooks(running: Running) -> None:
    """Webhooks that become events, are kept, do not hold, lead nowhere, or have their path as credential."""
    body = shop_order(email="canary.person@example.com")
    assert webhook(running, body).status == 202
    webhook(
        running,
        shop_order(email="canary.person@example.com", id="canary-order-id", total_price="canary-total"),
    )
    webhook(running, body, f"{running.demo.hook}?{QUERY}", X_Shopify_Hmac_Sha256="Y2FuYXJ5LXNpZ25hdHVyZQ==")
    webhook(running, body, f"/v1/hooks/canary-hook?{QUERY}")
    about = {"name": "open", "kind": "shopify", "label": "crm", "unverified": True}
    made = running.operator.post("/v1/sources", {**about, "types": TYPES})
    assert made.status == 201, made.doc
    hook = made.doc["hookPath"]
    ask(running.anonymous, "POST", f"{hook}?{QUERY}", body)
    ask(running.anonymous, "GET", f"{hook}?{QUERY}")


def canaries_of(running: Running) -> Mapping[str, str]:
    keys = {"a key": running.demo.key, "a deployment key": running.deployment_key}
    return {
        **{name: key.rpartition("_")[2] for name, key in keys.items()},
        "whatever was marked": "canary",
        "the same in Base64": "Y2FuYXJ5",
        "a number of a person": PERSON["mobile"].lstrip("+"),  # type: ignore[attr-defined]
        "an address": "@example.com",
        "a value": "8437.25",
        "a webhook's secret": SHOP_SECRET,
        "a master key": running.stack.environment["SIGNALBOX_MASTER_KEYS"],
        "the storage's key": "AccountKey",
        "a query": "?",
    }


def hooks_of(running: Running) -> Mapping[str, str]:
    sources = running.operator.get("/v1/sources").doc["sources"]
    return {f"the id of source {one['name']}": one["id"] for one in sources}


def test_nothing_of_a_person_and_nothing_that_opens_anything_is_said(said: Said):
    assert len(said.canaries) > 10
    assert [what for what, value in said.canaries.items() if value in said.text] == []


def test_an_events_trace_is_one_from_the_door_to_its_destination_and_is_in_its_receipt(said: Said):
    mine = [one for one in said.spans if one["context"]["trace_id"] == f"0x{TRACE}"]
    names = {one["name"]: one for one in mine}

    assert said.receipt["traceId"] == TRACE
    assert {*names} == {"POST /v1/events", "process event", "deliver event"}
    door = names["POST /v1/events"]["context"]["span_id"]
    assert {names[one]["parent_id"] for one in ("process event", "deliver event")} == {door}


def test_each_step_leaves_a_line_and_none_has_other_fields_than_are_listed(said: Said):
    steps = {line["step"] for line in said.lines}
    doors = {line.get("door") for line in said.lines if line["step"] == "request"}

    assert {"request", "process", "deliver", "tick"} <= steps
    assert {"POST /v1/events", "POST /v1/hooks/{source}", "GET /v1/people/{id}", "*"} <= doors
    assert {"request", "process", "deliver"} == {one["step"] for one in said.lines if one["traceId"] == TRACE}


def test_who_only_asks_leaves_no_span(said: Said):
    assert [one["name"] for one in said.spans if one["name"].startswith("GET ")] == []


def test_events_deliveries_and_durations_are_measured(said: Said):
    events, deliveries = said.measures["signalbox.events"], said.measures["signalbox.deliveries"]

    assert {"signalbox.delivery.duration", "signalbox.event.duration"} <= said.measures.keys()
    for door, outcome, reason in (
        ("event", "accepted", "none"),
        ("event", "rejected", "invalid"),
        ("event", "rejected", "unknown-event"),
        ("event", "rejected", "malformed-body"),
        ("event", "rejected", "unauthenticated"),
        ("batch", "accepted", "none"),
        ("webhook", "accepted", "none"),
        ("webhook", "rejected", "unauthenticated"),
        ("webhook", "rejected", "not-found"),
    ):
        assert {"door": door, "outcome": outcome, "reason": reason} in events
    assert {"kind": "webhook", "outcome": "delivered", "reason": "none"} in deliveries
