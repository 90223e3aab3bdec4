"""Who may pass which door: every route, with every kind of key that does not open it."""

import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from local.client import Client
from shared import times
from shared.access import tokens
from shared.access.rights import DEPLOYMENT_ONLY, NEEDS, Scope, covers
from tests.functions.asking import ask, assert_problem
from tests.functions.conftest import MakeKey, Place
from tests.running import Running, order

ANY_ID = "0" * 32
ROUTES = [(*route.split(" "), needed) for route, needed in NEEDS.items()]


def path(template: str) -> str:
    return re.sub(r"\{\w+\}", ANY_ID, template.replace("{event}", "transactions.order-placed"))


@pytest.fixture(scope="session")
def poor(make_key: MakeKey) -> dict[Scope, str]:
    """For each scope, a key that can do all that a section's key can but what needs this scope."""
    scopes = [scope for scope in Scope if scope not in DEPLOYMENT_ONLY]
    found: dict[Scope, str] = {}
    for needed in Scope:
        others = [scope.value for scope in scopes if not covers([scope], needed)]
        found[needed] = make_key(*others)["key"]
    return found


@pytest.mark.parametrize(("method", "template", "needed"), ROUTES)
def test_without_a_key_no_door_opens(running: Running, method: str, template: str, needed: Scope):
    answer = ask(running.anonymous, method, path(template), b"{}")

    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "template", "needed"), ROUTES)
@pytest.mark.feature("F307")
def test_a_strangers_key_opens_no_door_of_this_section(
    running: Running, stranger: Place, method: str, template: str, needed: Scope
):
    answer = ask(stranger.client, method, path(template), b"{}", Signalbox_Section="demo")

    assert_problem(answer, 404, "not-found")


@pytest.mark.parametrize(("method", "template", "needed"), ROUTES)
@pytest.mark.feature("F114")
def test_a_key_without_the_scope_opens_no_door(
    running: Running, poor: dict[Scope, str], method: str, template: str, needed: Scope
):
    client = Client.keyed(running.stack.base_url, poor[needed])

    answer = ask(client, method, path(template), b"{}")

    assert_problem(answer, 403, "forbidden")
    assert str(needed) in answer.doc["detail"]


@pytest.mark.parametrize(
    ("method", "template", "needed"), [route for route in ROUTES if route[2] not in DEPLOYMENT_ONLY]
)
def test_a_deployment_key_is_asked_which_section_it_means(
    running: Running, method: str, template: str, needed: Scope
):
    client = Client.keyed(running.stack.base_url, running.deployment_key)

    answer = ask(client, method, path(template), b"{}")

    assert_problem(answer, 403, "forbidden")
    assert "Signalbox-Section" in answer.doc["detail"]


@pytest.mark.parametrize("section", ["nosuch", "*", "Demo", "demo|0", "../demo", "d" * 5_000])
@pytest.mark.parametrize(
    ("method", "template", "needed"), [route for route in ROUTES if route[2] not in DEPLOYMENT_ONLY]
)
def test_a_deployment_key_reaches_no_section_that_does_not_exist(
    running: Running, section: str, method: str, template: str, needed: Scope
):
    client = Client.keyed(running.stack.base_url, running.deployment_key, section)

    assert_problem(ask(client, method, path(template), b"{}"), 404, "not-found")


@pytest.mark.feature("F21", "F307")
def test_a_stranger_finds_nothing_of_another_section_by_its_id(running: Running, stranger: Place):
    event = running.post_order().doc["id"]
    receipt = running.client.receipt(event, lambda doc: doc["status"] == "delivered")
    delivery, person, source = receipt["deliveries"][0], receipt["personId"], running.demo.source
    key = running.operator.get("/v1/keys").doc["keys"][0]["id"]
    reads = [
        f"/v1/events/{event}",
        f"/v1/people/{person}",
        f"/v1/people/{person}/timeline",
        f"/v1/sources/{source}",
        f"/v1/sources/{source}/rejected",
        f"/v1/routes/{delivery['route']}",
        f"/v1/destinations/{delivery['destination']}",
        "/v1/definitions/transactions.order-placed",
    ]
    posts = [
        f"/v1/sources/{source}/pause",
        f"/v1/sources/{source}/rotate",
        f"/v1/routes/{delivery['route']}/pause",
        f"/v1/destinations/{delivery['destination']}/pause",
        f"/v1/keys/{key}/rotate",
        f"/v1/keys/{key}/revoke",
        f"/v1/dead-letters/{delivery['id']}/replay",
    ]
    lists = ["definitions", "destinations", "routes", "sources", "quarantine", "events"]

    assert {running.operator.get(one).status for one in reads} == {200}
    assert {stranger.client.get(one).status for one in reads} == {404}
    body = {"signing": "12345678"}
    assert {stranger.client.post(one, body if "rotate" in one else {}).status for one in posts} == {404}
    assert [stranger.client.get(f"/v1/{one}").doc[one] for one in lists] == [[]] * len(lists)
    assert stranger.client.get("/v1/dead-letters").doc["deadLetters"] == []
    assert_problem(stranger.client.post("/v1/events", order()), 422, "unknown-event")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic c2J4Og==",
        "Bearer sbx_",
        "Bearer nonsense",
        "Bearer " + "x" * 20_000,
        "Bearer sbx_a_b, Bearer sbx_c_d",
        "Bearer å",
    ],
)
def test_what_is_no_key_is_refused(running: Running, authorization: str):
    answer = ask(running.anonymous, "GET", "/v1/events", Authorization=authorization)

    assert_problem(answer, 401, "unauthenticated")


@pytest.mark.feature("F114")
def test_a_key_that_was_never_made_is_refused(running: Running):
    client = Client.keyed(running.stack.base_url, tokens.mint(secrets.token_bytes(tokens.RANDOM_BYTES)).text)

    answer = client.get("/v1/events")

    assert_problem(answer, 401, "unauthenticated")
    assert "not known" in answer.doc["detail"]


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: key[:-1] + "!", str.swapcase])
def test_a_key_that_was_not_copied_whole_is_refused_without_repeating_it(running: Running, change):
    broken = change(running.demo.key)

    answer = Client.keyed(running.stack.base_url, broken).get("/v1/events")

    assert_problem(answer, 401, "unauthenticated")
    assert "checksum" in answer.doc["detail"]
    assert broken not in str(answer.doc)


def test_another_secret_under_a_known_id_is_answered_like_an_unknown_key(running: Running):
    id = running.demo.key.split("_")[1]
    forged = tokens.remint(id, secrets.token_bytes(tokens.SECRET_BYTES)).text

    answer = Client.keyed(running.stack.base_url, forged).get("/v1/events")

    assert_problem(answer, 401, "unauthenticated")
    assert "not known" in answer.doc["detail"]


@pytest.mark.slow
def test_a_key_is_refused_once_it_has_expired(running: Running, make_key: MakeKey):
    expires = times.text(datetime.now(UTC) + timedelta(seconds=2))
    key = make_key("events:read", expiresAt=expires)["key"]
    client = Client.keyed(running.stack.base_url, key)

    before = client.get("/v1/events")
    after = before
    while after.status == 200:
        after = client.get("/v1/events")

    assert (before.status, datetime.now(UTC) >= times.parse(expires)) == (200, True)
    assert_problem(after, 401, "unauthenticated")
    assert "expired" in after.doc["detail"]
