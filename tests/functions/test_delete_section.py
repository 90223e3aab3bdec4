"""The door that deletes a section: guarded, and from then on nothing of the section is there."""

import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from local.client import Client, Response
from local.demo.furnish import SHOP
from tests.functions.asking import assert_problem, pointers
from tests.functions.conftest import SECTION_SCOPES, app_with, registration, token_of
from tests.running import Running

BODY = {"name": "New", "country": "SE", "timeZone": "Europe/Stockholm", "publicBaseUrl": "https://a.example"}


@dataclass(frozen=True, slots=True)
class Doomed:
    """A section, whoever may do something in it, and its hook."""

    id: str
    deployment: Client
    operator: Client
    key: Client
    token: Client
    hook: str

    def delete(self, confirm: str | None) -> Response:
        query = "" if confirm is None else f"?confirm={confirm}"
        return self.deployment.send("DELETE", f"/v1/sections/{self.id}{query}")

    def listed(self) -> list[dict[str, Any]]:
        return [one for one in self.deployment.get("/v1/sections").doc["sections"] if one["id"] == self.id]


@pytest.fixture
def doomed(running: Running) -> Doomed:
    base, id = running.stack.base_url, f"doomed-{secrets.token_hex(4)}"
    deployment = Client.keyed(base, running.deployment_key)
    assert deployment.post("/v1/sections", {"id": id, **BODY}).status == 201
    operator = Client.keyed(base, running.deployment_key, id)
    made = operator.post("/v1/keys", {"name": "all", "source": "tests", "scopes": SECTION_SCOPES}).doc
    app = app_with("admin")
    assert operator.post("/v1/clients", registration(app)).status == 201
    token = Client.keyed(base, token_of(running.stack.issuer_url, app), id)
    hook = operator.post("/v1/sources", {**SHOP, "name": "shop"}).doc["hookPath"]
    return Doomed(id, deployment, operator, Client.keyed(base, made["key"]), token, hook)


def test_a_section_is_deleted_when_it_is_paused_and_its_id_is_repeated(doomed: Doomed):
    active = doomed.delete(doomed.id)
    doomed.deployment.post(f"/v1/sections/{doomed.id}/pause")
    unconfirmed = [doomed.delete(confirm) for confirm in (None, "demo", "")]
    deleted, again = doomed.delete(doomed.id), doomed.delete(doomed.id)

    assert_problem(active, 409, "conflict")
    assert "Pause" in active.doc["detail"]
    for answer in unconfirmed:
        assert_problem(answer, 422, "invalid")
        assert pointers(answer) == ["/confirm"]
    assert (deleted.status, deleted.doc["status"]) == (202, "deleted")
    assert (again.status, again.doc) == (202, deleted.doc)
    assert doomed.listed() == [deleted.doc]


def test_from_then_on_nothing_of_it_is_there(running: Running, doomed: Doomed):
    doomed.deployment.post(f"/v1/sections/{doomed.id}/pause")
    greeted = running.anonymous.send("POST", doomed.hook, b"{}", {})
    before = [client.get("/v1/events").status for client in (doomed.operator, doomed.key, doomed.token)]
    doomed.delete(doomed.id)

    assert (before, greeted.status) == ([200] * 3, 401)
    refused = doomed.key.get("/v1/events")
    assert_problem(refused, 401, "unauthenticated")
    assert "not known" in refused.doc["detail"]
    assert_problem(doomed.token.get("/v1/events"), 404, "not-found")
    assert_problem(doomed.operator.get("/v1/events"), 404, "not-found")
    gone = running.anonymous.send("POST", doomed.hook, b"{}", {})
    never = running.anonymous.send("POST", f"/v1/hooks/{uuid.uuid4().hex}", b"{}", {})
    assert (gone.status, gone.doc["detail"]) == (never.status, never.doc["detail"])
    for path in ("pause", "resume"):
        assert_problem(doomed.deployment.post(f"/v1/sections/{doomed.id}/{path}"), 409, "conflict")
    assert_problem(doomed.deployment.put(f"/v1/sections/{doomed.id}", BODY), 409, "conflict")
    assert_problem(doomed.deployment.post("/v1/sections", {"id": doomed.id, **BODY}), 409, "conflict")


def test_a_tick_clears_it_away_and_keeps_its_id_for_now(doomed: Doomed):
    doomed.deployment.post(f"/v1/sections/{doomed.id}/pause")
    doomed.delete(doomed.id)

    done = doomed.deployment.post("/v1/tick").doc["clear"]

    assert done["rows"] > 5
    assert [one["status"] for one in doomed.listed()] == ["deleted"]


def test_a_section_that_is_not_there_cannot_be_deleted(running: Running):
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)

    assert_problem(deployment.send("DELETE", "/v1/sections/nowhere?confirm=nowhere"), 404, "not-found")


def test_what_is_posted_while_it_is_deleted_is_no_event(running: Running, doomed: Doomed):
    doomed.deployment.post(f"/v1/sections/{doomed.id}/pause")
    doomed.delete(doomed.id)

    answer = doomed.key.send("POST", "/v1/events", json.dumps({"event": "a.b", "properties": {}}).encode())

    assert_problem(answer, 401, "unauthenticated")
