"""The door of webhooks: who signed is taken at their word, who did not leaves a trace that tells nothing."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from local.demo.furnish import SHOP_SECRET, TYPES
from shared.stages.receive import MAX_BODY_BYTES
from tests.functions.asking import ask_in_bytes, assert_problem, shop_order, signature, webhook
from tests.functions.conftest import Place
from tests.running import Running

ORDER = "transactions.order-placed"

MakeSource = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def make_source(running: Running) -> MakeSource:
    """Registers Shopify sources of their own that sign with the demo's secret."""

    def make(types: Any = TYPES) -> dict[str, Any]:
        body = {"name": "shop", "kind": "shopify", "label": "webshop", "secrets": {"signing": SHOP_SECRET}}
        answer = running.operator.post("/v1/sources", {**body, "types": types})
        assert answer.status == 201, answer.doc
        made: dict[str, Any] = answer.doc
        return made

    return make


def mapped(order_id: str) -> dict[str, Any]:
    """Types whose one mapping takes the order's id from this expression."""
    mapping = {"properties": {"orderId": order_id, "totalValue": "to_number(total_price)"}}
    return {"orders/create": {"event": ORDER, "mapping": mapping}}


def quarantined(running: Running, source: dict[str, Any]) -> list[dict[str, Any]]:
    kept = running.client.get("/v1/quarantine?limit=100").doc["quarantine"]
    return [one for one in kept if one["source"] == source["id"]]


def test_a_genuine_webhook_becomes_an_event(running: Running):
    answer = webhook(running, shop_order(total_price="199.90"))
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert (answer.status, answer.doc["event"]) == (202, ORDER)
    assert receipt["person"]["email"] == "grace@example.com"
    assert receipt["source"] == "webshop"
    [request] = running.received(receipt["deliveries"][0]["id"])
    assert '"totalValue":199.90' in request["body"]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (signature("another-secret", shop_order()), "mismatch"),
        (signature(SHOP_SECRET, shop_order() + b" "), "mismatch"),
        ("not base64!", "malformed"),
        ("AAAA", "malformed"),
        ("", "missing"),
    ],
    ids=["another secret", "another body", "no base64", "too short", "none"],
)
def test_a_wrong_signature_is_refused_and_leaves_a_trace_that_tells_nothing(
    running: Running, make_source: MakeSource, sent: str, reason: str
):
    source = make_source()

    answer = webhook(running, shop_order(), source["hookPath"], X_Shopify_Hmac_Sha256=sent, X_Cookie="crumbs")
    [row] = running.client.get(f"/v1/sources/{source['id']}/rejected").doc["rejected"]

    assert_problem(answer, 401, "unauthenticated")
    assert row["reason"] == reason
    assert row["bytes"] == len(shop_order())
    assert set(row) == {"at", "reason", "diagnosis", "headers", "bytes"}
    assert "x-cookie" in row["headers"]
    assert not [told for told in ("grace", "crumbs", "orders/create", sent) if told and told in str(row)]
    assert quarantined(running, source) == []


def test_a_rotated_secret_takes_over_while_the_previous_one_still_counts(
    running: Running, make_source: MakeSource
):
    source, body = make_source(), shop_order()

    def status(secret: str) -> int:
        signed = signature(secret, body)
        return webhook(running, body, source["hookPath"], X_Shopify_Hmac_Sha256=signed).status

    before = status("second-secret")
    rotated = running.operator.post(f"/v1/sources/{source['id']}/rotate", {"signing": "second-secret"})
    both = [status("second-secret"), status(SHOP_SECRET)]
    running.operator.post(f"/v1/sources/{source['id']}/rotate", {"signing": "third-secret"})
    after = [status("third-secret"), status("second-secret"), status(SHOP_SECRET)]

    assert (before, rotated.status, rotated.doc["secrets"]) == (401, 200, 2)
    assert both == [202, 202]
    assert after == [202, 202, 401]
    assert "secret" not in json.dumps(rotated.doc).replace('"secrets"', "")


@pytest.mark.feature("F123")
def test_a_repeat_is_the_same_event_whatever_it_says(running: Running):
    delivery = secrets.token_hex(8)

    first = webhook(running, shop_order(), X_Shopify_Webhook_Id=delivery)
    same = webhook(running, shop_order(), X_Shopify_Webhook_Id=delivery)
    noted = running.client.get(first.doc["receipt"]).doc["repeatDiffers"]
    other = webhook(running, shop_order(total_price="1.00"), X_Shopify_Webhook_Id=delivery)
    receipt = running.client.get(first.doc["receipt"]).doc

    assert [one.status for one in (first, same, other)] == [202] * 3
    assert same.doc == other.doc == first.doc
    assert [one.headers.get("idempotency-replayed") for one in (first, same, other)] == [None, "true", "true"]
    assert (noted, receipt["repeatDiffers"]) == (False, True)
    assert receipt["properties"]["totalValue"] == 199.9


@pytest.mark.parametrize(
    ("body", "headers", "types", "cause"),
    [
        (shop_order(), {"X_Shopify_Topic": "orders/unheard"}, TYPES, "unknown-type"),
        (b"<xml/>", {}, TYPES, "malformed-body"),
        (b"", {}, TYPES, "malformed-body"),
        (shop_order(), {"Content_Encoding": "gzip"}, TYPES, "malformed-body"),
        (shop_order(), {"Content_Encoding": "br"}, TYPES, "invalid"),
        (b" " * MAX_BODY_BYTES + shop_order(), {}, TYPES, "body-too-large"),
        (shop_order(), {"X_Shopify_Topic": ""}, TYPES, "invalid"),
        (shop_order(), {"X_Shopify_Webhook_Id": ""}, TYPES, "invalid"),
        (shop_order(total_price=None), {}, TYPES, "invalid"),
        (b"[]", {}, TYPES, "invalid"),
        (shop_order(), {}, {"orders/create": {"event": "tests.nothing"}}, "unknown-event"),
        (shop_order(), {}, {"orders/create": {"event": ORDER, "version": "v0"}}, "unknown-version"),
        (shop_order(), {}, mapped("id"), "invalid"),
        (shop_order(), {}, mapped("contains(id, 'x')"), "invalid"),
    ],
    ids=[
        "unknown type",
        "not JSON",
        "empty",
        "not gzip",
        "brotli",
        "too large",
        "no topic",
        "no webhook id",
        "a field that is missing",
        "a list",
        "unknown event",
        "unknown version",
        "a mapping to another type",
        "a mapping that has no value",
    ],
)
def test_what_cannot_become_an_event_yet_is_accepted_and_kept(
    running: Running, make_source: MakeSource, body: bytes, headers: dict[str, str], types: Any, cause: str
):
    source = make_source(types)
    signed = signature(SHOP_SECRET, body)

    answer = webhook(running, body, source["hookPath"], X_Shopify_Hmac_Sha256=signed, **headers)
    [kept] = quarantined(running, source)

    assert (answer.status, answer.doc) == (202, {"status": "quarantined"})
    assert (kept["cause"], kept["bytes"]) == (cause, len(body))
    assert "grace" not in json.dumps(kept)


def test_what_was_kept_becomes_an_event_once_its_source_is_mended(running: Running, make_source: MakeSource):
    source = make_source({})
    webhook(running, shop_order(), source["hookPath"])
    [kept] = quarantined(running, source)
    replay = f"/v1/quarantine/{kept['id']}/replay"

    still = running.client.post(replay)
    running.client.put(f"/v1/sources/{source['id']}/types", TYPES)
    mended = running.client.post(replay)

    assert_problem(still, 422, "unknown-type")
    assert (mended.status, mended.doc["event"]) == (202, ORDER)
    assert running.client.get(mended.doc["receipt"]).status == 200
    assert quarantined(running, source) == []
    assert_problem(running.client.post(replay), 404, "not-found")


def test_what_comes_to_a_paused_source_is_kept_and_taken_in_when_it_is_resumed(
    running: Running, make_source: MakeSource
):
    source = make_source()
    running.client.post(f"/v1/sources/{source['id']}/pause")

    paused = webhook(running, shop_order(), source["hookPath"])
    kept = running.client.get("/v1/quarantine?cause=paused").doc["quarantine"]
    resumed = running.client.post(f"/v1/sources/{source['id']}/resume")

    assert (paused.status, paused.doc["status"]) == (202, "quarantined")
    assert source["id"] in {one["source"] for one in kept}
    assert resumed.doc["resumed"] == 1


def test_a_paused_source_still_refuses_what_is_not_signed(running: Running, make_source: MakeSource):
    source = make_source()
    running.client.post(f"/v1/sources/{source['id']}/pause")

    answer = webhook(running, shop_order(), source["hookPath"], x_shopify_hmac_sha256="no")

    assert_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("source", ["0" * 32, "x", "%00", "..", "A" * 32, "0" * 5_000, "%F0%9F%98%80"])
def test_a_source_that_does_not_exist_is_not_found(running: Running, source: str):
    assert_problem(webhook(running, shop_order(), f"/v1/hooks/{source}"), 404, "not-found")


def test_a_chunked_webhook_is_asked_for_its_length_because_its_body_did_not_come(
    running: Running, make_source: MakeSource
):
    source, body = make_source(), shop_order()
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    signed = f"X-Shopify-Hmac-Sha256: {signature(SHOP_SECRET, body)}\r\n".encode()

    answer = ask_in_bytes(running.anonymous, source["hookPath"], signed + chunked)

    assert answer.startswith(b"HTTP/1.1 411 ")


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("?code=a%20shared%2Bsecret", {}, 202),
        ("?x=1&access_token=a%20shared%2Bsecret", {}, 202),
        ("", {"Authorization": "Bearer a shared+secret"}, 202),
        ("", {"X-Signalbox-Secret": "a shared+secret"}, 202),
        ("?code=another", {}, 401),
        ("?code=a%20shared%2Bsecret", {"X-Signalbox-Secret": "another"}, 401),
        ("", {}, 401),
    ],
)
def test_a_secret_that_is_carried_lets_in_wherever_the_sender_puts_it(
    running: Running, query: str, headers: dict[str, str], status: int
):
    secret = {"signing": "a shared+secret"}
    mapping = {"properties": {"orderId": "number", "totalValue": "total"}}
    about = {"name": "flow", "kind": "power_automate", "label": "flow", "secrets": secret}
    source = running.operator.post(
        "/v1/sources", {**about, "types": {"event": {"event": ORDER, "mapping": mapping}}}
    )
    body = json.dumps({"id": secrets.token_hex(4), "number": "1001", "total": 42.5}).encode()

    answer = running.anonymous.send("POST", source.doc["hookPath"] + query, body, headers)

    assert answer.status == status, answer.doc
    assert "shared" not in json.dumps(answer.doc)


def test_a_flood_of_wrong_signatures_leaves_no_more_than_a_ring_of_traces(
    running: Running, make_source: MakeSource
):
    source = make_source()
    wrong = {"X_Shopify_Hmac_Sha256": signature("x", b"")}

    statuses = {webhook(running, shop_order(), source["hookPath"], **wrong).status for _ in range(150)}
    rows = running.client.get(f"/v1/sources/{source['id']}/rejected").doc["rejected"]

    assert statuses == {401}
    assert 30 < len(rows) <= 100


def test_whatever_a_genuine_webhook_holds_it_is_accepted(running: Running, noisy: Place):
    body = {"name": "shop", "kind": "shopify", "label": "web", "secrets": {"signing": SHOP_SECRET}}
    source = noisy.client.post("/v1/sources", {**body, "types": TYPES}).doc
    odd: list[Any] = [None, True, 5, "", "\x00", "x" * 40_000, [], {}, [{"id": [None]}], {"": {"a": 1}}]
    members = json.loads(shop_order())
    payloads = [{**members, name: value} for name in members for value in odd]

    answers = [webhook(running, json.dumps(one).encode(), source["hookPath"]) for one in [*payloads, *odd]]

    assert {answer.status for answer in answers} == {202}
