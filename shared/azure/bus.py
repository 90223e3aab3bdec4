"""The queue on Azure Service Bus."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Self

from azure.core.credentials_async import AsyncTokenCredential
from azure.servicebus.aio import ServiceBusClient

from shared import logs
from shared.azure.lane import Lane, Message, away, let_go
from shared.azure.peek import oldest
from shared.off import NO_METER
from shared.ports import Meter

MAX_BODY_BYTES: Final = 64 * 1024
"""Far below the 256 KiB of Service Bus Standard: bodies are references."""


class ServiceBusQueue:
    """`shared.ports.Queue` on azure-servicebus. One for the whole process; it belongs to one event loop.

    A send waits at most `timeout_seconds` for the link and as long for each batch; after a failure sends to
    that queue are refused at once for `rest_seconds`, so that no caller waits for a bus that is away.
    Messages may be seen twice: a send that failed may have arrived.
    """

    def __init__(  # noqa: PLR0913  (where it is, how long it waits, and who is told)
        self,
        connection_string: str | None = None,
        namespace: str | None = None,
        credential: AsyncTokenCredential | None = None,
        *,
        timeout_seconds: float = 3.0,
        rest_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
        meter: Meter = NO_METER,
    ) -> None:
        """Takes a connection string (local), or a namespace's host name and a credential, which the caller closes."""
        self._connection_string, self._namespace, self._credential = connection_string, namespace, credential
        self._timeout_seconds, self._rest_seconds, self._monotonic = timeout_seconds, rest_seconds, monotonic
        self._meter = meter
        self._service: ServiceBusClient | None = None
        self._lanes: dict[str, Lane] = {}

    async def send(self, queue: str, bodies: Sequence[str], *, at: datetime | None = None) -> None:
        """Raises ValueError for a body over MAX_BODY_BYTES and for an `at` without an offset."""
        if any(len(body.encode()) > MAX_BODY_BYTES for body in bodies):
            raise ValueError(f"a message holds at most {MAX_BODY_BYTES} bytes")
        if at is not None and at.tzinfo is None:
            raise ValueError("the time of a scheduled message needs an offset")
        utc = at and at.astimezone(UTC)
        if bodies:
            await self._lane(queue).send([Message(body, utc) for body in bodies])

    async def waited(self, queue: str) -> timedelta:
        """Over a receiver of its own, opened for this and closed again: it takes half a second, so ask rarely.

        Raises Unavailable also when so much is scheduled that the oldest message cannot be seen.
        """
        receiver = self._bus().get_queue_receiver(queue)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                since = await oldest(receiver)
        except Exception as error:  # noqa: BLE001  (whatever broke, the age is not known)
            logs.warn(
                "azure", "its age is not known", part="Service Bus", queue=queue, error=logs.name_of(error)
            )
            raise away() from None
        finally:
            await let_go(receiver)
        return max(datetime.now(UTC) - since, timedelta(0)) if since else timedelta(0)

    async def reach(self, queue: str) -> None:
        """By peeking at one message, over a receiver of its own, which is closed again."""
        receiver = self._bus().get_queue_receiver(queue)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await receiver.peek_messages(1)
        except Exception as error:  # noqa: BLE001  (whatever broke, it does not answer)
            logs.warn("azure", "does not answer", part="Service Bus", queue=queue, error=logs.name_of(error))
            raise away() from None
        finally:
            await let_go(receiver)

    async def close(self) -> None:
        """Send what waits and close the connections; a later send opens new ones."""
        lanes, self._lanes = self._lanes, {}
        for lane in lanes.values():
            await lane.close()
        service, self._service = self._service, None
        if service is not None:
            await service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _lane(self, queue: str) -> Lane:
        lane = self._lanes.get(queue)
        if lane is None:
            lane = self._lanes[queue] = Lane(
                partial(self._bus().get_queue_sender, queue),
                timeout_seconds=self._timeout_seconds,
                rest_seconds=self._rest_seconds,
                monotonic=self._monotonic,
                meter=self._meter,
            )
        return lane

    def _bus(self) -> ServiceBusClient:
        if self._service is None:
            self._service = self._connect()
        return self._service

    def _connect(self) -> ServiceBusClient:
        # A broken sender is replaced, so the SDK's own retries would only add to the wait.
        options: dict[str, Any] = {"retry_total": 0}
        if self._connection_string is not None:
            return ServiceBusClient.from_connection_string(self._connection_string, **options)
        if self._namespace is None or self._credential is None:
            raise ValueError("the queue needs a connection string, or a namespace and a credential")
        return ServiceBusClient(self._namespace, self._credential, **options)
