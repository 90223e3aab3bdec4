"""Makes, lists and revokes keys straight in storage: the first key of a deployment cannot come from the API."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from local.storage import lowered, opened
from shared.access.caller import DEPLOYMENT
from shared.access.keys import Keys
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.access.sections import Sections
from shared.access.tokens import RANDOM_BYTES, SECRET_BYTES
from shared.azure.vault import MasterKeySeal
from shared.registry import Registry
from shared.settings import Settings
from shared.wiring import SystemClock

EVERYTHING = tuple(scope.value for scope in Scope)
IN_A_SECTION = tuple(scope.value for scope in Scope if scope not in DEPLOYMENT_ONLY)


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The keys in the storage that an environment names. Raises NotFound for a section that is not there, Unavailable."""

    environment: Mapping[str, str]

    async def create(
        self,
        section: str,
        name: str,
        scopes: Sequence[str],
        source: str,
        limits: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A new key; its text is in the answer and never again. Section `*` makes a deployment key.

        No scopes and no roles means all scopes. `limits` may have `roles`, `events` and `expiresAt`, as the API takes them. Raises Invalid.
        """
        every = EVERYTHING if section == DEPLOYMENT else IN_A_SECTION
        limited = {name: value for name, value in (limits or {}).items() if value}
        named = list(scopes) or (None if "roles" in limited else list(every))
        body = {"name": name, "scopes": named, "source": source, **limited}
        async with self._keys(section) as keys:
            return await keys.create(section, body, secrets.token_bytes(RANDOM_BYTES))

    async def rotate(self, section: str, id: str) -> dict[str, Any]:
        """A second live secret for a key."""
        async with self._keys(section) as keys:
            return await keys.rotate(section, id, secrets.token_bytes(SECRET_BYTES))

    async def revoke(self, section: str, id: str, secret: int | None) -> dict[str, Any]:
        """Refuse one secret of a key, or the whole key."""
        async with self._keys(section) as keys:
            return await keys.revoke(section, id, secret)

    async def list(self, section: str) -> list[dict[str, Any]]:
        """The keys of a section, without their secrets."""
        async with self._keys(section) as keys:
            return await keys.list(section)

    @asynccontextmanager
    async def _keys(self, section: str) -> AsyncIterator[Keys]:
        async with registry_for(self.environment, section) as registry:
            yield Keys(registry, SystemClock())


@asynccontextmanager
async def registry_for(environment: Mapping[str, str], section: str) -> AsyncIterator[Registry]:
    """The registry, once the section is known to exist. Raises NotFound, Unavailable."""
    chosen = Settings.model_validate(lowered(environment))
    async with opened(environment) as tables:
        registry = Registry(tables)
        if section != DEPLOYMENT:
            seal = MasterKeySeal(chosen.signalbox_master_keys.get_secret_value())
            await Sections(registry, seal, SystemClock()).show(section)
        yield registry
