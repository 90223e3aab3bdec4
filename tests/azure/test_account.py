"""Where an account is, and how requests to it are signed."""

import asyncio
import time
from typing import Self

import pytest
from azure.core.credentials import AccessToken

from shared.azure.account import RENEW_SECONDS, Bearer, from_connection_string

URL = "http://127.0.0.1:1/devstoreaccount1"


class Identity:
    """A credential that counts what it is asked; its tokens live for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.asked, self.away = seconds, 0, False

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        assert scopes == ("https://storage.azure.com/.default",)
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError("no identity endpoint")
        return AccessToken(f"token-{self.asked}", int(time.time() + self.seconds))

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def said(bearer: Bearer) -> str:
    return (await bearer.sign(URL))["Authorization"]


def test_a_connection_string_names_the_endpoint_or_the_cloud():
    local, _ = from_connection_string(f"AccountName=a;AccountKey=AA==;TableEndpoint={URL}/;")
    cloud, _ = from_connection_string("AccountName=a;AccountKey=AA==;EndpointSuffix=core.example")

    assert (local, cloud) == (URL, "https://a.table.core.example")


def test_a_connection_string_without_a_key_is_refused():
    with pytest.raises(ValueError, match="AccountKey"):
        from_connection_string("AccountName=a;TableEndpoint=http://127.0.0.1:1/a")


async def test_many_requests_share_one_token():
    identity = Identity(RENEW_SECONDS + 60)
    bearer = Bearer(identity)

    assert set(await asyncio.gather(*(said(bearer) for _ in range(20)))) == {"Bearer token-1"}
    assert identity.asked == 1


async def test_a_token_that_ends_soon_is_renewed():
    identity = Identity(RENEW_SECONDS - 1)
    bearer = Bearer(identity)

    assert [await said(bearer), await said(bearer)] == ["Bearer token-1", "Bearer token-2"]


async def test_a_token_that_cannot_be_renewed_is_used_until_it_ends():
    identity = Identity(RENEW_SECONDS - 1)
    bearer = Bearer(identity)
    await said(bearer)
    identity.away = True

    assert await said(bearer) == "Bearer token-1"


async def test_without_a_token_that_lasts_the_failure_is_told():
    identity = Identity(-1)
    bearer = Bearer(identity)
    await said(bearer)
    identity.away = True

    with pytest.raises(ConnectionError):
        await said(bearer)
