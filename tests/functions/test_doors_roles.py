"""The matrix: every route with every role, once as a token has it and once as a key does."""

import asyncio
import secrets
from collections.abc import Callable

import pytest

from local.client import Client
from local.clients import ClientStore
from local.keys import KeyStore
from shared.access.rights import DEPLOYMENT_ONLY, NEEDS, NEEDS_TOO, Scope
from shared.access.roles import Role, granted
from tests.functions.asking import ask
from tests.functions.conftest import MakeKey, Place, Principal, app_with, token_of
from tests.functions.test_doors_rights import path
from tests.running import Running

ROUTES = [(*route.split(" "), needed) for route, needed in NEEDS.items()]
BEYOND = [route for route in ROUTES if route[2] in DEPLOYMENT_ONLY]
BearerWith = Callable[[Role], Client]


def wrongly(client: Client, may: frozenset[Scope]) -> list[tuple[str, str, int]]:
    """The routes that this opens and should not, or the other way round."""
    asked = [(method, template, needed, ask(client, method, path(template), b"{}").status)
             for method, template, needed in ROUTES]  # fmt: skip
    return [(method, template, status) for method, template, needed, status in asked
            if (status not in (401, 403)) != ({needed, *NEEDS_TOO.get(f"{method} {template}", ())} <= may)]  # fmt: skip


@pytest.fixture(scope="session")
def tokens(running: Running, stranger: Place) -> BearerWith:
    """Tokens of clients of the whole deployment."""

    def make(role: Role) -> Client:
        app = app_with(role)
        asyncio.run(ClientStore(running.stack.environment).create("*", app.id, role, [], role))
        token = token_of(running.stack.issuer_url, app)
        return Client.keyed(running.stack.base_url, token, stranger.section)

    return make


@pytest.fixture(scope="session")
def deployment_keys(running: Running, stranger: Place) -> BearerWith:
    """Keys of the whole deployment."""

    def make(role: Role) -> Client:
        store = KeyStore(running.stack.environment)
        made = asyncio.run(store.create("*", role, [], role, {"roles": [role]}))
        return Client.keyed(running.stack.base_url, made["key"], stranger.section)

    return make


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("bearers", ["tokens", "deployment_keys"])
def test_a_role_opens_the_doors_that_the_table_says_and_no_other(
    request: pytest.FixtureRequest, bearers: str, role: Role
):
    client = request.getfixturevalue(bearers)(role)

    assert wrongly(client, granted([role])) == []


@pytest.mark.parametrize("role", Role)
def test_a_sections_key_with_a_role_opens_the_same_but_what_reaches_beyond_it(
    make_key: MakeKey, running, role
):
    key = make_key(roles=[role], scopes=None)["key"]

    assert wrongly(Client.keyed(running.stack.base_url, key), granted([role]) - DEPLOYMENT_ONLY) == []


@pytest.mark.parametrize("role", Role)
def test_a_token_with_a_role_in_a_section_never_reaches_beyond_it(principal: Principal, role: Role):
    client = principal(role)

    assert {ask(client, method, path(template), b"{}").status for method, template, _ in BEYOND} == {403}
    assert Scope.TICK in {needed for *_, needed in BEYOND}


@pytest.mark.parametrize("role", Role)
def test_another_section_does_not_exist_whatever_the_role(
    running: Running, principal: Principal, stranger: Place, make_key: MakeKey, role: Role
):
    key = make_key(roles=[role], scopes=None)["key"]
    keyed = Client.keyed(running.stack.base_url, key, stranger.section)

    for client in (principal(role, section=stranger.section), keyed):
        assert {ask(client, method, path(template), b"{}").status for method, template, _ in ROUTES} == {404}


def test_roles_and_scopes_of_a_key_add_up(running: Running, make_key: MakeKey):
    made = make_key("audit:read", roles=["ingest", "marketer"])

    assert (made["scopes"], made["roles"]) == (["audit:read"], ["ingest", "marketer"])
    may = granted(["ingest", "marketer", "audit:read"])
    assert wrongly(Client.keyed(running.stack.base_url, made["key"]), may) == []


def test_nobody_makes_a_key_of_a_role_that_reaches_further(running: Running, make_key: MakeKey):
    maker = Client.keyed(running.stack.base_url, make_key("keys:write", roles=["developer"])["key"])

    def status(*roles: str) -> int:
        body = {"name": secrets.token_hex(4), "source": "tests", "roles": roles}
        return maker.post("/v1/keys", body).status

    assert [status("developer"), status("ingest"), status("developer", "ingest")] == [201] * 3
    assert [status("marketer"), status("operator"), status("admin"), status("ingest", "admin")] == [403] * 4
