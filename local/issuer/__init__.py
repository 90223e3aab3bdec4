"""Plays Microsoft Entra: signs access tokens of one tenant and publishes its keys. A development tool, on loopback."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TENANT = "5160a1b0-0000-4000-8000-000000000001"
AUDIENCE = "api://signalbox"
SCOPE = f"{AUDIENCE}/.default"
TOKEN_PATH = f"/{TENANT}/oauth2/v2.0/token"


@dataclass(frozen=True, slots=True)
class App:
    """An app that is registered there: its secret, and the app roles that it was given."""

    id: str
    secret: str = field(repr=False)
    roles: tuple[str, ...]
    claims: Mapping[str, object] = field(default_factory=dict)
    """What its tokens say instead of what they should."""

    @property
    def form(self) -> dict[str, str]:
        """What asks for a token by client credentials (RFC 6749 section 4.4)."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.id,
            "client_secret": self.secret,
            "scope": SCOPE,
        }


ERP = App("5160a1b0-0000-4000-8000-0000000000e0", "demo-erp-secret", ("ingest",))
"""The demo's own."""
