"""The first section of a deployment, its first admin, and the section that smoke tests post to. Twice makes nothing new."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from deploying.outputs import Wishes
from deploying.smoke_event import DEFINITION, SECTION, SOURCE
from shared.access import tokens
from shared.access.caller import DEPLOYMENT
from shared.access.clients import Clients
from shared.access.keys import Keys
from shared.access.rights import Scope
from shared.access.section_body import SectionBody
from shared.access.sections import HASH_KEY_BYTES, Sections
from shared.access.tokens import RANDOM_BYTES
from shared.bodies import read_body
from shared.catalog.definitions import Definitions
from shared.errors import Conflict
from shared.exact import Json, Number
from shared.ports import Clock, Seal, Tables
from shared.registry import Registry

EVERY_SCOPE: list[Json] = [scope.value for scope in Scope]
ADMIN = "first admin"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made just now."""

    section: str | None
    """The first section's id; None where there was one."""
    admin_key: str | None
    """Shown once, and stored nowhere."""
    admin_client: str | None
    smoke_key: str
    """For the vault."""


class Furnisher:
    """Makes what a deployment begins with, straight in storage: no key is there that the API would take."""

    def __init__(self, tables: Tables, seal: Seal, clock: Clock, admin: bytes) -> None:
        """`admin` is the random of the first admin's key: the same when it is tried again, so that it can be shown."""
        registry = Registry(tables)
        self._sections = Sections(registry, seal, clock)
        self._keys, self._clients = Keys(registry, clock), Clients(registry, clock, None)
        self._definitions = Definitions(registry, clock)
        self._admin = admin

    async def furnish(self, wishes: Wishes, url: str) -> Made:
        """What is missing is made; `url` is the app's own. Raises Invalid for wishes that cannot be, Unavailable."""
        section = await self._first_section(wishes, url)
        smoke_key = await self._smoke(wishes, url)
        return Made(section, *await self._first_admin(wishes), smoke_key)

    async def _first_section(self, wishes: Wishes, url: str) -> str | None:
        if [one for one in await self._sections.list() if one["id"] != SECTION]:
            return None
        await self._section(first_section(wishes, url))
        return wishes.signalbox_section

    async def _first_admin(self, wishes: Wishes) -> tuple[str | None, str | None]:
        """A key's text, or a client's id; neither where there is an admin, or nobody who could read a key."""
        clients = await self._clients.list(DEPLOYMENT)
        if wishes.signalbox_admin_client:
            return None, await self._client(wishes.signalbox_admin_client.lower(), clients)
        mine = tokens.mint(self._admin)
        live = [one for one in (*clients, *await self._keys.list(DEPLOYMENT)) if not one["revokedAt"]]
        if wishes.ci or any(one["id"] != mine.id for one in live):
            return None, None
        if not live:
            body: Json = {"name": ADMIN, "source": ADMIN, "scopes": EVERY_SCOPE}
            await self._keys.create(DEPLOYMENT, body, self._admin)
        return mine.text, None

    async def _client(self, id: str, known: Sequence[dict[str, Json]]) -> str | None:
        if any(one["id"] == id and not one["revokedAt"] for one in known):
            return None
        await self._clients.create(
            DEPLOYMENT, {"id": id, "name": ADMIN, "source": ADMIN, "scopes": EVERY_SCOPE}
        )
        return id

    async def _smoke(self, wishes: Wishes, url: str) -> str:
        """A new key for the section of smoke tests; those before it are revoked."""
        if SECTION not in [one["id"] for one in await self._sections.list()]:
            await self._section(_section_of_smoke_tests(wishes, url))
        with suppress(Conflict):  # it is there
            await self._definitions.create(SECTION, DEFINITION)
        for old in await self._keys.list(SECTION):
            if not old["revokedAt"]:
                await self._keys.revoke(SECTION, str(old["id"]))
        body: Json = {"name": SOURCE, "source": SOURCE, "scopes": ["events:write", "events:read"]}
        made = await self._keys.create(SECTION, body, secrets.token_bytes(RANDOM_BYTES))
        return str(made["key"])

    async def _section(self, body: Json) -> None:
        await self._sections.create(body, secrets.token_bytes(HASH_KEY_BYTES))


def first_section(wishes: Wishes, url: str) -> Json:
    """The section that a deployment begins with; `url` is the app's own."""
    return _section(wishes, url, wishes.signalbox_section, wishes.signalbox_section_name)


def require_possible(wishes: Wishes) -> None:
    """Raises Invalid for a first section that cannot be, before there is anything to make it in."""
    read_body(SectionBody, first_section(wishes, "https://app.example.com"))


def _section_of_smoke_tests(wishes: Wishes, url: str) -> Json:
    small: Json = {"idempotencyDays": Number("7"), "buckets": Number("1")}
    return {**_section(wishes, url, SECTION, "Smoke tests of deployments"), **small}


def _section(wishes: Wishes, url: str, id: str, name: str) -> dict[str, Json]:
    return {
        "id": id,
        "name": name,
        "country": wishes.signalbox_country,
        "timeZone": wishes.signalbox_time_zone,
        "publicBaseUrl": wishes.signalbox_public_base_url or url,
    }
