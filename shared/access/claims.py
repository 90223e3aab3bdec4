"""What a token says once its signature holds: from whom, for whom, until when, of which client, granting what."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.access.issuer import Issuer
from shared.access.rights import Scope
from shared.access.roles import granted
from shared.errors import Unauthenticated
from shared.exact import Json

SKEW_SECONDS = 60
"""How far the clocks of the issuer and of this instance may be apart."""
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_VERSIONS: Mapping[str, tuple[Callable[[Issuer], str], str]] = {
    "1.0": (lambda issuer: issuer.v1_name, "appid"),
    "2.0": (lambda issuer: issuer.name, "azp"),
}
"""Of each `ver`: what the issuer is called, and the claim that names the client."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token comes to: the client that it was given to, and the scopes that it brings."""

    client: str
    scopes: frozenset[Scope]
    until: float
    """When it is over, in seconds since 1970."""
    person: str | None = None
    """The object id of the person that the client acts for."""


def grant_of(claims: Mapping[str, Json], issuer: Issuer, now: datetime) -> Grant:
    """The grant of a token of this issuer, for this API, in its time. Raises Unauthenticated.

    The rules are those of https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens and of
    RFC 7519 section 4.1.
    """
    name, client = _VERSIONS.get(str(claims.get("ver")), (None, ""))
    if name is None or claims.get("iss") != name(issuer) or claims.get("tid") != issuer.tenant:
        raise Unauthenticated("The token is of another issuer or tenant. Get one of the tenant of this API.")
    if issuer.audiences.isdisjoint(_texts(claims.get("aud"))):
        raise Unauthenticated(
            "The token is for another API. Ask for one for this API: its scope, `/.default`."
        )
    until = _end(claims, now.timestamp())
    id = claims.get(client)
    if not isinstance(id, str) or not GUID.fullmatch(id.lower()):
        raise Unauthenticated("The token names no client. Send an access token, not an ID token.")
    person = claims.get("oid") if "scp" in claims else None
    return Grant(id.lower(), _scopes(claims), until, person if isinstance(person, str) else None)


def _end(claims: Mapping[str, Json], now: float) -> float:
    """When a token ends that holds now. Raises Unauthenticated."""
    given = [claims.get(name) for name in ("exp", "nbf", "iat")]
    times = [time for time in given if isinstance(time, int) and not isinstance(time, bool)]
    if len(times) < len(given):
        raise Unauthenticated("The token lacks one of its times, exp, nbf and iat. Get another one.")
    expires, *begins = times
    if now >= expires + SKEW_SECONDS:
        raise Unauthenticated("The token has expired. Get a new one.")
    if max(begins) > now + SKEW_SECONDS:
        raise Unauthenticated("The token is not valid yet. Set the clock of the machine that made it right.")
    return float(expires + SKEW_SECONDS)


def _scopes(claims: Mapping[str, Json]) -> frozenset[Scope]:
    """An app by itself has its roles. Acting for a person it has what both the person's roles and its scopes give."""
    roles, scopes = granted(_texts(claims.get("roles"))), claims.get("scp")
    return roles if scopes is None else roles & granted(scopes.split() if isinstance(scopes, str) else ())


def _texts(claim: Json) -> list[str]:
    """The texts of a claim that may be one text or several."""
    several = claim if isinstance(claim, list) else [claim]
    return [one for one in several if isinstance(one, str)]
