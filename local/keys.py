"""Makes, lists and revokes keys straight in storage: the first key of a deployment cannot come from the API."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from shared.access.keys import DEPLOYMENT, Keys
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.access.tokens import RANDOM_BYTES, SECRET_BYTES
from shared.registry import Registry
from shared.settings import settings
from shared.wiring import SystemClock, tables_of

EVERYTHING = tuple(scope.value for scope in Scope)
IN_A_SECTION = tuple(scope.value for scope in Scope if scope not in DEPLOYMENT_ONLY)


async def create(section: str, name: str, scopes: Sequence[str], source: str) -> dict[str, Any]:
    """A new key; its text is in the answer and never again. Section `*` makes a deployment key."""
    every = EVERYTHING if section == DEPLOYMENT else IN_A_SECTION
    body = {"name": name, "scopes": list(scopes) or list(every), "source": source}
    async with _keys() as keys:
        return await keys.create(section, body, secrets.token_bytes(RANDOM_BYTES))


async def rotate(section: str, id: str) -> dict[str, Any]:
    """A second live secret for a key."""
    async with _keys() as keys:
        return await keys.rotate(section, id, secrets.token_bytes(SECRET_BYTES))


async def revoke(section: str, id: str, secret: int | None) -> dict[str, Any]:
    """Refuse one secret of a key, or the whole key."""
    async with _keys() as keys:
        return await keys.revoke(section, id, secret)


async def list_all(section: str) -> list[dict[str, Any]]:
    """The keys of a section, without their secrets."""
    async with _keys() as keys:
        return await keys.list(section)


@asynccontextmanager
async def _keys() -> AsyncIterator[Keys]:
    tables = tables_of(settings())
    try:
        yield Keys(Registry(tables), SystemClock())
    finally:
        await tables.close()
