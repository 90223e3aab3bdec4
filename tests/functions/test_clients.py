"""Service principals at the real doors: what a token opens, and what becomes of one that does not."""

import asyncio
import time
import uuid
from datetime import UTC, datetime

import pytest

from local.client import Client
from local.clients import ClientStore
from local.issuer import AUDIENCE, TENANT
from local.issuer.mint import Mint
from shared.access.entra import MAX_TOKEN
from shared.access.rights import DEPLOYMENT_ONLY, NEEDS, Scope
from shared.access.roles import granted
from tests.functions.asking import ask, assert_problem
from tests.functions.conftest import Place, Principal, app_with, registration, token_of
from tests.functions.test_doors_rights import path
from tests.running import Running, order, started

ROLES = ("ingest", "marketer", "developer", "operator", "privacy-officer", "admin")
ROUTES = [(*route.split(" "), needed) for route, needed in NEEDS.items()]


@pytest.fixture(scope="session")
def people(running: Running) -> dict[str, Client]:
    """A client of the whole deployment for each role."""
    made = {}
    for role in ROLES:
        app = app_with(role)
        asyncio.run(ClientStore(running.stack.environment).create("*", app.id, role, [], role))
        token = token_of(running.stack.issuer_url, app)
        made[role] = Client.keyed(running.stack.base_url, token, "stranger")
    return made


@pytest.mark.feature("F115")
def test_a_token_posts_an_event_that_carries_its_clients_source(running: Running, principal: Principal):
    client = principal("ingest", "events:read", source="erp")
    sent = order()

    first, again = client.post("/v1/events", sent), client.post("/v1/events", sent)

    assert (first.status, first.doc["status"]) == (202, "accepted")
    assert (again.doc["id"], again.headers["idempotency-replayed"]) == (first.doc["id"], "true")
    assert client.receipt(first.doc["id"], lambda doc: doc["status"] == "delivered")["source"] == "erp"


def test_two_clients_may_use_the_same_id_for_different_events(running: Running, principal: Principal):
    sent = order()

    told = [principal("ingest").post("/v1/events", sent).doc["id"] for _ in range(2)]

    assert len(set(told)) == 2


@pytest.mark.feature("F115")
def test_a_token_without_the_role_is_forbidden(principal: Principal):
    for client in (principal(), principal("operator"), principal("ingest", scopes=["events:read"])):
        answer = client.post("/v1/events", order())
        assert_problem(answer, 403, "forbidden")
        assert "events:write" in answer.doc["detail"]


def test_a_client_may_be_limited_to_some_events(principal: Principal):
    client = principal("ingest", events=["signals.survey-submitted"])

    answer = client.post("/v1/events", order())

    assert_problem(answer, 403, "forbidden")


def test_a_client_names_a_section_that_it_is_registered_in(
    running: Running, stranger: Place, principal: Principal
):
    token = {"Authorization": principal("admin").headers["Authorization"]}

    unnamed = Client(running.stack.base_url, token).get("/v1/events")
    elsewhere = [ask(Client(running.stack.base_url, token), "GET", "/v1/events", Signalbox_Section=name)
                 for name in (stranger.section, "nosuch", "Demo", "*")]  # fmt: skip

    assert_problem(unnamed, 403, "forbidden")
    assert "Signalbox-Section" in unnamed.doc["detail"]
    for answer in elsewhere:
        assert_problem(answer, 404, "not-found")


def test_a_revoked_client_is_refused_and_may_be_registered_again(running: Running):
    app = app_with("ingest")
    client = Client.keyed(running.stack.base_url, token_of(running.stack.issuer_url, app), "demo")
    unknown = client.post("/v1/events", order())
    running.operator.post("/v1/clients", registration(app))
    posted = [wait_for(202, client)]
    again = running.operator.post("/v1/clients", registration(app))
    revoked = running.operator.post(f"/v1/clients/{app.id}/revoke")
    refused = client.post("/v1/events", order())
    running.operator.post("/v1/clients", registration(app))
    posted.append(client.post("/v1/events", order()).status)

    assert_problem(unknown, 404, "not-found")
    assert_problem(again, 409, "conflict")
    assert_problem(refused, 401, "unauthenticated")
    assert "revoked" in refused.doc["detail"]
    assert (revoked.status, posted) == (200, [202, 202])
    listed = {one["id"]: one for one in running.operator.get("/v1/clients").doc["clients"]}
    assert listed[app.id]["revokedAt"] is None


def wait_for(status: int, client: Client) -> int:
    """That a client was not known is remembered for two seconds."""
    deadline = time.monotonic() + 10
    while (seen := client.post("/v1/events", order()).status) != status and time.monotonic() < deadline:
        pass
    return seen


def test_a_key_without_people_registers_no_client_with_them(running: Running, make_key):
    key = make_key("keys:write", "events:write")["key"]
    client = Client.keyed(running.stack.base_url, key)

    answer = client.post("/v1/clients", registration(app_with("admin"), scopes=["people:read"]))

    assert_problem(answer, 403, "forbidden")
    assert client.post("/v1/clients", registration(app_with("ingest"), scopes=["events:write"])).status == 201


@pytest.mark.parametrize(
    "spoilt",
    [
        "{good}x",
        "{unsigned}.",
        "{unsigned}",
        "{good}.x",
        "{good}{good}",
        "{long}.{good}",
        ".",
        "..",
        "å.{good}",
    ],
)
def test_a_token_that_is_not_whole_is_refused_without_repeating_it(
    running: Running, principal: Principal, spoilt: str
):
    good = principal("admin").headers["Authorization"].partition(" ")[2]
    text = spoilt.format(good=good, unsigned=good.rpartition(".")[0], long="x" * MAX_TOKEN)

    assert_refused(running, text)


def test_a_token_that_somebody_else_signed_is_refused(running: Running):
    forger = Mint(running.stack.issuer_url, TENANT, AUDIENCE)

    assert_refused(running, forger.sign(forger.claims(str(uuid.uuid4()), ["admin"], datetime.now(UTC))))


def assert_refused(running: Running, text: str) -> None:
    answer = ask(
        running.anonymous, "GET", "/v1/events", Authorization=f"Bearer {text}", Signalbox_Section="demo"
    )
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert len(text) < 4 or text not in str(answer.doc)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_the_doors_that_the_table_says_and_no_other(
    people: dict[str, Client], stranger: Place, role: str
):
    wrong = []
    for method, template, needed in ROUTES:
        answer = ask(people[role], method, path(template), b"{}")
        opened = answer.status not in (401, 403)
        if opened != (needed in granted([role])):
            wrong.append((method, template, answer.status))

    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_in_a_section_never_reaches_beyond_it(principal: Principal, role: str):
    client = principal(role)
    beyond = [route for route in ROUTES if route[2] in DEPLOYMENT_ONLY]

    assert {ask(client, method, path(template), b"{}").status for method, template, _ in beyond} == {403}
    assert Scope.TICK in {needed for *_, needed in beyond}


@pytest.mark.parametrize("role", ROLES)
def test_another_section_does_not_exist_whatever_the_role(principal: Principal, stranger: Place, role: str):
    client = principal(role, section=stranger.section)

    assert {ask(client, method, path(template), b"{}").status for method, template, _ in ROUTES} == {404}


@pytest.mark.slow
def test_an_issuer_that_was_never_there_is_an_outage_and_known_keys_outlive_one(tmp_path):
    app = app_with("ingest")
    with started(tmp_path, embedded=True) as running:
        issuer = Client(running.stack.issuer_url)
        assert running.operator.post("/v1/clients", registration(app)).status == 201
        client = Client.keyed(running.stack.base_url, token_of(issuer.base_url, app), "demo")
        issuer.post("/control", {"away": True})
        away = client.post("/v1/events", order())
        issuer.post("/control", {"away": False})
        back = wait_for(202, client)
        issuer.post("/control", {"away": True})
        outlived = client.post("/v1/events", order()).status

    assert_problem(away, 503, "unavailable")
    assert int(away.headers["retry-after"]) > 0
    assert (back, outlived) == (202, 202)


@pytest.mark.feature("F115")
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 202),
        ({"aud": "api://another"}, 401),
        ({"exp": 1_763_806_500}, 401),
        ({"tid": str(uuid.UUID(int=7))}, 401),
    ],
    ids=["as it should be", "for another audience", "expired", "of another tenant"],
)
def test_a_token_that_is_not_for_here_or_no_longer_good_is_refused(
    running: Running, claims: dict[str, object], status: int
):
    app = app_with("ingest")
    assert running.operator.post("/v1/clients", registration(app)).status == 201
    token = token_of(running.stack.issuer_url, app, claims)

    answer = Client.keyed(running.stack.base_url, token, "demo").post("/v1/events", order())

    assert answer.status == status, answer.doc
