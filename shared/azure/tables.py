"""Tables on Azure Table Storage."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.azure.batch import BatchWriter, Refused, Signing, bearer, from_connection_string
from shared.azure.failures import code_of, unavailable
from shared.azure.rows import Entity, entities_of, entity_of, legal_key, row_of
from shared.ports import Operation, Row, RowChanged, RowExists, RowTooLarge

MAX_PAGE_ROWS: Final = 1000
MAX_AT_ONCE: Final = 64
"""Requests that are under way together; the transport has 100 connections."""

# An SDK retry turns an insert that was committed and then answered with 500, 503 or 504 into a false
# "exists already", and a conditional write likewise into a false "has changed".
_ONCE: Final = {"retry_total": 0}
_TABLE_MISSING: Final = "TableNotFound"
_EXISTS: Final = "EntityAlreadyExists"
_GONE: Final = frozenset({"ResourceNotFound", "EntityNotFound"})
_CHANGED: Final = _GONE | {"UpdateConditionNotSatisfied", "ConditionNotMet"}
_TOO_LARGE: Final = frozenset(
    {"EntityTooLarge", "PropertyValueTooLarge", "RequestBodyTooLarge", "TooManyProperties", "413"}
)

Result = TypeVar("Result")
_NO_ACCOUNT: Final = "tables need a connection string, or an endpoint and a credential"


class AzureTables:
    """`shared.ports.Tables` on azure-data-tables. One for the whole process; it belongs to one event loop.

    `requests` counts the HTTP requests that were really sent, retries and pages included. A request waits
    `timeout_seconds` for a connection and for each answer; a call with its retries ends after twice that
    (and a call that has to make its table after six times that).
    An insert, a transaction or a write under an etag is sent once only: when it was done and answered with
    an error, the caller sees Unavailable, never a false RowExists or RowChanged, and can read the row back.
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
        self.requests = 0
        self._connection_string, self._endpoint, self._credential = connection_string, endpoint, credential
        self._timeout_seconds = timeout_seconds
        self._service: TableServiceClient | None = None
        self._clients: dict[str, TableClient] = {}
        self._writer: BatchWriter | None = None
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def get(self, table: str, pk: str, rk: str) -> Row | None:
        if not (legal_key(pk) and legal_key(rk)):
            return None
        with suppress(RowChanged):  # not there
            return _row(await self._call(table, lambda client: client.get_entity(pk, rk)))
        return None

    async def insert(self, table: str, row: Row) -> None:
        entity = entity_of(row)
        await self._call(table, lambda client: client.create_entity(entity, **_ONCE))

    async def upsert(self, table: str, row: Row) -> None:
        entity = entity_of(row)
        await self._call(table, lambda client: client.upsert_entity(entity, mode=UpdateMode.REPLACE))

    async def replace(self, table: str, row: Row) -> str:
        return await self._update(table, row, UpdateMode.REPLACE)

    async def merge(self, table: str, row: Row) -> str:
        return await self._update(table, row, UpdateMode.MERGE)

    async def delete(self, table: str, pk: str, rk: str) -> None:
        if legal_key(pk) and legal_key(rk):
            await self._call(table, lambda client: client.delete_entity(pk, rk))

    async def transact(self, table: str, operations: Sequence[Operation]) -> None:
        """No operations are no request. Raises ValueError for two partitions or the same row twice."""
        entities = entities_of(operations)
        if operations:
            await self._call(table, lambda _: self._send(table, operations, entities))

    async def range(
        self,
        table: str,
        pk: str,
        low: str = "",
        high: str | None = None,
        *,
        limit: int | None = None,
        select: Sequence[str] | None = None,
    ) -> AsyncIterator[Row]:
        if limit == 0 or not all(map(legal_key, (pk, low, high or ""))):
            return
        question, parameters = _range_filter(pk, low, high)
        size = MAX_PAGE_ROWS if limit is None else min(limit, MAX_PAGE_ROWS)
        members = None if select is None else ["PartitionKey", "RowKey", *select]
        found = self._client(table).query_entities(
            question, parameters=parameters, results_per_page=size, select=members
        )
        pages, count = found.by_page(), 0
        while (page := await self._call(table, lambda _: anext(pages, None))) is not None:
            async for entity in page:
                yield _row(entity)
                count += 1
                if count == limit:
                    return

    async def scan(self, table: str) -> AsyncIterator[Row]:
        pages = self._client(table).list_entities(results_per_page=MAX_PAGE_ROWS).by_page()
        while (page := await self._call(table, lambda _: anext(pages, None))) is not None:
            async for entity in page:
                yield _row(entity)

    async def names(self) -> Sequence[str]:
        async def read() -> list[str]:
            return sorted([table.name async for table in self._tables().list_tables()])

        return await self._bounded(read())

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        service, self._service = self._service, None
        writer, self._writer = self._writer, None
        self._clients.clear()
        if writer is not None:
            await writer.close()
        if service is not None:
            await service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _send(self, table: str, operations: Sequence[Operation], entities: Sequence[Entity]) -> None:
        self.requests += 1
        await self._batches().send(table, operations, entities)

    async def _update(self, table: str, row: Row, mode: UpdateMode) -> str:
        entity, condition = entity_of(row), _condition(row)
        options = {**condition, **_ONCE} if condition else {}
        written = await self._call(table, lambda client: client.update_entity(entity, mode, **options))
        return str(written["etag"])

    async def _call(self, table: str, send: Callable[[TableClient], Awaitable[Result]]) -> Result:
        """Send, and when the table is missing, make it and send once more."""
        client = self._client(table)
        # Waiting for a turn is not waiting for storage: a burst of ours must not look like an outage.
        async with self._turns:
            try:
                return await self._bounded(send(client))
            except _TableMissing:
                await self._bounded(_make(client))
            try:
                return await self._bounded(send(client))
            except _TableMissing as error:
                raise unavailable("Table Storage", error) from None

    async def _bounded(self, call: Awaitable[Result]) -> Result:
        try:
            async with asyncio.timeout(2 * self._timeout_seconds):
                return await call
        except Exception as error:  # noqa: BLE001 - the SDK fails with AttributeError on an answer that breaks off
            raise _in_port_words(error) from None

    def _client(self, table: str) -> TableClient:
        client = self._clients.get(table)
        if client is None:
            client = self._clients[table] = self._tables().get_table_client(table)
        return client

    def _batches(self) -> BatchWriter:
        if self._writer is None:
            self._writer = BatchWriter(*self._account(), self._timeout_seconds)
        return self._writer

    def _account(self) -> tuple[str, Signing]:
        """The table endpoint, and how requests to it are signed."""
        if self._connection_string is not None:
            return from_connection_string(self._connection_string)
        if self._endpoint is None or self._credential is None:
            raise ValueError(_NO_ACCOUNT)
        return self._endpoint, bearer(self._credential)

    def _tables(self) -> TableServiceClient:
        if self._service is None:
            self._service = self._connect()
        return self._service

    def _connect(self) -> TableServiceClient:
        options: dict[str, Any] = {
            "retry_total": 3,
            "retry_backoff_factor": 0.1,
            "retry_backoff_max": 2,
            "connection_timeout": self._timeout_seconds,
            "read_timeout": self._timeout_seconds,
            "raw_request_hook": self._count,
        }
        if self._connection_string is not None:
            return TableServiceClient.from_connection_string(self._connection_string, **options)
        if self._endpoint is None or self._credential is None:
            raise ValueError(_NO_ACCOUNT)
        return TableServiceClient(self._endpoint, credential=self._credential, **options)

    def _count(self, _: object) -> None:
        self.requests += 1


class _TableMissing(Exception):
    """The table is not there (yet)."""


async def _make(client: TableClient) -> None:
    """Create the table; that someone else was quicker is success."""
    with suppress(ResourceExistsError):
        await client.create_table()


def _in_port_words(error: BaseException) -> Exception:
    code = code_of(error)
    if code == _TABLE_MISSING:
        return _TableMissing(code)
    if code == _EXISTS:
        return RowExists(error.index if isinstance(error, Refused) else 0)
    if code in _CHANGED:
        return RowChanged(code)
    if code in _TOO_LARGE or (isinstance(error, HttpResponseError) and error.status_code == 413):
        return RowTooLarge(code)
    return unavailable("Table Storage", error)


def _row(entity: TableEntity) -> Row:
    return row_of(entity, entity.metadata.get("etag"))


def _condition(row: Row) -> dict[str, Any]:
    return {"etag": row.etag, "match_condition": MatchConditions.IfNotModified} if row.etag else {}


def _range_filter(pk: str, low: str, high: str | None) -> tuple[str, dict[str, str]]:
    parts, parameters = ["PartitionKey eq @pk"], {"pk": pk}
    if low:
        parts.append("RowKey ge @low")
        parameters["low"] = low
    if high is not None:
        parts.append("RowKey lt @high")
        parameters["high"] = high
    return " and ".join(parts), parameters
