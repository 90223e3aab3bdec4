"""A listener that receives from a Service Bus queue over AMQP, from a local broker or emulator."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from proton import Delivery, MessageException

from local.host.amqp_message import read_message
from local.host.amqp_receiver import Receiver
from local.host.listener import Handle, InFlight
from local.host.locks import keep_locked
from local.host.servicebus_data import QueueMessage
from local.host.settings import RENEWAL_SECONDS, BadSettings

logger = logging.getLogger(__name__)

_FIRST_RETRY_SECONDS: Final = 0.1
_LONGEST_RETRY_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 10.0
_HANG_UP_SECONDS: Final = 2.0
_DEFAULT_PORT: Final = 5672

_Arrived = tuple[Receiver, Delivery, bytes]


class ServiceBusPump:
    """Hands messages to a function: up to `concurrency` calls at once, each with up to `batch` messages.

    The credit is concurrency times batch, so a single-message function never holds more messages than
    it works on. The locks of what it works on are renewed for up to `renewal_seconds`.
    Raises BadSettings for a connection string of a real namespace, which needs TLS and a token.
    """

    def __init__(
        self,
        connection: str,
        entity: str,
        handle: Handle,
        *,
        concurrency: int,
        batch: int = 1,
        renewal_seconds: float = RENEWAL_SECONDS,
    ) -> None:
        self._host, self._port = broker_address(connection)
        self._entity = entity
        self._handle = handle
        self._batch = batch
        self._renewal_seconds = renewal_seconds
        self._credit = concurrency * batch
        self._in_flight = InFlight(concurrency, self._dispatch)
        self._waiting: deque[_Arrived] = deque()
        self._closing = False
        self._receiver: Receiver | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_receiving())

    async def close(self, seconds: float) -> None:
        self._closing = True
        if self._receiver:
            await self._receiver.stop(_HANG_UP_SECONDS)
            self._release_waiting()
        await self._in_flight.all_done(seconds)
        if self._receiver and not self._receiver.ended.done():
            self._receiver.hang_up()
            await asyncio.wait([self._receiver.ended], timeout=_HANG_UP_SECONDS)
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep_receiving(self) -> None:
        wait = _FIRST_RETRY_SECONDS
        while not self._closing:
            reason, was_attached = await self._receive_until_lost()
            wait = _FIRST_RETRY_SECONDS if was_attached else min(2 * wait, _LONGEST_RETRY_SECONDS)
            if not self._closing:
                logger.warning("queue %s: %s; the next try is in %.1f s", self._entity, reason, wait)
                await asyncio.sleep(wait)

    async def _receive_until_lost(self) -> tuple[str, bool]:
        receiver = Receiver(self._entity, self._credit, self._arrived)
        opening = asyncio.get_running_loop().create_connection(lambda: receiver, self._host, self._port)
        try:
            await asyncio.wait_for(opening, _CONNECT_SECONDS)
        except OSError as error:
            return type(error).__name__, False
        self._receiver = receiver
        reason = await receiver.ended
        self._waiting.clear()
        return reason, receiver.attached

    def _arrived(self, receiver: Receiver, delivery: Delivery, raw: bytes) -> None:
        # The first may be here before this pump has been told that its receiver is connected.
        self._waiting.append((receiver, delivery, raw))
        if len(self._waiting) == 1:
            # Everything that is in the same bytes from the socket joins one batch.
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        while self._waiting and self._in_flight.free and not self._closing:
            size = min(self._batch, len(self._waiting))
            self._in_flight.start(self._work([self._waiting.popleft() for _ in range(size)]))

    async def _work(self, arrived: list[_Arrived]) -> None:
        done = False
        try:
            messages = [read_message(delivery, raw) for _, delivery, raw in arrived]
            done = await keep_locked(
                self._handle(messages),
                lambda: _renew(arrived, messages),
                lock_seconds=min(map(_lock_seconds, messages)),
                at_most_seconds=self._renewal_seconds,
            )
        except MessageException:
            logger.warning("a message of queue %s cannot be read", self._entity)
        finally:
            for receiver, delivery, _ in arrived:
                receiver.settle(delivery, Delivery.ACCEPTED if done else Delivery.MODIFIED)

    def _release_waiting(self) -> None:
        while self._waiting:
            receiver, delivery, _ = self._waiting.popleft()
            receiver.settle(delivery, Delivery.RELEASED)


async def _renew(arrived: Sequence[_Arrived], messages: Sequence[QueueMessage]) -> None:
    for (receiver, _, _), message in zip(arrived, messages, strict=True):
        receiver.renew(message.lock_token)


def _lock_seconds(message: QueueMessage) -> float:
    """What is left of a message's lock when it has just arrived."""
    return (datetime.fromisoformat(message.system["LockedUntil"]) - datetime.now(UTC)).total_seconds()


def broker_address(connection: str) -> tuple[str, int]:
    """Host and port of a local broker's connection string. Raises BadSettings for any other."""
    fields = dict(part.split("=", 1) for part in connection.rstrip(";").split(";") if "=" in part)
    if fields.get("UseDevelopmentEmulator") != "true":
        raise BadSettings("the local host only receives from a local broker (UseDevelopmentEmulator=true)")
    endpoint = urlsplit(fields.get("Endpoint", ""))
    if not endpoint.hostname:
        raise BadSettings("the connection string names no Endpoint")
    return endpoint.hostname, endpoint.port or _DEFAULT_PORT
