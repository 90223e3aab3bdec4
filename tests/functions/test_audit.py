"""The audit at the real doors: whatever changes state says who did it."""

from typing import Any

import pytest

from local.client import Client
from shared.access.rights import NEEDS
from tests.functions import test_openapi_answers as doors
from tests.functions.asking import assert_problem
from tests.functions.conftest import MakeKey, Principal
from tests.running import Running

TELLS: dict[str, str | None] = {
    "POST /v1/sections": "section created",
    "PUT /v1/sections/{id}": "section changed",
    "DELETE /v1/sections/{id}": "section deleted",
    "POST /v1/sections/{id}/rotate": "section resealed",
    "POST /v1/sections/{id}/pause": "section changed",
    "POST /v1/sections/{id}/resume": "section changed",
    "POST /v1/keys": "key created",
    "POST /v1/keys/{id}/rotate": "key changed",
    "POST /v1/keys/{id}/revoke": "key changed",
    "POST /v1/clients": "client created",
    "POST /v1/clients/{id}/revoke": "client changed",
    "POST /v1/sources": "source created",
    "PUT /v1/sources/{id}/types": "source changed",
    "PUT /v1/sources/{id}/settings": "source changed",
    "PUT /v1/sources/{id}/quota": "source changed",
    "POST /v1/sources/{id}/pause": "source changed",
    "POST /v1/sources/{id}/resume": "source changed",
    "POST /v1/sources/{id}/rotate": "source changed",
    "POST /v1/definitions": "definition created",
    "POST /v1/definitions/{event}/versions": "definition changed",
    "POST /v1/destinations": "destination created",
    "PUT /v1/destinations/{id}": "destination changed",
    "POST /v1/destinations/{id}/pause": "destination changed",
    "POST /v1/destinations/{id}/resume": "destination changed",
    "POST /v1/routes": "route created",
    "PUT /v1/routes/{id}": "route changed",
    "POST /v1/routes/{id}/pause": "route changed",
    "POST /v1/routes/{id}/resume": "route changed",
    "POST /v1/subscriptions": "subscription created",
    "POST /v1/failure-subscriptions": "subscription created",
    "POST /v1/subscriptions/{id}/resume": "subscription changed",
    "DELETE /v1/subscriptions/{id}": "subscription removed",
    "POST /v1/dead-letters/{id}/replay": "dead letter replayed",
    "POST /v1/deliveries/{id}/replay": "delivery replayed",
    "POST /v1/replays": "replay begun",
    "POST /v1/replays/{id}/stop": "replay stopped",
    "POST /v1/replays/{id}/resume": "replay resumed",
    "POST /v1/quarantine/{id}/replay": "quarantine replayed",
    "POST /v1/quarantine/replay": "quarantine replayed",
    # An event has its receipt, what was said of consent its proof, and a tick does what the timer does.
    "POST /v1/events": None,
    "POST /v1/events/batch": None,
    "POST /v1/consents": None,
    "POST /v1/tick": None,
    # It writes numbers that anybody can have computed.
    "POST /v1/funnels/count": None,
    # It stores nothing.
    "POST /v1/why": None,
    "POST /v1/sources/{id}/try": None,
    "POST /v1/quarantine/find": None,
    "POST /v1/routes/try": None,
    "POST /v1/replays/try": None,
}
ROOMS = (
    doors.keys,
    doors.clients,
    doors.sources,
    doors.definitions,
    doors.ways_out,
    doors.subscriptions,
    doors.webhooks,
    doors.dead_letters,
)


def test_of_every_door_that_changes_something_it_is_said_what_the_audit_tells():
    assert TELLS.keys() == {route for route in NEEDS if not route.startswith("GET ")}


def changes(running: Running) -> list[dict[str, Any]]:
    """The newest that the audit tells of the demo's section."""
    found: list[dict[str, Any]] = running.operator.get("/v1/audit?limit=100").doc["changes"]
    return found


@pytest.mark.slow
@pytest.mark.feature("F304")
def test_every_change_is_told_with_the_key_that_made_it(running: Running):
    earlier = changes(running)
    for room in ROOMS:
        assert list(room(running))

    # The commands of other tests have changed something here, too.
    told = [one for one in changes(running) if one not in earlier]

    of_sections = {"section created", "section changed", "section deleted", "section resealed"}
    assert {what for what in TELLS.values() if what} - of_sections <= {one["what"] for one in told}
    key = running.deployment_key.split("_")[1]
    assert key in {one["by"] for one in told}
    assert "command" not in {one["by"] for one in told}


def test_of_a_group_that_is_replayed_its_cause_and_source_are_told(running: Running):
    wanted = {"cause": "invalid", "source": running.demo.source}
    assert running.operator.post("/v1/quarantine/replay", wanted).status == 200

    newest = next(one for one in changes(running) if one["what"] == "quarantine replayed")

    assert (newest["id"], newest["after"]) == ("invalid", {"source": running.demo.source})


def test_a_client_is_named_and_no_key_is_told(running: Running, principal: Principal):
    client = principal("admin")
    made = client.post("/v1/keys", {"name": "told", "source": "tests", "scopes": ["events:write"]}).doc
    client.post(f"/v1/keys/{made['id']}/revoke")

    changes = client.get("/v1/audit?limit=100").doc["changes"]
    revoked, created = [one for one in changes if one["id"] == made["id"]]

    assert revoked["by"] == created["by"] == last_registered(running)
    assert (created["what"], created["after"]["name"]) == ("key created", "told")
    assert (revoked["what"], revoked["before"]) == ("key changed", {"revokedAt": None})
    assert made["key"].split("_")[2] not in str(changes)
    assert "hash" not in str(created)


def last_registered(running: Running) -> str:
    """The id of the client that was registered last."""
    listed = running.operator.get("/v1/clients").doc["clients"]
    return str(max(listed, key=lambda one: one["createdAt"])["id"])


def test_who_may_do_everything_else_does_not_see_the_audit(running: Running, make_key: MakeKey):
    key = make_key("keys:write", "operate", "definitions:write")["key"]

    assert_problem(Client.keyed(running.stack.base_url, key).get("/v1/audit"), 403, "forbidden")
    assert_problem(running.operator.get("/v1/audit?limit=101"), 422, "invalid")


@pytest.mark.feature("F304")
def test_nothing_changes_or_deletes_a_row_of_the_audit(running: Running):
    assert [route for route in NEEDS if "audit" in route] == ["GET /v1/audit"]
    assert_problem(running.operator.post("/v1/audit", {}), 405, "method-not-allowed")


def test_the_audit_is_read_page_by_page(running: Running):
    running.operator.post("/v1/keys", {"name": "one more", "source": "tests", "scopes": ["operate"]})
    whole = running.operator.get("/v1/audit?limit=3").doc
    pages = [running.operator.get("/v1/audit?limit=1").doc]
    for _ in range(2):
        pages.append(running.operator.get(f"/v1/audit?limit=1&after={pages[-1]['next']}").doc)

    assert [one for page in pages for one in page["changes"]] == whole["changes"]
    assert pages[-1]["next"] == whole["next"]
    assert_problem(running.operator.get("/v1/audit?after=yesterday"), 422, "invalid")
