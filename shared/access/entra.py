"""Reads an access token of Microsoft Entra: first its signature, then what it says."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cachetools import TTLCache

from shared.access.claims import Grant, grant_of
from shared.access.issuer import Issuer
from shared.access.signing_keys import ALGORITHM, SigningKeys
from shared.errors import Unauthenticated
from shared.exact import Json
from shared.ports import Clock, Http

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_TOKEN = 16_384
KNOWN_SECONDS = 30
"""How long a good token is not checked again: a signature costs as much CPU as all else that an event needs."""
MOST_KNOWN = 1_000
_BROKEN = "This is no whole token. Copy it again, all of it: three parts with dots between them."


class Entra:
    """The tokens of one issuer."""

    def __init__(self, issuer: Issuer, http: Http, clock: Clock) -> None:
        self._issuer = issuer
        self._keys = SigningKeys(issuer, http, clock)
        self._clock = clock
        self._known: TTLCache[bytes, Grant] = TTLCache(MOST_KNOWN, KNOWN_SECONDS, clock.seconds)

    async def read(self, text: str) -> Grant:
        """What a token grants. Raises Unauthenticated, and Unavailable when its issuer's keys cannot be had.

        What is checked follows RFC 8725, "JSON Web Token Best Current Practices": the algorithm is ours to choose,
        and keys come from nowhere but the issuer, whatever the token's header names.
        """
        if len(text) > MAX_TOKEN:
            raise Unauthenticated(
                f"The token is longer than {MAX_TOKEN:,} characters. Get one with fewer claims."
            )
        if not text.isascii():
            raise Unauthenticated(_BROKEN)
        digest = hashlib.sha256(text.encode()).digest()
        known, now = self._known.get(digest), self._clock.now()
        if known is not None and now.timestamp() < known.until:
            return known
        key = await self._keys.find(_key_id(text))
        if key is None:
            raise Unauthenticated(
                "The token is signed with no key of this API's issuer. Get one of its tenant."
            )
        grant = self._known[digest] = grant_of(_claims(text, key), self._issuer, now)
        return grant


def _key_id(text: str) -> str:
    from jwt import InvalidTokenError, get_unverified_header  # noqa: PLC0415  (heavy; first use only)

    try:
        header: Mapping[str, Json] = get_unverified_header(text)
    except (InvalidTokenError, ValueError, RecursionError):
        raise Unauthenticated(_BROKEN) from None
    id = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(id, str):
        raise Unauthenticated(f"The token is not signed with {ALGORITHM} and a key's id. Get one from Entra.")
    return id


def _claims(text: str, key: "RSAPublicKey") -> Mapping[str, Json]:
    """The claims of a token that was signed with the key. Raises Unauthenticated."""
    from jwt import InvalidTokenError, PyJWS  # noqa: PLC0415  (heavy; first use only)

    try:
        claims = json.loads(PyJWS().decode(text, key, algorithms=[ALGORITHM]))
    except (InvalidTokenError, ValueError, RecursionError):
        raise Unauthenticated("The token's signature does not hold. Get a new one.") from None
    if not isinstance(claims, dict):
        raise Unauthenticated(_BROKEN)
    return claims
