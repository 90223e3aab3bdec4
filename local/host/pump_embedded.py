"""A listener that polls a queue of the embedded queue file."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from local.embedded_queue import EmbeddedQueue, Leased, LeaseLost
from local.host.listener import Handle, InFlight
from local.host.locks import keep_locked
from local.host.servicebus_data import QueueMessage
from local.host.settings import RENEWAL_SECONDS

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 1.0


class EmbeddedPump:
    """Hands messages to a function: up to `concurrency` calls at once, each with up to `batch` messages.

    Their locks are renewed for up to `renewal_seconds`.
    """

    def __init__(
        self,
        path: str,
        queue: str,
        handle: Handle,
        *,
        concurrency: int,
        batch: int = 1,
        renewal_seconds: float = RENEWAL_SECONDS,
    ) -> None:
        self._queue = EmbeddedQueue(path)
        self._name = queue
        self._handle = handle
        self._batch = batch
        self._renewal_seconds = renewal_seconds
        self._wake = asyncio.Event()
        self._in_flight = InFlight(concurrency, self._wake.set)
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._poll())

    async def close(self, seconds: float) -> None:
        self._closing = True
        self._wake.set()
        if self._task:
            await self._task
        await self._in_flight.all_done(seconds)
        await self._queue.close()

    async def _poll(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                if not await self._take():
                    await self._wait(_POLL_SECONDS)
            except sqlite3.OperationalError as error:
                logger.warning("queue %s cannot be read: %s", self._name, type(error).__name__)
                await self._wait(_RETRY_SECONDS)

    async def _take(self) -> bool:
        """Start calls for what is there, up to the free places; False when there was nothing to start."""
        wanted = self._in_flight.free * self._batch
        leases = await self._queue.receive(self._name, wanted) if wanted else []
        for start in range(0, len(leases), self._batch):
            self._in_flight.start(self._work(leases[start : start + self._batch]))
        return bool(leases)

    async def _work(self, leases: list[Leased]) -> None:
        done = await keep_locked(
            self._handle([_message(lease) for lease in leases]),
            lambda: self._each(leases, self._queue.renew, "renewed"),
            lock_seconds=self._queue.lock_seconds,
            at_most_seconds=self._renewal_seconds,
        )
        await self._each(leases, self._queue.complete if done else self._queue.abandon, "settled")

    async def _each(
        self, leases: list[Leased], verb: Callable[[Leased], Awaitable[None]], participle: str
    ) -> None:
        for lease in leases:
            try:
                await verb(lease)
            except (LeaseLost, sqlite3.OperationalError) as error:
                kind = type(error).__name__
                logger.warning("a message of queue %s was not %s: %s", self._name, participle, kind)

    async def _wait(self, seconds: float) -> None:
        """Until a call has ended, or the pump closes, or the time is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


def _message(lease: Leased) -> QueueMessage:
    return QueueMessage(
        body=lease.body,
        message_id=lease.message_id,
        delivery_count=lease.delivery_count,
        enqueued_at=lease.enqueued_at,
        sequence_number=lease.sequence_number,
        lock_token=lease.token,
    )
