"""How a destination's access token is had: asked for at the vendor's token endpoint, or that of the app's own identity."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from shared import exact
from shared.exact import Json
from shared.ports import AccessToken, Answer, Outgoing

WITHOUT_EXPIRY = timedelta(minutes=5)
"""How long a token is used that does not say how long it lasts."""
MAX_TOKEN = 16_384
"""Characters."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request that is answered with an access token (RFC 6749 section 5.1)."""

    request: Outgoing = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """The managed identity of this app, for a resource's scope, such as `https://contoso.crm4.dynamics.com/.default`."""

    scope: str


Access = TokenRequest | OwnIdentity


def client_credentials(url: str, client_id: str, client_secret: str, scope: str) -> TokenRequest:
    """The client credentials grant with a secret, in the body (RFC 6749 section 4.4, and 2.3.1)."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return TokenRequest(Outgoing("POST", url, headers, urlencode(form).encode()))


def read_token(answer: Answer, now: datetime) -> AccessToken | None:
    """The token of an answer, with the sooner of the ends that it names; None where there is none."""
    doc = (exact.members(answer.body) or {}) if answer.status == 200 else {}
    text = doc.get("access_token")
    if not isinstance(text, str) or not text.isascii() or not 0 < len(text) <= MAX_TOKEN:
        return None
    ends = [end for end in (_after(doc.get("expires_in"), now), _expiry(text)) if end is not None]
    return AccessToken(text, min(ends, default=now + WITHOUT_EXPIRY))


def _after(seconds: Json, now: datetime) -> datetime | None:
    """Some senders write the number as text."""
    try:
        return now + timedelta(seconds=float(str(seconds)))
    except (ValueError, OverflowError):
        return None


def _expiry(token: str) -> datetime | None:
    """What a JWT says of its own end (RFC 7519 section 4.1.4). It is not checked: its reader does that."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = exact.members(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))) or {}
        return datetime.fromtimestamp(float(str(claims.get("exp"))), tz=UTC)
    except (binascii.Error, ValueError, OverflowError, OSError):
        return None
