"""The keys of a tenant that is played here, and the tokens that it signs with them."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

LIFETIME_SECONDS = 3_600
"""About what Entra gives (60 to 90 minutes)."""
KEY_BITS = 2_048


@dataclass(frozen=True, slots=True)
class Key:
    """One signing key under its id."""

    id: str
    private: RSAPrivateKey = field(repr=False)

    @classmethod
    def new(cls) -> "Key":
        return cls(secrets.token_urlsafe(20), generate_private_key(65_537, KEY_BITS))

    @property
    def jwk(self) -> dict[str, Any]:
        """As it is published (RFC 7517)."""
        public = jwt.get_algorithm_by_name("RS256").to_jwk(self.private.public_key(), as_dict=True)
        return {"kty": "RSA", "use": "sig", "kid": self.id, "n": public["n"], "e": public["e"]}


@dataclass
class Mint:
    """Signs with the newest of its keys and publishes them all."""

    authority: str
    tenant: str
    audience: str
    keys: list[Key] = field(default_factory=lambda: [Key.new()])

    @property
    def name(self) -> str:
        return f"{self.authority}/{self.tenant}/v2.0"

    def metadata(self) -> dict[str, Any]:
        """What OpenID Connect Discovery 1.0 section 3 has to say of it."""
        return {
            "issuer": self.name,
            "jwks_uri": f"{self.authority}/{self.tenant}/discovery/v2.0/keys",
            "token_endpoint": f"{self.authority}/{self.tenant}/oauth2/v2.0/token",
            "grant_types_supported": ["client_credentials"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def published(self) -> dict[str, Any]:
        return {"keys": [{**key.jwk, "issuer": self.name} for key in self.keys]}

    def rotate(self, *, keep: int = 1) -> None:
        """Sign with a new key from now on, and go on publishing so many of the older ones."""
        self.keys = [Key.new(), *self.keys[:keep]]

    def claims(self, client: str, roles: Sequence[str], now: datetime) -> dict[str, Any]:
        """What a v2.0 token of client credentials says.

        https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
        """
        at = int(now.timestamp())
        return {
            "aud": self.audience,
            "iss": self.name,
            "iat": at,
            "nbf": at,
            "exp": at + LIFETIME_SECONDS,
            "azp": client,
            "azpacr": "1",
            "idtyp": "app",
            "roles": list(roles),
            "tid": self.tenant,
            "ver": "2.0",
        }

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The token that says this."""
        key, payload = self.keys[0], json.dumps(claims).encode()
        return jwt.PyJWS().encode(payload, key.private, "RS256", headers={"kid": key.id})
