"""A storage account's table endpoint, and how requests to it are signed: with a token, or locally with a key."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Final, Protocol

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

SCOPE: Final = "https://storage.azure.com/.default"
RENEW_SECONDS: Final = 300
"""A token is renewed this long before it ends, and used until then when it cannot be."""


class Signer(Protocol):
    """Makes the headers that authorise a request."""

    async def sign(self, url: str) -> Mapping[str, str]:
        """For a request to this URL, its path encoded as it is sent."""


class SharedKeyLite:
    """Signs with an account key, as the emulator wants it (in Azure keys are off and a token is used).

    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
    """

    def __init__(self, account: str, key: str) -> None:
        self._account, self._key = account, base64.b64decode(key)

    async def sign(self, url: str) -> Mapping[str, str]:
        date = formatdate(usegmt=True)
        what = f"{date}\n/{self._account}{_path(url)}"
        signed = base64.b64encode(hmac.digest(self._key, what.encode(), hashlib.sha256)).decode()
        return {"x-ms-date": date, "Authorization": f"SharedKeyLite {self._account}:{signed}"}


class Bearer:
    """Signs with a managed identity's token, which many requests share."""

    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential
        self._token: AccessToken | None = None
        self._renewing = asyncio.Lock()

    async def sign(self, url: str) -> Mapping[str, str]:  # noqa: ARG002  (a token is for the whole account)
        token = self._token
        if token is None or token.expires_on - time.time() < RENEW_SECONDS:
            token = await self._renewed()
        return {"x-ms-date": formatdate(usegmt=True), "Authorization": f"Bearer {token.token}"}

    async def _renewed(self) -> AccessToken:
        async with self._renewing:
            token = self._token
            if token is not None and token.expires_on - time.time() >= RENEW_SECONDS:
                return token
            try:
                self._token = await self._credential.get_token(SCOPE)
            except Exception:
                if token is None or token.expires_on <= time.time():
                    raise
                return token
            return self._token


def _path(url: str) -> str:
    """The path of an absolute URL, as it is written there."""
    return url[url.index("/", url.index("//") + 2) :].partition("?")[0]


def from_connection_string(text: str) -> tuple[str, Signer]:
    """The table endpoint of a connection string with an account key, and how requests to it are signed."""
    parts = dict(part.split("=", 1) for part in text.strip(";").split(";") if "=" in part)
    if not parts.keys() >= {"AccountName", "AccountKey"}:
        raise ValueError("the connection string for storage needs AccountName and AccountKey")
    account = parts["AccountName"]
    default = f"https://{account}.table.{parts.get('EndpointSuffix', 'core.windows.net')}"
    return parts.get("TableEndpoint", default).rstrip("/"), SharedKeyLite(account, parts["AccountKey"])
