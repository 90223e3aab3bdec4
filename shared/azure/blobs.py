"""Blobs on Azure Blob Storage, in one container."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Self, TypeVar

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient, LinearRetry

from shared.azure.failures import code_of, unavailable
from shared.storage import BODIES

MAX_PAGE_NAMES: Final = 1000
_CONTAINER_MISSING: Final = "ContainerNotFound"
_GONE: Final = "BlobNotFound"

Result = TypeVar("Result")


class AzureBlobs:
    """`shared.ports.Blobs` on azure-storage-blob. One for the whole process; it belongs to one event loop.

    A request waits `timeout_seconds` for a connection and for each piece of an answer; a call with its
    retries ends after twice that.
    """

    def __init__(
        self,
        connection_string: str | None = None,
        endpoint: str | None = None,
        credential: AsyncTokenCredential | None = None,
        *,
        timeout_seconds: float = 5.0,
    ) -> None:
        """Takes a connection string (local), or an endpoint and a credential, which the caller closes."""
        self._connection_string, self._endpoint, self._credential = connection_string, endpoint, credential
        self._timeout_seconds = timeout_seconds
        self._service: BlobServiceClient | None = None

    async def put(self, name: str, body: bytes) -> None:
        await self._call(lambda bodies: bodies.upload_blob(name, body, overwrite=True))

    async def get(self, name: str) -> bytes | None:
        async def read(bodies: ContainerClient) -> bytes:
            return await (await bodies.download_blob(name)).readall()

        with suppress(_BlobMissing):
            return await self._call(read)
        return None

    async def delete(self, name: str) -> None:
        """That it is gone already is success."""
        with suppress(_BlobMissing):
            await self._call(lambda bodies: bodies.delete_blob(name))

    async def names(self, prefix: str) -> AsyncIterator[str]:
        marker: str | None = ""
        while marker is not None:
            found, marker = await self._call(partial(_page, prefix=prefix, marker=marker))
            for name in found:
                yield name

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        service, self._service = self._service, None
        if service is not None:
            await service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _call(self, send: Callable[[ContainerClient], Awaitable[Result]]) -> Result:
        """Send, and when the container is missing, make it and send once more."""
        bodies = self._bodies()
        try:
            return await self._bounded(send(bodies))
        except _ContainerMissing:
            await self._bounded(_make(bodies))
        try:
            return await self._bounded(send(bodies))
        except _ContainerMissing as error:
            raise unavailable("Blob Storage", error) from None

    async def _bounded(self, call: Awaitable[Result]) -> Result:
        try:
            async with asyncio.timeout(2 * self._timeout_seconds):
                return await call
        except Exception as error:  # noqa: BLE001 - as in AzureTables: whatever the SDK raises
            raise _in_port_words(error) from None

    def _bodies(self) -> ContainerClient:
        if self._service is None:
            self._service = self._connect()
        return self._service.get_container_client(BODIES.name)

    def _connect(self) -> BlobServiceClient:
        seconds = self._timeout_seconds
        retries = LinearRetry(backoff=0, retry_total=3, random_jitter_range=1)
        options: dict[str, Any] = {
            "retry_policy": retries,
            "connection_timeout": seconds,
            "read_timeout": seconds,
        }
        if self._connection_string is not None:
            return BlobServiceClient.from_connection_string(self._connection_string, **options)
        if self._endpoint is None or self._credential is None:
            raise ValueError("blobs need a connection string, or an endpoint and a credential")
        return BlobServiceClient(self._endpoint, credential=self._credential, **options)


class _ContainerMissing(Exception):
    """The container is not there (yet)."""


class _BlobMissing(Exception):
    """There is no blob of that name."""


async def _make(bodies: ContainerClient) -> None:
    """Create the container; that someone else was quicker is success."""
    with suppress(ResourceExistsError):
        await bodies.create_container()


async def _page(bodies: ContainerClient, *, prefix: str, marker: str) -> tuple[list[str], str | None]:
    """The names on the page that the marker says, and the marker of the next one, if there is one."""
    pages = bodies.list_blob_names(name_starts_with=prefix, results_per_page=MAX_PAGE_NAMES).by_page(marker)
    names = [name async for name in await anext(pages)]
    return names, getattr(pages, "continuation_token", None) or None


def _in_port_words(error: BaseException) -> Exception:
    code = code_of(error)
    if code == _CONTAINER_MISSING:
        return _ContainerMissing(code)
    if code == _GONE and isinstance(error, HttpResponseError):
        return _BlobMissing(code)
    return unavailable("Blob Storage", error)
