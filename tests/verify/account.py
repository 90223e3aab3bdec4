"""The real account and namespace that `make verify-azure` runs against, and what it makes there and takes away again."""

import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Self

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import DefaultAzureCredential
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.aio.management import ServiceBusAdministrationClient
from azure.storage.blob.aio import BlobServiceClient

from shared.azure.blobs import AzureBlobs
from shared.azure.bus import ServiceBusQueue
from shared.azure.tables import AzureTables
from shared.ports import Blobs, Queue
from shared.storage import BODIES

ASKED_FOR = "SIGNALBOX_VERIFY"
"""Set by `make verify-azure`: without it nothing here is collected."""
MISSING = """Say which real account and namespace, in the environment:
  storage:     VERIFY_TABLE_ENDPOINT and VERIFY_BLOB_ENDPOINT, or VERIFY_STORAGE_CONNECTION
  Service Bus: VERIFY_BUS_NAMESPACE, or VERIFY_BUS_CONNECTION
Without connection strings it is whoever is signed in (`az login`), with the roles Storage Table Data Contributor,
Storage Blob Data Contributor and Azure Service Bus Data Owner. Nothing was run. Missing: """
QUICK_SECONDS = 5.0
_PLACES = ("table_endpoint", "blob_endpoint", "storage_connection", "bus_namespace", "bus_connection")


class NotNamed(RuntimeError):
    """The environment does not say which account or namespace."""


@dataclass(frozen=True, slots=True)
class Names:
    """Where the account and the namespace are."""

    table_endpoint: str | None
    blob_endpoint: str | None
    storage_connection: str | None
    bus_namespace: str | None
    bus_connection: str | None
    queues: tuple[str, ...]
    """Empty queues that are there and may be used up; none: queues of one's own are made."""

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises NotNamed, which says what is missing."""
        given = {member: environment.get(f"VERIFY_{member.upper()}") or None for member in _PLACES}
        missing = []
        if not given["storage_connection"]:
            missing += [name for name in ("table_endpoint", "blob_endpoint") if not given[name]]
        if not (given["bus_connection"] or given["bus_namespace"]):
            missing.append("bus_namespace")
        if missing:
            raise NotNamed(MISSING + ", ".join(f"VERIFY_{name.upper()}" for name in missing))
        queues = tuple(name for name in environment.get("VERIFY_QUEUES", "").split(",") if name)
        return cls(**given, queues=queues)


@dataclass
class RealAccount:
    """Clients for the real parts. Everything that is made has a random prefix and is gone at the end of the block."""

    names: Names
    prefix: str = field(default_factory=lambda: f"v{secrets.token_hex(5)}")
    container: str = field(init=False)
    _credential: DefaultAzureCredential | None = field(init=False, default=None)
    _made_queues: list[str] = field(init=False, default_factory=list)
    taken: list[str] = field(init=False, default_factory=list)
    """Prefixes of tables that a test has."""
    _left: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.container = f"{self.prefix}-bodies"
        self._left = list(self.names.queues)

    def tables(self) -> AzureTables:
        if self.names.storage_connection:
            return AzureTables(self.names.storage_connection)
        return AzureTables(endpoint=self.names.table_endpoint, credential=self._signed_in())

    def blobs(self) -> AzureBlobs:
        if self.names.storage_connection:
            return AzureBlobs(self.names.storage_connection)
        return AzureBlobs(endpoint=self.names.blob_endpoint, credential=self._signed_in())

    def bus(self) -> ServiceBusQueue:
        if self.names.bus_connection:
            return ServiceBusQueue(self.names.bus_connection, timeout_seconds=QUICK_SECONDS)
        credential = self._signed_in()
        return ServiceBusQueue(
            namespace=self.names.bus_namespace, credential=credential, timeout_seconds=QUICK_SECONDS
        )

    def bus_client(self) -> ServiceBusClient:
        if self.names.bus_connection:
            return ServiceBusClient.from_connection_string(self.names.bus_connection)
        assert self.names.bus_namespace
        return ServiceBusClient(self.names.bus_namespace, self._signed_in())

    async def queue(self) -> str:
        """The name of a queue that is empty."""
        if self.names.queues:
            if not self._left:
                raise NotNamed(
                    "VERIFY_QUEUES names too few queues: each test uses some up. Sixty are enough."
                )
            return self._left.pop(0)
        name = f"{self.prefix}-{len(self._made_queues):02}"
        async with self._management() as management:
            await management.create_queue(name, default_message_time_to_live="PT1H")
        self._made_queues.append(name)
        return name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take away what was made, each for itself: one that cannot be is no reason to leave the others."""
        async with AsyncExitStack() as stack:
            if self._credential:
                stack.push_async_callback(self._credential.close)
            stack.push_async_callback(self._remove_queues)
            stack.push_async_callback(self._remove_container)
            stack.push_async_callback(self._remove_tables)

    async def _remove_tables(self) -> None:
        async with self._table_service() as service:
            for name in [table.name async for table in service.list_tables()]:
                if name.startswith(self.prefix):
                    await service.delete_table(name)

    async def _remove_container(self) -> None:
        async with self._blob_service() as service:
            await _gone(service.get_container_client(self.container).delete_container)

    async def _remove_queues(self) -> None:
        if self._made_queues:
            async with self._management() as management:
                for name in self._made_queues:
                    await _gone(management.delete_queue, name)

    def _table_service(self) -> TableServiceClient:
        if self.names.storage_connection:
            return TableServiceClient.from_connection_string(self.names.storage_connection)
        assert self.names.table_endpoint
        return TableServiceClient(self.names.table_endpoint, credential=self._signed_in())

    def _blob_service(self) -> BlobServiceClient:
        if self.names.storage_connection:
            return BlobServiceClient.from_connection_string(self.names.storage_connection)
        assert self.names.blob_endpoint
        return BlobServiceClient(self.names.blob_endpoint, credential=self._signed_in())

    def _management(self) -> ServiceBusAdministrationClient:
        if self.names.bus_connection:
            return ServiceBusAdministrationClient.from_connection_string(self.names.bus_connection)
        assert self.names.bus_namespace
        return ServiceBusAdministrationClient(self.names.bus_namespace, self._signed_in())

    def _signed_in(self) -> DefaultAzureCredential:
        self._credential = self._credential or DefaultAzureCredential()
        return self._credential


class OwnTables:
    """Tables whose names all begin with the account's prefix, for a line that names them itself."""

    def __init__(self, tables: AzureTables, prefix: str) -> None:
        self._tables, self._prefix = tables, prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tables, name)
        if name in ("requests", "names", "close"):
            return found
        return lambda table, *given, **named: found(self._prefix + table, *given, **named)


class OwnQueues:
    """The account's queues in the place of those that the line names."""

    def __init__(self, bus: Queue, names: Mapping[str, str]) -> None:
        self._bus, self.names = bus, dict(names)

    async def send(self, queue: str, *given: Any, **named: Any) -> None:
        await self._bus.send(self.names[queue], *given, **named)

    async def reach(self, queue: str) -> None:
        await self._bus.reach(self.names[queue])

    async def waited(self, queue: str) -> Any:
        return await self._bus.waited(self.names[queue])


def own_container(monkeypatch: Any, account: RealAccount) -> None:
    """Let blobs lie in the account's own container."""
    monkeypatch.setattr("shared.azure.blobs.BODIES", replace(BODIES, name=account.container))


async def _gone(delete: Callable[..., Awaitable[object]], *given: str) -> None:
    try:
        await delete(*given)
    except ResourceNotFoundError:
        return


__all__ = [
    "ASKED_FOR",
    "Blobs",
    "Names",
    "NotNamed",
    "OwnQueues",
    "OwnTables",
    "RealAccount",
    "own_container",
]
