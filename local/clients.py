"""Registers, lists and revokes clients straight in storage: one of the whole deployment cannot come from the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.keys import EVERYTHING, IN_A_SECTION, registry_for
from shared.access.caller import DEPLOYMENT
from shared.access.clients import Clients
from shared.wiring import SystemClock


@dataclass(frozen=True, slots=True)
class ClientStore:
    """The clients in the storage that an environment names. Raises NotFound for a section that is not there."""

    environment: Mapping[str, str]

    async def create(
        self, section: str, id: str, name: str, scopes: Sequence[str], source: str
    ) -> dict[str, Any]:
        """Register a client; no scopes means all. Section `*` lets it reach every one. Raises Invalid, Conflict."""
        every = EVERYTHING if section == DEPLOYMENT else IN_A_SECTION
        body = {"id": id, "name": name, "scopes": list(scopes) or list(every), "source": source}
        async with registry_for(self.environment, section) as registry:
            return await Clients(registry, SystemClock(), None).create(section, body)

    async def revoke(self, section: str, id: str) -> dict[str, Any]:
        """Refuse a client there from now on."""
        async with registry_for(self.environment, section) as registry:
            return await Clients(registry, SystemClock(), None).revoke(section, id)

    async def list(self, section: str) -> list[dict[str, Any]]:
        """The clients of a section."""
        async with registry_for(self.environment, section) as registry:
            return await Clients(registry, SystemClock(), None).list(section)
