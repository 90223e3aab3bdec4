"""Publishable keys: pages of the named origins may post the named events, and what they post starts nothing unasked."""

import secrets
from typing import Any

import pytest

from local.client import Client
from tests.functions.asking import assert_problem, pointers
from tests.functions.conftest import MakeKey
from tests.running import Running, order

SHOP = "https://shop.example"
ORDER = "transactions.order-placed"


@pytest.fixture(scope="module")
def page(running: Running, make_key: MakeKey) -> Client:
    """A script of the shop's page."""
    key = make_key("events:write", events=[ORDER], origins=[SHOP])["key"]
    assert key.startswith("sbp_")
    client = Client.keyed(running.stack.base_url, key)
    return Client(client.base_url, {**client.headers, "Origin": SHOP})


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/batch"])
def test_a_browser_learns_that_a_page_may_ask(running: Running, path: str):
    asked = {"Origin": "https://any.example", "Access-Control-Request-Method": "POST"}

    answer = Client(running.stack.base_url).send("OPTIONS", path, headers=asked)

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_a_page_posts_an_event_and_may_read_the_answer(page: Client):
    answer = page.post("/v1/events", order())
    refused = page.post("/v1/events", order(properties={}))

    assert answer.status == 202
    assert_problem(refused, 422, "invalid")
    assert [one.headers["access-control-allow-origin"] for one in (answer, refused)] == ["*", "*"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://shop.example", f"{SHOP}.evil.example", "null"]
)
@pytest.mark.feature("F88")
def test_a_page_of_another_origin_is_refused(page: Client, origin: str):
    elsewhere = Client(page.base_url, {**page.headers, "Origin": origin})

    assert_problem(elsewhere.post("/v1/events", order()), 403, "forbidden")


def test_whoever_says_no_origin_is_refused(page: Client):
    headers = {name: value for name, value in page.headers.items() if name != "Origin"}

    assert_problem(Client(page.base_url, headers).post("/v1/events", order()), 403, "forbidden")


@pytest.mark.feature("F87", "F88")
def test_a_page_reads_nothing_and_posts_no_other_event(page: Client):
    accepted = page.post("/v1/events", order()).doc

    assert_problem(page.get(accepted["receipt"]), 403, "forbidden")
    assert_problem(page.get("/v1/people/somebody"), 403, "forbidden")
    assert_problem(page.post("/v1/events", {"event": "tests.everything"}), 403, "forbidden")


def test_a_key_for_pages_can_be_nothing_else(running: Running):
    wanted = {"name": "page", "source": "web", "scopes": ["events:write", "events:read"], "origins": [SHOP]}

    answer = running.operator.post("/v1/keys", wanted)

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/scopes", "/events"]


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/", "https://Shop.example", "*", "null"]
)
def test_an_origin_is_written_as_browsers_send_it(running: Running, origin: str):
    wanted = {
        "name": "page",
        "source": "web",
        "scopes": ["events:write"],
        "events": [ORDER],
        "origins": [origin],
    }

    assert pointers(running.operator.post("/v1/keys", wanted)) == ["/origins/0"]


@pytest.mark.feature("F123")
def test_what_a_page_posts_never_stands_in_the_way_of_a_servers_event(running: Running, page: Client):
    id = f"same-{secrets.token_hex(6)}"
    claimed = page.post("/v1/events", order(id=id, properties={"orderId": "1", "totalValue": 0}))

    real = running.client.post("/v1/events", order(id=id))

    assert (claimed.status, real.status) == (202, 202)
    assert claimed.doc["id"] != real.doc["id"]
    assert "idempotency-replayed" not in real.headers


@pytest.mark.feature("F279")
def test_what_a_page_claims_of_somebody_changes_nothing_of_them(running: Running, page: Client):
    email, device = f"victim-{secrets.token_hex(4)}@example.com", secrets.token_hex(8)
    known = processed(running, running.client, order(person={"email": email}))

    claimed = order(person={"email": email, "deviceId": device})
    processed(running, page, claimed)
    own = processed(running, running.client, order(person={"deviceId": device}))
    person = running.client.get(f"/v1/people/{known['personId']}")

    assert person.doc["identifiers"] == [{"kind": "email", "value": email}]
    assert own["personId"] != known["personId"]


def processed(running: Running, client: Client, event: dict[str, Any]) -> dict[str, Any]:
    """The receipt of an event that this client posts, once it has been processed."""
    answer = client.post("/v1/events", event)
    assert answer.status == 202
    receipt: dict[str, Any] = running.client.receipt(
        answer.doc["id"], lambda doc: doc["status"] not in ("accepted", "delivering")
    )
    return receipt
