"""The door that exports a section: who may, page after page, and that it is told of."""

import asyncio

import pytest

from local.client import Client
from local.keys import KeyStore
from tests.functions.asking import assert_problem, pointers
from tests.running import Running


@pytest.fixture
def deployment(running: Running) -> Client:
    return Client.keyed(running.stack.base_url, running.deployment_key)


def test_all_of_a_section_is_read_page_after_page_and_no_key_opens_by_it(
    running: Running, deployment: Client
):
    posted = running.post_order()
    running.client.receipt(posted.doc["id"], lambda doc: doc["status"] == "delivered")
    kinds, text, after = set(), "", ""
    while after is not None:
        page = deployment.get("/v1/sections/demo/export" + (f"?after={after}" if after else ""))
        assert page.status == 200
        kinds |= {one["record"] for one in page.doc["records"]}
        text, after = text + str(page.doc), page.doc["next"]

    configured = {"section", "key", "definition", "version", "source", "destination", "route"}
    assert kinds >= {*configured, "change", "person", "event"}
    assert posted.doc["id"] in text
    assert running.demo.key.rpartition("_")[2] not in text


def test_who_exported_it_is_told(running: Running, deployment: Client):
    page = deployment.get("/v1/sections/demo/export")
    deployment.get(f"/v1/sections/demo/export?after={page.doc['next']}")

    newest = running.operator.get("/v1/audit?limit=100").doc["changes"]
    [told] = [one for one in newest if one["what"] == "section exported" and one["at"] >= newest[0]["at"]]

    assert (told["id"], told["by"]) == ("demo", running.deployment_key.split("_")[1])


def test_what_it_tells_has_to_be_open_to_whoever_asks(running: Running):
    for lacking in ("events:read", "people:read", "audit:read", "sections:write"):
        scopes = [
            one for one in ("events:read", "people:read", "audit:read", "sections:write") if one != lacking
        ]
        client = Client.keyed(running.stack.base_url, _deployment_key(running, scopes))

        answer = client.get("/v1/sections/demo/export")

        assert_problem(answer, 403, "forbidden")
        assert lacking in answer.doc["detail"]


def test_what_is_not_there_or_no_cursor_is_refused(deployment: Client):
    assert_problem(deployment.get("/v1/sections/nowhere/export"), 404, "not-found")
    answer = deployment.get("/v1/sections/demo/export?after=nonsense")
    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/after"]


def _deployment_key(running: Running, scopes: list[str]) -> str:
    made = asyncio.run(KeyStore(running.stack.environment).create("*", "export", scopes, "tests"))
    return str(made["key"])
