"""What comes twice under two ids starts one thing where its definition says by what the two are the same."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from local.demo.furnish import SHOP_SECRET
from tests.functions.asking import shop_order, webhook
from tests.running import Running

Announce = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def announce(running: Running) -> Announce:
    """Sends an order's webhook under a webhook id of its own; its receipt, once it has been processed."""
    event = f"tests.announced-{secrets.token_hex(4)}"
    about = {"title": "Announced", "description": "An order.", "purpose": "marketing", "retentionDays": 30}
    fields = [{"name": "orderId", "type": "text", "required": True, "description": "The shop's number"}]
    unique = {"by": ["orderId"], "hours": 24}
    place = {
        "name": event.partition(".")[2],
        "kind": "webhook",
        "settings": {"url": f"{running.stack.receiver_url}/ok"},
    }
    mapping = {"person": {"email": "email"}, "properties": {"orderId": "to_string(id)"}}
    source = {
        "name": "announcer",
        "kind": "shopify",
        "label": "webshop",
        "secrets": {"signing": SHOP_SECRET},
        "types": {"orders/create": {"event": event, "mapping": mapping}},
    }
    for path, doc in (
        ("/v1/definitions", {"event": event, **about, "unique": unique, "fields": fields}),
        ("/v1/destinations", place),
        ("/v1/routes", {"event": event, "destination": place["name"]}),
    ):
        made = running.operator.post(path, doc)
        assert made.status == 201, made.doc
    hook = running.operator.post("/v1/sources", source).doc["hookPath"]

    def send(number: int) -> dict[str, Any]:
        taken = webhook(running, shop_order(id=number), hook)
        assert taken.status == 202, taken.doc
        ended = ("delivered", "processed")
        receipt: dict[str, Any] = running.client.receipt(taken.doc["id"], lambda doc: doc["status"] in ended)
        return receipt

    return send


def received(running: Running, *receipts: dict[str, Any]) -> int:
    """How many requests the receiver had for these events."""
    deliveries = [one["id"] for receipt in receipts for one in receipt["deliveries"]]
    return sum(len(running.received(id)) for id in deliveries)


@pytest.mark.feature("F253")
def test_the_same_order_under_two_webhook_ids_is_sent_once_and_the_second_says_why(
    running: Running, announce: Announce
):
    number = secrets.randbelow(10**12)

    first, second = announce(number), announce(number)

    assert first["id"] != second["id"]
    assert (first["status"], second["status"]) == ("delivered", "processed")
    assert received(running, first, second) == 1
    [step] = [one for one in second["steps"] if one["name"] == "route"]
    assert (step["outcome"], step["reason"]) == ("skipped", "alike")
    assert first["id"] in step["detail"]
    lines = running.stack.received.read_text().splitlines()
    assert sum(f"{number}" in line for line in lines) == 1


@pytest.mark.feature("F253")
def test_another_order_is_sent_too(running: Running, announce: Announce):
    number = secrets.randbelow(10**12)

    first, other = announce(number), announce(number + 1)

    assert received(running, first, other) == 2
