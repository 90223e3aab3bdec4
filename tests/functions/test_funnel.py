"""The doors that say how far events came, and why not further."""

import secrets
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.functions.asking import assert_problem, pointers
from tests.functions.conftest import MakeKey, Place
from tests.kill.rig import wait_until
from tests.running import Running

SECONDS = 10
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


@pytest.mark.feature("F258")
def test_why_something_did_not_reach_a_destination_is_answered_with_the_rule_that_stopped_it(
    running: Running,
):
    event, person = a_definition(running), {"email": f"{secrets.token_hex(6)}@example.com"}
    routes = running.operator.get("/v1/routes").doc["routes"]
    ok, bad = sorted((one for one in routes if one["event"] == event), key=lambda one: bool(one["condition"]))
    for members in ({}, {"source": "erp"}, {"test": True}):
        post(running, event, person=person, **members)
    told = {**person, "purpose": "marketing", "state": "opted_out", "reason": "asked"}
    assert running.client.post("/v1/consents", told).status == 200
    post(running, event, person=person)

    def rules(destination: str) -> list[str | None]:
        """By the time when the events came."""
        wanted = {"person": person, "event": event, "destination": destination}
        events = running.operator.post("/v1/why", wanted).doc["events"]
        return [one["ways"][0]["rule"] for one in sorted(events, key=lambda one: str(one["id"]))]

    assert rules(ok["destination"]) == [None, None, "test", "opted_out"]
    assert rules(bad["destination"]) == ["no_condition_met", "dead.rejected", "test", "no_condition_met"]
    [newest, *_] = running.operator.post("/v1/why", {"person": person}).doc["events"]
    [unmet] = [one["unmet"] for one in newest["ways"] if one["destination"] == bad["destination"]]
    assert unmet == [bad["condition"]]


def test_why_needs_the_right_to_read_people_events_and_routes(running: Running, make_key: MakeKey):
    wanted = {"person": {"email": "ada@example.com"}}
    needed = ["people:read", "events:read", "delivery:read"]

    for scopes in (needed[:2], needed[1:], needed[::2]):
        client = type(running.client).keyed(running.stack.base_url, make_key(*scopes)["key"])
        assert_problem(client.post("/v1/why", wanted), 403, "forbidden")
    marketer = type(running.client).keyed(running.stack.base_url, make_key(*needed)["key"])
    assert marketer.post("/v1/why", wanted).status == 200


def test_a_stranger_is_told_nothing_of_anybody_here(running: Running, stranger: Place):
    running.client.receipt(running.post_order().doc["id"], lambda doc: doc["status"] == "delivered")

    told = stranger.client.post("/v1/why", {"person": {"email": "ada@example.com"}}).doc

    assert (told["personId"], told["events"], told["rule"]) == (None, [], "nobody")


def test_what_was_refused_is_counted_beside_the_stages(running: Running):
    event = a_definition(running)
    assert running.client.post("/v1/events", {"event": event, "version": "none"}).status == 422

    def refused() -> int:
        doc = running.client.get(f"/v1/definitions/{event}/funnel").doc
        assert doc["stages"][0]["count"] == 0
        return int(doc["refused"]["count"])

    wait_until(lambda: refused() == 1, "the refusal to be noted", SECONDS)
    assert (
        running.operator.post("/v1/why", {"person": {"crmId": "x"}, "event": event}).doc["refused"]["count"]
        == 1
    )
