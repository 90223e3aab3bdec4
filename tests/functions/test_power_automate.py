"""A flow of Power Automate or Logic Apps has three ways in: a token or a key at the API, a carried secret at its hook."""

import json
import secrets
from typing import Any

import pytest

from local.client import Client, Response
from tests.functions.asking import assert_problem
from tests.functions.conftest import MakeKey, Principal
from tests.running import Running, order
from tests.sources.cases import CASES

FLOW = CASES["power_automate/event"]
SECRET = "what only this flow knows"
ORDER = "transactions.order-placed"


@pytest.fixture(scope="module")
def hook(running: Running) -> str:
    """The path of a hook for flows, which takes what they post for orders."""
    body = {"name": "flows", "kind": "power_automate", "label": "flows", "secrets": {"signing": SECRET}}
    made = running.operator.post("/v1/sources", {**body, "types": {"event": {"event": ORDER}}})
    assert made.status == 201, made.doc
    return str(made.doc["hookPath"])


@pytest.fixture
def posts(running: Running, hook: str) -> Any:
    """The HTTP action of a flow, with what it posts and its usual headers."""

    def post(credential: dict[str, str], query: str = "") -> Response:
        body = {**json.loads(FLOW["body"]), "id": f"flow-{secrets.token_hex(4)}"}
        headers = {**FLOW["headers"], "Content-Type": "application/json", **credential}
        return Client(running.stack.base_url).send("POST", hook + query, json.dumps(body).encode(), headers)

    return post


def arrives(running: Running, answer: Response, source: str) -> None:
    """It was taken, and ends as a delivered event of this source."""
    assert (answer.status, answer.doc["event"]) == (202, ORDER)
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")
    assert (receipt["status"], receipt["source"]) == ("delivered", source)
    assert receipt["person"]["email"] == "ada@example.com"


def test_a_flow_with_a_token_posts_events_to_the_api(running: Running, principal: Principal):
    arrives(running, principal("ingest", source="erp").post("/v1/events", order()), "erp")


def test_a_flow_with_a_key_posts_events_to_the_api(running: Running, make_key: MakeKey):
    key = make_key("events:write")["key"]

    arrives(running, Client.keyed(running.stack.base_url, key).post("/v1/events", order()), "tests")


@pytest.mark.parametrize(
    ("credential", "query"),
    [
        ({"X-Signalbox-Secret": SECRET}, ""),
        ({"Authorization": f"Bearer {SECRET}"}, ""),
        ({}, f"?code={SECRET.replace(' ', '%20')}"),
    ],
    ids=["header", "bearer", "query"],
)
def test_a_flow_with_a_secret_posts_what_it_likes_to_its_hook(running: Running, posts, credential, query):
    arrives(running, posts(credential, query), "flows")


def test_a_token_opens_no_hook(running: Running, posts, principal: Principal):
    token = principal("ingest", source="erp").headers["Authorization"]

    assert_problem(posts({"Authorization": token}), 401, "unauthenticated")
