"""Tables on Azure Table Storage."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient

from shared.azure import batch, wire
from shared.azure.account import Bearer, Signer, from_connection_string
from shared.azure.failures import code_of, unavailable
from shared.azure.rows import Entity, entities_of, entity_of, legal_key
from shared.azure.storage_http import Answer, Request, StorageHttp
from shared.azure.wire import Refused
from shared.off import NO_METER
from shared.ports import Meter, Operation, Row, RowChanged, RowExists, RowTooLarge, Verb

MAX_PAGE_ROWS: Final = 1000
MAX_AT_ONCE: Final = 64
"""Requests that are under way together."""

_TABLE_MISSING: Final = "TableNotFound"
_EXISTS: Final = "EntityAlreadyExists"
_GONE: Final = frozenset({"ResourceNotFound", "EntityNotFound"})
_CHANGED: Final = _GONE | {"UpdateConditionNotSatisfied", "ConditionNotMet"}
_TOO_LARGE: Final = frozenset(
    {"EntityTooLarge", "PropertyValueTooLarge", "RequestBodyTooLarge", "TooManyProperties", "413"}
)
_BATCH_HEADERS: Final = {"Content-Type": batch.CONTENT_TYPE, "Accept": "application/json"}

Result = TypeVar("Result")
_NO_ACCOUNT: Final = "tables need a connection string, or an endpoint and a credential"


class AzureTables:
    """`shared.ports.Tables` on Table Storage. One for the whole process; it belongs to one event loop.

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
        meter: Meter = NO_METER,
    ) -> None:
        """Takes a connection string (local), or an endpoint and a credential, which the caller closes."""
        self._meter = meter
        self._connection_string, self._endpoint, self._credential = connection_string, endpoint, credential
        self._timeout_seconds = timeout_seconds
        self._service: TableServiceClient | None = None
        self._account: tuple[str, StorageHttp] | None = None
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._requests = 0

    @property
    def requests(self) -> int:
        return self._requests + (self._account[1].requests if self._account else 0)

    async def get(self, table: str, pk: str, rk: str) -> Row | None:
        if not (legal_key(pk) and legal_key(rk)):
            return None
        url = wire.row_url(self._url(table), pk, rk)
        with suppress(RowChanged):  # not there
            return await self._call(table, Request("GET", url), _row_of)
        return None

    async def insert(self, table: str, row: Row) -> None:
        await self._write(table, Operation(Verb.INSERT, row))

    async def upsert(self, table: str, row: Row) -> None:
        await self._write(table, Operation(Verb.UPSERT, row))

    async def replace(self, table: str, row: Row) -> str:
        return await self._write(table, Operation(Verb.REPLACE, row))

    async def merge(self, table: str, row: Row) -> str:
        return await self._write(table, Operation(Verb.MERGE, row))

    async def delete(self, table: str, pk: str, rk: str) -> None:
        if legal_key(pk) and legal_key(rk):
            with suppress(RowChanged):  # gone already
                await self._write(table, Operation(Verb.DELETE, Row(pk, rk)))

    async def transact(self, table: str, operations: Sequence[Operation]) -> Sequence[str | None]:
        """No operations are no request. Raises ValueError for two partitions or the same row twice."""
        entities = entities_of(operations)
        if not operations:
            return []
        body = batch.encode(self._url(table), operations, entities)
        request = Request("POST", self._url("$batch"), body, _BATCH_HEADERS, repeatable=False)
        return await self._call(table, request, lambda answer: batch.etags(answer.status, answer.body))

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
        size = MAX_PAGE_ROWS if limit is None else min(limit, MAX_PAGE_ROWS)
        url = wire.range_url(self._url(table), pk, low, high, page=size, select=select)
        count = 0
        async for row in self._pages(table, url):
            yield row
            count += 1
            if count == limit:
                return

    async def scan(
        self, table: str, low: str = "", high: str | None = None, *, select: Sequence[str] | None = None
    ) -> AsyncIterator[Row]:
        url = wire.scan_url(self._url(table), low, high, page=MAX_PAGE_ROWS, select=select)
        async for row in self._pages(table, url):
            yield row

    async def names(self) -> Sequence[str]:
        async def read() -> list[str]:
            return sorted([table.name async for table in self._tables().list_tables()])

        return await self._bounded(read())

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        service, self._service = self._service, None
        if self._account is not None:
            await self._account[1].close()
        if service is not None:
            await service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _pages(self, table: str, url: str) -> AsyncIterator[Row]:
        """The rows that a question has for an answer, page by page."""
        continuation: str | None = ""
        while continuation is not None:
            rows, continuation = await self._call(table, Request("GET", url + continuation), _page_of)
            for row in rows:
                yield row

    async def _write(self, table: str, operation: Operation) -> str:
        """One write as a request of its own; answers the row's etag, empty for one that was deleted."""
        row = operation.row
        entity: Entity = {} if operation.verb is Verb.DELETE else entity_of(row)
        request = Request(
            "PATCH" if operation.verb is Verb.MERGE else wire.METHODS[operation.verb],
            wire.url_of(self._url(table), operation),
            wire.body_of(operation, entity),
            wire.condition(operation),
            # What was done and answered with an error could be told from a lost race no more.
            repeatable=operation.verb is not Verb.INSERT and row.etag is None,
        )
        return await self._call(table, request, lambda answer: _good(answer).headers.get("ETag", ""))

    async def _call(self, table: str, request: Request, read: Callable[[Answer], Result]) -> Result:
        """Send, and when the table is missing, make it and send once more."""

        async def send() -> Result:
            return read(await self._opened()[1].send(request))

        # Waiting for a turn is not waiting for storage: a burst of ours must not look like an outage.
        async with self._turns:
            try:
                return await self._bounded(send())
            except _TableMissing:
                await self._bounded(self._make(table))
            try:
                return await self._bounded(send())
            except _TableMissing as error:
                raise unavailable("Table Storage", error) from None

    async def _bounded(self, call: Awaitable[Result]) -> Result:
        try:
            async with asyncio.timeout(2 * self._timeout_seconds):
                return await call
        except Exception as error:  # noqa: BLE001 - whatever an answer that breaks off leads to
            raise _in_port_words(error) from None

    async def _make(self, table: str) -> None:
        """Create the table; that someone else was quicker is success."""
        with suppress(ResourceExistsError):
            await self._tables().create_table(table)

    def _url(self, name: str) -> str:
        return f"{self._opened()[0]}/{name}"

    def _opened(self) -> tuple[str, StorageHttp]:
        if self._account is None:
            endpoint, signer = self._place()
            self._account = endpoint, StorageHttp(signer, self._timeout_seconds, self._meter)
        return self._account

    def _place(self) -> tuple[str, Signer]:
        """The table endpoint, and how requests to it are signed."""
        if self._connection_string is not None:
            return from_connection_string(self._connection_string)
        if self._endpoint is None or self._credential is None:
            raise ValueError(_NO_ACCOUNT)
        return self._endpoint.rstrip("/"), Bearer(self._credential)

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
        self._requests += 1


class _TableMissing(Exception):
    """The table is not there (yet)."""


def _good(answer: Answer) -> Answer:
    """Raises Refused unless what was asked was done."""
    if answer.status >= 300:
        raise wire.refusal(answer.status, answer.headers, answer.body)
    return answer


def _row_of(answer: Answer) -> Row:
    return wire.row_in(json.loads(_good(answer).body))


def _page_of(answer: Answer) -> tuple[list[Row], str | None]:
    """The rows of a page, and what the URL of the next one says more, if there is one."""
    rows = [wire.row_in(entity) for entity in json.loads(_good(answer).body)["value"]]
    return rows, wire.continuation(answer.headers)


def _in_port_words(error: BaseException) -> Exception:
    code = code_of(error)
    if code == _TABLE_MISSING:
        return _TableMissing(code)
    if code == _EXISTS:
        return RowExists(error.index if isinstance(error, Refused) else 0)
    if code in _CHANGED:
        return RowChanged(code)
    if code in _TOO_LARGE:
        return RowTooLarge(code)
    return unavailable("Table Storage", error)
