"""The token issuer as the process that it is: our own reader takes its tokens, over real HTTP."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from local.client import Client, Response
from local.issuer import AUDIENCE, ERP, TENANT, TOKEN_PATH, App
from local.process import Child
from shared.access.entra import Entra
from shared.access.issuer import Issuer
from shared.access.rights import Scope
from shared.access.signing_keys import COOL_DOWN_SECONDS
from shared.azure.http import GuardedHttp
from shared.errors import Unauthenticated, Unavailable
from tests.fakes import FakeClock

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def issuer(tmp_path: Path):
    command: list[str | Path] = [sys.executable, "-m", "local.issuer"]
    with Child("issuer", command, tmp_path / "issuer.log", cwd=Path(__file__).parents[2]) as child:
        yield Client(f"http://127.0.0.1:{child.wait_for_announcement()['port']}")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))


@pytest.fixture
async def entra(issuer: Client, clock: FakeClock):
    http = GuardedHttp(allow_loopback=True)
    yield Entra(Issuer(TENANT, frozenset({AUDIENCE}), issuer.base_url), http, clock)
    await http.close()


def ask(issuer: Client, **changes: str) -> Response:
    return issuer.send("POST", TOKEN_PATH, urlencode(ERP.form | changes).encode(), FORM)


def token(issuer: Client, **changes: str) -> str:
    return str(ask(issuer, **changes).doc["access_token"])


async def test_its_tokens_are_taken(issuer, entra):
    answer = ask(issuer)
    grant = await entra.read(answer.doc["access_token"])

    assert (answer.status, answer.doc["token_type"], answer.doc["expires_in"]) == (200, "Bearer", 3600)
    assert (grant.client, grant.scopes) == (ERP.id, {Scope.EVENTS_WRITE})


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_scope"),
    ],
)
def test_who_is_not_registered_gets_none(issuer, changes, status, error):
    answer = ask(issuer, **changes)

    assert (answer.status, answer.doc) == (status, {"error": error})


async def test_an_app_that_is_registered_has_its_roles(issuer, entra):
    app = App("5160a1b0-0000-4000-8000-0000000000e1", "another secret", ("operator", "events:write"))
    known = {"id": app.id, "secret": app.secret, "roles": app.roles}
    assert issuer.post("/control", {"client": known}).status == 200

    grant = await entra.read(token(issuer, **app.form))

    assert grant.client == app.id
    assert {Scope.EVENTS_WRITE, Scope.OPERATE} < grant.scopes


async def test_after_a_rotation_new_and_old_tokens_are_taken_at_one_fetch(issuer, entra, clock):
    old = token(issuer)
    await entra.read(old)
    issuer.post("/control", {"rotate": True})
    new = token(issuer)
    clock.pass_(seconds=COOL_DOWN_SECONDS)

    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    for _ in range(3):
        await entra.read(new)
        await entra.read(old)
    assert fetches(issuer) == 2


async def test_a_key_that_is_published_no_more_is_forgotten_with_the_next_fetch(issuer, entra, clock):
    old = token(issuer)
    await entra.read(old)
    for _ in range(2):
        issuer.post("/control", {"rotate": True})
    clock.pass_(seconds=COOL_DOWN_SECONDS)
    await entra.read(token(issuer))

    with pytest.raises(Unauthenticated):
        await entra.read(old)


async def test_while_it_is_away_known_keys_serve_and_unknown_ones_are_an_outage(issuer, entra, clock):
    good = token(issuer)
    await entra.read(good)
    issuer.post("/control", {"rotate": True})
    unknown = token(issuer)
    issuer.post("/control", {"away": True})
    clock.pass_(seconds=COOL_DOWN_SECONDS)

    await entra.read(good)
    with pytest.raises(Unavailable):
        await entra.read(unknown)
    issuer.post("/control", {"away": False})
    clock.pass_(seconds=COOL_DOWN_SECONDS)
    await entra.read(unknown)


def fetches(issuer: Client) -> Any:
    return issuer.post("/control", {}).doc["fetches"]
