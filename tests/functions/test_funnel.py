"""The doors that say how far events came, and why not further."""

import secrets
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.functions.asking import assert_problem, pointers
from tests.functions.conftest import MakeKey, Place
from tests.running import Running

ENDED = ("delivered", "failed", "refused", "processed")


def a_definition(running: Running) -> str:
    """A new one, whose events go to a destination that takes them and to one that refuses them."""
    event = f"tests.funnel-{secrets.token_hex(4)}"
    about = {"title": "Counted", "description": "Any.", "purpose": "marketing", "retentionDays": 30}
    running.operator.post("/v1/definitions", {"event": event, **about, "fields": []})
    for path in ("ok", "bad"):
        name = f"{path}-{secrets.token_hex(4)}"
        settings = {"url": f"{running.stack.receiver_url}/{path}/{name}", "timeoutSeconds": 5}
        running.operator.post("/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
        wanted = {"event": event, "destination": name, "versions": None}
        condition = {"field": "source", "is": "equals", "value": "erp"} if path == "bad" else None
        running.operator.post("/v1/routes", {**wanted, "condition": condition})
    return event


def post(running: Running, event: str, **members: Any) -> dict[str, Any]:
    """The receipt of an event, once it has come to its end."""
    id = running.client.post("/v1/events", {"event": event, **members}).doc["id"]
    receipt: dict[str, Any] = running.client.receipt(id, lambda doc: doc["status"] in ENDED)
    return receipt


@pytest.mark.feature("F257")
def test_the_reasons_of_every_gap_add_up_to_it(running: Running):
    event, address = a_definition(running), f"{secrets.token_hex(6)}@example.com"
    told = {"email": address, "purpose": "marketing", "state": "opted_out", "reason": "asked"}
    assert running.client.post("/v1/consents", told).status == 200
    receipts = [
        post(running, event, person={"email": f"a{address}"}),
        post(running, event, person={"email": f"b{address}"}, source="erp"),
        post(running, event, person={"email": address}),
        post(running, event, person={}),
        post(running, event, test=True),
    ]

    funnel = running.client.get(f"/v1/definitions/{event}/funnel").doc

    assert [one["status"] for one in receipts] == ["delivered", "failed", "refused", "delivered", "processed"]
    assert {one["stage"]: one["count"] for one in funnel["stages"]} == {
        **dict.fromkeys(("received", "valid", "resolved"), 4),
        **dict.fromkeys(("consented", "routed", "delivered"), 3),
    }
    for before, one in pairwise(funnel["stages"]):
        assert before["count"] - one["count"] == one["gap"] == sum(each["count"] for each in one["reasons"])
    for one in funnel["destinations"]:
        lost = sum(each["count"] for each in one["reasons"])
        assert one["deliveries"] - one["delivered"] == one["gap"] == lost
    assert (funnel["tests"], funnel["withoutPerson"], funnel["approximate"]) == (1, 1, True)


def test_hours_are_counted_again_by_whoever_operates(running: Running, make_key: MakeKey):
    now = datetime.now(UTC)
    wanted = {"since": (now - timedelta(hours=5)).isoformat(), "until": now.isoformat()}

    first = running.operator.post("/v1/funnels/count", wanted)
    again = running.operator.post("/v1/funnels/count", wanted)
    reader = make_key("events:read")["key"]
    refused = type(running.client).keyed(running.stack.base_url, reader).post("/v1/funnels/count", wanted)

    assert (first.status, first.doc["next"], again.doc) == (200, None, first.doc)
    assert first.doc["counted"] >= 4
    assert_problem(refused, 403, "forbidden")


def test_a_definition_of_another_section_is_not_found(running: Running, stranger: Place):
    assert_problem(stranger.client.get("/v1/definitions/transactions.order-placed/funnel"), 404, "not-found")


def test_a_query_that_cannot_be_used_is_refused_with_its_places(running: Running):
    answer = running.client.get("/v1/definitions/transactions.order-placed/funnel?since=yesterday&step=week")

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/step", "/since"]
