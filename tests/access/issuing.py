"""An issuer at the other end of the `Http` port: it serves its metadata and its keys, and counts who asks."""

import json
from dataclasses import dataclass, field
from typing import Any

from local.issuer.mint import Key, Mint
from shared.access.issuer import Issuer
from shared.ports import Answer, NoAnswer, Outgoing
from tests.fakes import FakeClock

TENANT = "7a1c7d1e-0f5b-4d7b-9d5f-2b0f4f1c9a11"
CLIENT = "c0ffee00-1111-4222-8333-444455556666"
AUDIENCE = "api://signalbox"
AUTHORITY = "https://login.example.com"
ISSUER = Issuer(TENANT, frozenset({AUDIENCE, "0b7e0b7e-1111-4222-8333-444455556666"}), AUTHORITY)
KEYS = [Key.new() for _ in range(3)]
"""Made once: an RSA key takes a tenth of a second."""


@dataclass
class PlayedIssuer:
    """An issuer whose answers a test chooses. `asked` are the URLs that were fetched."""

    clock: FakeClock
    mint: Mint = field(default_factory=lambda: Mint(AUTHORITY, TENANT, AUDIENCE, [KEYS[0]]))
    away: Answer | NoAnswer | None = None
    """What it answers everything with, while it is away."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Members of its metadata that are not its own."""
    asked: list[str] = field(default_factory=list)

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        self.asked.append(request.url)
        if self.away:
            return self.away
        doc = {**self.mint.metadata(), **self.metadata}
        return answer(doc if request.url == ISSUER.metadata_url else self.mint.published())

    @property
    def fetches(self) -> int:
        """How often its keys were asked for."""
        return self.asked.count(ISSUER.metadata_url)

    def rotate(self) -> None:
        self.mint.keys = [KEYS[1], KEYS[0]]

    def withdraw(self) -> None:
        """Sign with another key, and publish the one before no more."""
        self.mint.keys = [KEYS[1]]

    def token(self, *roles: str, **claims: Any) -> str:
        """A token that the issuer signed; claims that are None are left out of it."""
        said = {**self.mint.claims(CLIENT, roles, self.clock.now()), **claims}
        return self.mint.sign({name: value for name, value in said.items() if value is not None})


def answer(doc: Any) -> Answer:
    return Answer(200, {}, json.dumps(doc).encode())
