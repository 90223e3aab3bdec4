"""Plays Entra's token endpoint for the stand-ins that want its tokens, and says whom a token lets in.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import hmac
from urllib.parse import parse_qs

from local.standins import Asked, Told

TOKEN = "standin-access-token"  # noqa: S105
REFUSED_SECRET = "wrong-secret"  # noqa: S105
"""Any other secret is right."""


def issue(asked: Asked) -> Told:
    """A token, or the error of RFC 6749 section 5.2 with the codes of Entra."""
    form = {name: values[0] for name, values in parse_qs(asked.body.decode(errors="replace")).items()}
    if form.get("grant_type") != "client_credentials":
        return _error("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if not form.get("scope", "").endswith("/.default"):
        return _error(
            "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."
        )
    if not form.get("client_secret") or form["client_secret"] == REFUSED_SECRET:
        return _error("invalid_client", 7000215, "Invalid client secret provided.", status=401)
    return Told(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN})


def lets_in(asked: Asked) -> bool:
    """Whether a request carries the token."""
    return hmac.compare_digest(asked.headers.get("authorization", "").encode(), f"Bearer {TOKEN}".encode())


def _error(error: str, code: int, description: str, status: int = 400) -> Told:
    return Told(
        status,
        {"error": error, "error_description": f"AADSTS{code}: {description}", "error_codes": [code]},
    )
