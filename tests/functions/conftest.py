"""Sections beside the demo's: one where nothing is ever accepted, one where anything may lie about, and a stranger."""

import asyncio
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from local.client import Client
from local.issuer import TOKEN_PATH, App
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.azure.tables import AzureTables
from shared.storage import EVENTS
from tests.running import Running

SECTION_SCOPES = [scope.value for scope in Scope if scope not in DEPLOYMENT_ONLY]
EVENT = "tests.everything"
FIELDS = [
    {"name": "text", "type": "text", "required": True, "description": "Any"},
    {"name": "integer", "type": "integer", "description": "Any"},
    {"name": "decimal", "type": "decimal", "required": True, "description": "Any"},
    {"name": "boolean", "type": "boolean", "description": "Any"},
    {"name": "date", "type": "date", "description": "Any"},
    {"name": "timestamp", "type": "timestamp", "description": "Any"},
]
EVERYTHING = {
    "event": EVENT,
    "title": "Everything",
    "description": "One field of each type.",
    "purpose": "marketing",
    "retentionDays": 30,
    "fields": FIELDS,
}
BUCKETS = 4

MakeKey = Callable[..., dict[str, Any]]
Principal = Callable[..., Client]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Place:
    """A section of a test's own, and a key for all that a section's key can do."""

    section: str
    client: Client
    connection: str

    def stored(self) -> list[str]:
        """The rows of its events: events, idempotency keys, commits."""
        return asyncio.run(self._rows())

    async def _rows(self) -> list[str]:
        async with AzureTables(self.connection) as tables:
            partitions = [f"{self.section}|{bucket}" for bucket in range(BUCKETS)]
            return [row.rk for one in partitions async for row in tables.range(EVENTS.name, one)]


@pytest.fixture(scope="session")
def quiet(running: Running) -> Place:
    """Here nothing but refusals happens, so nothing is ever stored."""
    made = place(running, "quiet")
    assert made.client.post("/v1/definitions", EVERYTHING).status == 201
    return made


@pytest.fixture(scope="session")
def noisy(running: Running) -> Place:
    """Whatever is left here disturbs nobody."""
    return place(running, "noisy")


@pytest.fixture(scope="session")
def stranger(running: Running) -> Place:
    """A section that has nothing to do with the demo's."""
    return place(running, "stranger")


@pytest.fixture(scope="session")
def crowded(running: Running) -> Place:
    """A section that a test may fill up."""
    return place(running, "crowded")


@pytest.fixture(scope="session")
def silent(running: Running) -> Place:
    """A section in which nothing comes but what a test of volumes and quotas sends."""
    made = place(running, "silent")
    assert made.client.post("/v1/definitions", EVERYTHING).status == 201
    return made


@pytest.fixture(scope="session")
def make_key(running: Running) -> MakeKey:
    """Makes keys of the demo section: `make_key("events:write", ...)`, members of the body as keywords."""

    def make(*scopes: str, **members: Any) -> dict[str, Any]:
        body = {"name": f"test {secrets.token_hex(4)}", "source": "tests", "scopes": list(scopes), **members}
        answer = running.operator.post("/v1/keys", body)
        assert answer.status == 201, answer.doc
        made: dict[str, Any] = answer.doc
        return made

    return make


def token_of(issuer_url: str, app: App, claims: Mapping[str, object] | None = None) -> str:
    """Sign an app in, once the issuer knows it; its tokens say `claims` instead of what they should."""
    issuer = Client(issuer_url)
    known = {"id": app.id, "secret": app.secret, "roles": app.roles, "claims": claims or {}}
    assert issuer.post("/control", {"client": known}).status == 200
    return str(issuer.send("POST", TOKEN_PATH, urlencode(app.form).encode(), FORM).doc["access_token"])


def app_with(*roles: str) -> App:
    return App(str(uuid.uuid4()), secrets.token_hex(8), roles)


def registration(app: App, **members: Any) -> dict[str, Any]:
    return {"id": app.id, "name": "ERP", "source": "erp", "scopes": SECTION_SCOPES, **members}


@pytest.fixture(scope="session")
def principal(running: Running) -> Principal:
    """A client with roles, registered in the demo section: `principal("ingest", scopes=[...])`."""

    def make(*roles: str, section: str = "demo", **members: Any) -> Client:
        app = app_with(*roles)
        answer = running.operator.post("/v1/clients", registration(app, **members))
        assert answer.status == 201, answer.doc
        return Client.keyed(running.stack.base_url, token_of(running.stack.issuer_url, app), section)

    return make


def place(running: Running, name: str) -> Place:
    """A new section, and a key for all that a section's key can do."""
    stack = running.stack
    section = {
        "id": name,
        "name": name,
        "country": "SE",
        "timeZone": "Europe/Stockholm",
        "publicBaseUrl": stack.base_url,
        "buckets": BUCKETS,
    }
    assert Client.keyed(stack.base_url, running.deployment_key).post("/v1/sections", section).status == 201
    operator = Client.keyed(stack.base_url, running.deployment_key, name)
    body = {"name": "all", "source": "tests", "scopes": SECTION_SCOPES}
    made = operator.post("/v1/keys", body)
    assert made.status == 201, made.doc
    client = Client.keyed(stack.base_url, made.doc["key"])
    return Place(name, client, stack.environment["STORAGE_CONNECTION"])
