"""Publishable keys in a real browser: what scripts of web pages get through, and what the browser or the key keeps out."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from tests.functions.browser import Site
from tests.functions.conftest import Place, place
from tests.house import ORDER
from tests.running import Running, order

pytestmark = pytest.mark.slow

WAIT_SECONDS = 60
Fetch = Callable[..., Mapping[str, Any]]


@pytest.fixture(scope="module")
def pages(running: Running) -> Place:
    """A section in which only these pages post, so that what is stored is theirs."""
    made = place(running, "pages")
    assert made.client.post("/v1/definitions", ORDER).status == 201
    return made


@pytest.fixture(scope="module")
def shop() -> Iterator[Site]:
    """The site that the key names."""
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Site]:
    """The same machine on another port is another origin."""
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def key(running: Running, pages: Place, shop: Site) -> str:
    wanted = {"name": "page", "source": "web", "scopes": ["events:write"], "events": [ORDER["event"]]}
    operator = Client.keyed(running.stack.base_url, running.deployment_key, pages.section)
    made = operator.post("/v1/keys", {**wanted, "origins": [shop.origin]})
    assert made.status == 201, made.doc
    return str(made.doc["key"])


@pytest.fixture
def post(running: Running, key: str, tmp_path: Path) -> Fetch:
    """Lets a site post an order with the key."""

    def posted(site: Site, path: str = "/v1/events", **init: Any) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        whole = {"method": "POST", "headers": headers, "body": json.dumps(order()), **init}
        return site.fetches(tmp_path, f"{running.stack.base_url}{path}", **whole)

    return posted


@pytest.mark.feature("F87")
def test_a_page_of_the_named_origin_posts_an_event_which_is_stored_and_starts_nothing(pages, shop, post):
    told = post(shop)

    assert (told["status"], told["type"]) == (202, "cors")
    accepted = json.loads(told["text"])
    receipt = pages.client.receipt(accepted["id"], lambda doc: doc["status"] != "accepted", WAIT_SECONDS)
    assert [step["reason"] for step in receipt["steps"] if step["name"] == "route"] == ["untrusted"]


def test_a_page_of_another_origin_learns_why_not_and_nothing_is_stored(pages, elsewhere, post):
    before = pages.stored()

    told = post(elsewhere)

    assert told["status"] == 403
    assert json.loads(told["text"])["type"] == "/problems/forbidden"
    assert pages.stored() == before


def test_without_cors_the_browser_sends_no_key_and_shows_no_answer(pages, elsewhere, post):
    before = pages.stored()

    told = post(elsewhere, mode="no-cors")

    assert (told["status"], told["type"], told["text"]) == (0, "opaque", "")
    assert pages.stored() == before


@pytest.mark.feature("F87")
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/events"), ("POST", "/v1/keys"), ("PUT", "/v1/events")]
)
def test_what_is_not_for_pages_the_browser_itself_refuses_to_the_named_origin(
    pages, shop, post, method, path
):
    before = pages.stored()

    told = post(shop, path, method=method, **({"body": None} if method == "GET" else {}))

    assert told == {"failed": "TypeError"}
    assert pages.stored() == before
