"""The doors of sections and keys."""

import asyncio
import secrets
import time
from typing import Any

import pytest

from local.client import Client, Response
from shared.access.caller import DEPLOYMENT
from shared.access.rights import DEPLOYMENT_ONLY
from shared.azure.tables import AzureTables
from shared.stores.used import Used
from shared.wiring import SystemClock
from tests.functions.asking import assert_problem, kept, pointers
from tests.functions.conftest import SECTION_SCOPES, MakeKey, Place
from tests.running import Running, order

SECTION = {
    "name": "New",
    "country": "SE",
    "timeZone": "Europe/Stockholm",
    "publicBaseUrl": "https://a.example",
}


def status(running: Running, key: str, path: str = "/v1/events") -> int:
    return Client.keyed(running.stack.base_url, key).get(path).status


def post_key(client: Client, *scopes: str, **members: Any) -> Response:
    return client.post("/v1/keys", {"name": "made", "source": "tests", "scopes": scopes, **members})


def test_a_section_is_made_once_and_listed_without_its_hash_key(running: Running):
    client = Client.keyed(running.stack.base_url, running.deployment_key)
    id = f"new-{secrets.token_hex(4)}"

    made = client.post("/v1/sections", {"id": id, **SECTION})
    again = client.post("/v1/sections", {"id": id, **SECTION})
    [listed] = [one for one in client.get("/v1/sections").doc["sections"] if one["id"] == id]

    assert (made.status, made.doc["buckets"], made.doc["idempotencyDays"]) == (201, 4, 30)
    assert listed == made.doc
    assert "hashKey" not in made.doc
    assert_problem(again, 409, "conflict")


def test_a_section_is_set_up_anew_and_keeps_what_its_storage_is_laid_out_by(running: Running):
    client = Client.keyed(running.stack.base_url, running.deployment_key)
    made = client.post("/v1/sections", {"id": f"new-{secrets.token_hex(4)}", **SECTION, "buckets": 8}).doc
    path, changed = f"/v1/sections/{made['id']}", {**SECTION, "name": "Newer", "perMinute": 5}

    answer = client.put(path, changed)

    assert answer.doc == {**made, "name": "Newer", "perMinute": 5}
    assert pointers(client.put(path, {**changed, "id": "other", "buckets": 4})) == ["/id", "/buckets"]
    assert_problem(client.put("/v1/sections/nosuch", changed), 404, "not-found")


def test_a_section_that_cannot_be_is_refused_with_every_fault(running: Running):
    client = Client.keyed(running.stack.base_url, running.deployment_key)
    wrong = {
        "id": "Demo!",
        "country": "XX",
        "timeZone": "Mars/Base",
        "publicBaseUrl": "ftp://a",
        "buckets": 0,
    }

    answer = client.post("/v1/sections", {**SECTION, **wrong, "colour": "red"})

    assert_problem(answer, 422, "invalid")
    assert set(pointers(answer)) == {f"/{name}" for name in [*wrong, "colour"]}


def test_a_keys_text_is_shown_when_it_is_made_and_never_again(running: Running, make_key: MakeKey):
    made = make_key("events:read")
    listed = running.operator.get("/v1/keys")

    assert status(running, made["key"]) == 200
    assert made["id"] in [key["id"] for key in listed.doc["keys"]]
    assert made["key"].rsplit("_", 1)[1] not in str(listed.doc)
    assert "hash" not in str(listed.doc)


def test_a_list_says_when_each_key_was_last_used(running: Running, make_key: MakeKey):
    used, unused = (make_key("events:read") for _ in range(2))
    status(running, used["key"])

    def last() -> list[Any]:
        listed = {one["id"]: one["lastUsedAt"] for one in running.operator.get("/v1/keys").doc["keys"]}
        return [listed[used["id"]], listed[unused["id"]]]

    deadline = time.monotonic() + 10  # nobody waits for it to be noted
    while last()[0] is None and time.monotonic() < deadline:
        pass
    assert last()[0] >= used["createdAt"]
    assert last()[1] is None


def test_a_key_of_the_deployment_is_noted_where_it_is_at_home(running: Running):
    storage = running.stack.environment["STORAGE_CONNECTION"]
    id = running.deployment_key.split("_")[1]
    running.operator.get("/v1/keys")

    async def noted(section: str) -> bool:
        async with AzureTables(storage) as tables:
            return id in await Used(tables, SystemClock()).last(section)

    deadline = time.monotonic() + 10
    while not asyncio.run(noted(DEPLOYMENT)) and time.monotonic() < deadline:
        pass
    assert [asyncio.run(noted(section)) for section in (DEPLOYMENT, "demo")] == [True, False]


def test_a_rotated_key_has_two_live_secrets_until_one_is_revoked(running: Running, make_key: MakeKey):
    made = make_key("events:read")
    change = f"/v1/keys/{made['id']}"

    rotated = running.operator.post(f"{change}/rotate")
    both = [status(running, made["key"]), status(running, rotated.doc["key"])]
    third = running.operator.post(f"{change}/rotate")
    revoked = running.operator.post(f"{change}/revoke", {"secret": 1})
    one = [status(running, made["key"]), status(running, rotated.doc["key"])]

    assert (rotated.status, both) == (200, [200, 200])
    assert_problem(third, 409, "conflict")
    assert (revoked.status, one) == (200, [401, 200])
    assert [secret["revokedAt"] is None for secret in revoked.doc["secrets"]] == [False, True]


@pytest.mark.feature("F88")
def test_a_revoked_key_is_refused_and_stays_so(running: Running, make_key: MakeKey):
    made = make_key("events:read")
    change = f"/v1/keys/{made['id']}"

    before = status(running, made["key"])
    revoked = running.operator.post(f"{change}/revoke")
    refused = Client.keyed(running.stack.base_url, made["key"]).get("/v1/events")

    assert (before, revoked.status) == (200, 200)
    assert_problem(refused, 401, "unauthenticated")
    assert "revoked" in refused.doc["detail"]
    assert running.operator.post(f"{change}/revoke").doc["revokedAt"] == revoked.doc["revokedAt"]
    assert_problem(running.operator.post(f"{change}/rotate"), 409, "conflict")


@pytest.mark.parametrize(
    ("body", "code", "type"),
    [
        ({"secret": 9}, 404, "not-found"),
        ({"secret": "1"}, 422, "invalid"),
        ({"secret": 1.0}, 422, "invalid"),
        ({"number": 1}, 422, "invalid"),
        ([], 422, "invalid"),
    ],
)
def test_a_revocation_that_cannot_be_meant_changes_nothing(
    running: Running, make_key: MakeKey, body: Any, code: int, type: str
):
    made = make_key("events:read")

    answer = running.operator.post(f"/v1/keys/{made['id']}/revoke", body)

    assert_problem(answer, code, type)
    assert status(running, made["key"]) == 200


def test_a_key_for_some_events_sends_and_sees_only_these(running: Running, make_key: MakeKey):
    survey = "signals.survey-submitted"
    key = make_key("events:write", "events:read", events=[survey])["key"]
    client = Client.keyed(running.stack.base_url, key)
    other = running.post_order()
    own = client.post(
        "/v1/events", {"event": survey, "test": True, "properties": {"surveyId": "a", "score": 1}}
    )

    assert_problem(client.post("/v1/events", order()), 403, "forbidden")
    assert own.status == 202
    assert client.get(own.doc["receipt"]).status == 200
    assert_problem(client.get(other.doc["receipt"]), 404, "not-found")
    assert {one["event"] for one in client.get("/v1/events?limit=100").doc["events"]} == {survey}


def test_a_key_cannot_make_or_renew_one_that_reaches_further(running: Running, make_key: MakeKey):
    richer = make_key("events:read")
    maker = Client.keyed(running.stack.base_url, make_key("keys:write", "definitions:write")["key"])

    refused = post_key(maker, "keys:write", "events:read", "operate")
    renewed = maker.post(f"/v1/keys/{richer['id']}/rotate")
    granted = post_key(maker, "keys:write", "definitions:read")

    assert_problem(refused, 403, "forbidden")
    assert "events:read, operate" in refused.doc["detail"]
    assert_problem(renewed, 403, "forbidden")
    assert granted.status == 201


def test_a_key_for_some_events_cannot_make_one_for_others(running: Running, make_key: MakeKey):
    one, two = "signals.survey-submitted", "transactions.order-placed"
    limited = make_key("keys:write", "events:write", events=[one])["key"]
    maker = Client.keyed(running.stack.base_url, limited)

    assert_problem(post_key(maker, "events:write"), 403, "forbidden")
    assert_problem(post_key(maker, "events:write", events=[one, two]), 403, "forbidden")
    assert post_key(maker, "events:write", events=[one]).status == 201


def test_a_key_of_a_section_never_reaches_beyond_it(running: Running, stranger: Place):
    beyond = post_key(stranger.client, *SECTION_SCOPES, *DEPLOYMENT_ONLY)

    assert_problem(beyond, 422, "invalid")
    assert len(pointers(beyond)) == len(DEPLOYMENT_ONLY)
    assert_problem(post_key(running.operator, "tick"), 422, "invalid")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"scopes": "operate"}, "/scopes"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "2099-01-01T00:00:00"}, "/expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-14:00"}, "/expiresAt"),
        ({"events": []}, "/events"),
        ({"events": ["*"]}, "/events/0"),
        ({"name": ""}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"key": "sbx_mine"}, "/key"),
    ],
)
def test_a_key_that_cannot_be_is_refused(running: Running, changes: dict[str, Any], where: str):
    body = {"name": "made", "source": "tests", "scopes": ["operate"], **changes}

    answer = running.operator.post("/v1/keys", body)

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == [where]


@pytest.mark.slow
def test_what_comes_to_a_paused_section_is_accepted_and_goes_out_once_it_is_resumed(running: Running):
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)
    id = f"paused-{secrets.token_hex(4)}"
    deployment.post("/v1/sections", {"id": id, **SECTION})
    operator = Client.keyed(running.stack.base_url, running.deployment_key, id)
    fields = [{"name": "n", "type": "integer", "required": True, "description": "Any"}]
    about = {"title": "Waits", "description": "Waits.", "purpose": "marketing", "retentionDays": 30}
    operator.post("/v1/definitions", {"event": "tests.waits", **about, "fields": fields})
    settings = {"url": f"{running.stack.receiver_url}/ok"}
    operator.post("/v1/destinations", {"name": "place", "kind": "webhook", "settings": settings})
    operator.post("/v1/routes", {"event": "tests.waits", "destination": "place"})
    key = post_key(operator, "events:write", "events:read").doc["key"]
    client = Client.keyed(running.stack.base_url, key)
    place = Place(id, client, running.stack.environment["STORAGE_CONNECTION"])

    paused = deployment.post(f"/v1/sections/{id}/pause")
    posted = client.post("/v1/events", {"event": "tests.waits", "properties": {"n": 1}})
    parked = client.receipt(posted.doc["id"], lambda _: any(row.startswith("p|") for row in place.stored()))
    listed = [one for one in deployment.get("/v1/sections").doc["sections"] if one["id"] == id]
    resumed = deployment.post(f"/v1/sections/{id}/resume")
    ended = client.receipt(posted.doc["id"], lambda doc: doc["status"] == "delivered")

    assert (paused.status, paused.doc["status"], listed) == (200, "paused", [paused.doc])
    assert (posted.status, parked["status"], parked["reason"]) == (202, "parked", "section_paused")
    assert client.get("/v1/events").doc["section"] == {"id": id, "status": "active"}
    assert (resumed.status, resumed.doc["status"], resumed.doc["resumed"]) == (200, "active", 1)
    assert (ended["status"], ended["reason"]) == ("delivered", None)


def test_a_section_that_is_not_there_is_neither_paused_nor_resumed(running: Running):
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)

    assert_problem(deployment.post("/v1/sections/nowhere/pause"), 404, "not-found")
    assert_problem(deployment.post("/v1/sections/nowhere/resume"), 404, "not-found")


@pytest.mark.feature("F89")
def test_no_row_and_no_log_holds_a_key(running: Running, make_key: MakeKey):
    for members in ({}, {"events": ["transactions.order-placed"], "origins": ["https://shop.example"]}):
        made = make_key("events:write", **members)
        secret = made["key"].rpartition("_")[2]
        answer = Client.keyed(running.stack.base_url, made["key"]).post("/v1/events", order())

        assert answer.status == (403 if members else 202)
        assert [text for text in kept(running) if made["id"] in text]
        assert [text for text in kept(running) if secret in text] == []
