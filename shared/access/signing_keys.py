"""The public keys that an issuer signs with: fetched when they are needed, and kept while the issuer is away."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared import exact
from shared.access.issuer import Issuer
from shared.errors import SignalboxError, Unavailable
from shared.exact import Json
from shared.ports import Answer, Clock, Http, Outgoing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHM = "RS256"
FETCH_SECONDS = 5
REFRESH_SECONDS = 12 * 3600
"""When keys are fetched again although nobody has missed one, which is how a withdrawn one is noticed.

Microsoft asks for a check at least once a day:
https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
"""
COOL_DOWN_SECONDS = 60
"""How long after a fetch a key id that is not there is believed not to be there: made-up ids cause no flood."""
AWAY_SECONDS = 5
"""How long after a fetch that failed no other is tried."""
KEPT_SECONDS = 3 * 86_400
"""How long keys outlive an issuer that cannot be asked."""
MOST_KEYS = 100
LEAST_BITS = 2048
"""Of an RSA key (RFC 7518 section 3.3)."""


class SigningKeys:
    """The keys of one issuer, by key id. At most one fetch is under way, whoever waits for it."""

    def __init__(self, issuer: Issuer, http: Http, clock: Clock) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._fetched_at = 0.0
        self._next_at = 0.0
        self._away = False
        self._fetching: asyncio.Future[None] | None = None

    async def find(self, id: str) -> "RSAPublicKey | None":
        """The key of that id; None when the issuer has none, as it said within COOL_DOWN_SECONDS.

        Raises Unavailable when nobody can tell: the key is not known here, and the issuer cannot be asked.
        """
        known = self._known()
        if id in known:
            if self._clock.seconds() - self._fetched_at >= REFRESH_SECONDS:
                self._fetch_soon()  # nobody has to wait for it
            return known[id]
        if fetching := self._fetch_soon():
            await asyncio.shield(fetching)
        found = self._known().get(id)
        if found is None and self._away:
            raise Unavailable("The issuer of the token cannot be asked for its keys right now.")
        return found

    def _known(self) -> "Mapping[str, RSAPublicKey]":
        return self._keys if self._clock.seconds() - self._fetched_at < KEPT_SECONDS else {}

    def _fetch_soon(self) -> "asyncio.Future[None] | None":
        """The fetch that is under way, or a new one; None while it is too early for one."""
        if self._fetching is None and self._clock.seconds() >= self._next_at:
            self._fetching = asyncio.ensure_future(self._fetch())
            self._fetching.add_done_callback(self._fetch_ended)
        return self._fetching

    def _fetch_ended(self, _: "asyncio.Future[None]") -> None:
        self._fetching = None

    async def _fetch(self) -> None:
        found = await self._ask()
        now = self._clock.seconds()
        self._away = not found
        self._next_at = now + (COOL_DOWN_SECONDS if found else AWAY_SECONDS)
        if found:
            self._keys, self._fetched_at = found, now

    async def _ask(self) -> "Mapping[str, RSAPublicKey]":
        """The keys of now; none when the issuer cannot be asked, or answers what is none of its answers."""
        metadata = await self._read(self._issuer.metadata_url)
        url = str(metadata.get("jwks_uri"))
        # Its name is checked as OpenID Connect Discovery 1.0 section 4.3 asks; its keys come from itself alone.
        if metadata.get("issuer") != self._issuer.name or not url.startswith(f"{self._issuer.authority}/"):
            return {}
        return _keys_of(await self._read(url), self._issuer)

    async def _read(self, url: str) -> dict[str, Json]:
        request = Outgoing("GET", url, {"Accept": "application/json"}, b"")
        answer = await self._http.send(request, timeout_seconds=FETCH_SECONDS)
        if not isinstance(answer, Answer) or answer.status != 200:
            return {}
        try:
            doc = exact.loads(answer.body)
        except SignalboxError:
            return {}
        return doc if isinstance(doc, dict) else {}


def _keys_of(doc: Mapping[str, Json], issuer: Issuer) -> "dict[str, RSAPublicKey]":
    """The usable keys of a JWK set (RFC 7517 section 5), which may hold others."""
    listed = doc.get("keys")
    found: dict[str, RSAPublicKey] = {}
    for jwk in listed[:MOST_KEYS] if isinstance(listed, list) else ():
        key = _key_of(jwk, issuer)
        if key is not None:
            found[jwk["kid"]] = key
    return found


def _key_of(jwk: Json, issuer: Issuer) -> "RSAPublicKey | None":
    from jwt import PyJWK, PyJWTError  # noqa: PLC0415  (heavy, and only needed once a token comes)

    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
        return None
    # Microsoft says of each key whose it is, with a place for the tenant.
    whose = str(jwk.get("issuer", issuer.name)).replace("{tenantid}", issuer.tenant)
    public = jwk.get("kty") == "RSA" and "d" not in jwk
    for_this = jwk.get("use", "sig") == "sig" and jwk.get("alg", ALGORITHM) == ALGORITHM
    if not public or not for_this or whose not in (issuer.name, issuer.v1_name):
        return None
    try:
        key: RSAPublicKey = PyJWK(jwk, algorithm=ALGORITHM).key
    except (PyJWTError, ValueError, TypeError):
        return None
    return key if key.key_size >= LEAST_BITS else None
