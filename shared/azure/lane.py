"""One queue's way to Service Bus: gathers what waits, sends it in batches over one sender, rests after a failure."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from azure.servicebus import ServiceBusMessage, ServiceBusMessageBatch
from azure.servicebus.aio import ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusServerBusyError

from shared import logs
from shared.errors import Unavailable
from shared.gather import Gather
from shared.metrics import THROTTLED
from shared.ports import Meter

IDLE_SECONDS: Final = 300.0
"""Service Bus detaches a link after ten idle minutes, and the next send over it loses seconds."""
MAX_WAITING: Final = 10_000
MAX_TOGETHER: Final = 1_000
"""Calls whose messages go together."""
MAX_BATCH_BYTES: Final = 200 * 1024
"""Below the link's 256 KiB: the SDK takes 262,106 bytes for a batch that Service Bus finds too large."""
_CLOSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Message:
    """A body, and when it becomes visible if that is not at once."""

    body: str
    at: datetime | None

    def wire(self) -> ServiceBusMessage:
        """As the SDK takes it. Raises ValueError for text that is not Unicode."""
        return ServiceBusMessage(self.body.encode(), scheduled_enqueue_time_utc=self.at)


class Lane:
    """Sends to one queue. Only one call at a time touches the sender, which bears no two users at a time.

    (https://github.com/Azure/azure-sdk-for-python/issues/36334.) A caller that is cancelled disturbs no other.
    After a failure everything is refused at once for `rest_seconds` of `monotonic`.
    """

    def __init__(
        self,
        make_sender: Callable[[], ServiceBusSender],
        *,
        timeout_seconds: float,
        rest_seconds: float,
        monotonic: Callable[[], float],
        meter: Meter,
    ) -> None:
        self._make_sender, self._monotonic, self._meter = make_sender, monotonic, meter
        self._timeout_seconds, self._rest_seconds = timeout_seconds, rest_seconds
        self._rests_until = monotonic()
        self._used_at = monotonic()
        self._sender: ServiceBusSender | None = None
        self._gather = Gather(self._run, most=MAX_TOGETHER, most_waiting=MAX_WAITING)

    async def send(self, messages: Sequence[Message]) -> None:
        """Wait until they are sent. Raises Unavailable, also when they may have been sent all the same.

        What cannot be encoded raises here, where it costs nobody else anything.
        """
        if self._resting():
            raise away()
        await self._gather.add(None, [message.wire() for message in messages])

    async def close(self) -> None:
        """Send what waits, then close the sender."""
        await self._gather.idle()
        await self._drop()

    async def _run(self, _: None, parcels: Sequence[Sequence[ServiceBusMessage]]) -> Sequence[None]:
        if self._resting():
            raise away()
        try:
            await self._send([message for parcel in parcels for message in parcel])
        except Exception as error:  # noqa: BLE001  (whatever broke, every caller must hear of it)
            logs.warn("azure", "failed", part="Service Bus", error=logs.name_of(error))
            if isinstance(error, ServiceBusServerBusyError):
                self._meter.count(THROTTLED, by="bus")
            self._rests_until = self._monotonic() + self._rest_seconds
            raise away() from None
        return [None] * len(parcels)

    async def _send(self, messages: Sequence[ServiceBusMessage]) -> None:
        """Send over the cached sender; if that is broken, once more over a new one. Repeats are harmless."""
        if self._monotonic() - self._used_at > IDLE_SECONDS:
            await self._drop()
        cached = self._sender is not None
        try:
            await self._attempt(messages)
        except Exception as error:
            if not cached or isinstance(error, TimeoutError):
                raise
            await self._attempt(messages)

    async def _attempt(self, messages: Sequence[ServiceBusMessage]) -> None:
        sender = self._sender = self._sender or self._make_sender()
        try:
            async for batch in _batches(sender, messages, self._timeout_seconds):
                async with asyncio.timeout(self._timeout_seconds):
                    await sender.send_messages(batch)
        except BaseException:
            await self._drop()
            raise
        self._used_at = self._monotonic()

    async def _drop(self) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            await let_go(sender)

    def _resting(self) -> bool:
        return self._monotonic() < self._rests_until


async def _batches(
    sender: ServiceBusSender, messages: Iterable[ServiceBusMessage], timeout_seconds: float
) -> AsyncIterator[ServiceBusMessageBatch]:
    """As few batches as the link's size limit allows; one batch holds messages of one time only."""

    async def new() -> ServiceBusMessageBatch:
        async with asyncio.timeout(timeout_seconds):  # opens the link when it is not open
            return await sender.create_message_batch(MAX_BATCH_BYTES)

    for _, group in groupby(messages, key=lambda message: message.scheduled_enqueue_time_utc):
        batch = await new()
        for message in group:
            try:
                batch.add_message(message)
            except MessageSizeExceededError:
                yield batch
                batch = await new()
                batch.add_message(message)
        yield batch


async def let_go(link: ServiceBusSender | ServiceBusReceiver) -> None:
    """Close a link that may be broken: nobody waits long for that, or hears of it."""
    with suppress(Exception):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await link.close()


def away() -> Unavailable:
    """What a caller is told when Service Bus did not do what it was asked."""
    return Unavailable("Service Bus is not available right now. Repeat the same request later.")
