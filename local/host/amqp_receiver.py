"""One AMQP 1.0 connection that receives, and renews locks: Qpid Proton without I/O, driven by asyncio.

Proton's own reactor is not used: it polls with select(), and one exception in a handler ends it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final, cast
from uuid import UUID, uuid4

from proton import (
    UNDESCRIBED,
    Array,
    Collector,
    Connection,
    Data,
    Delivery,
    Event,
    Link,
    Message,
    Session,
    Transport,
    TransportException,
)

logger = logging.getLogger(__name__)

_MAX_FRAME_BYTES: Final = 1 << 20
_ANSWERS: Final = 100
_TICK_SECONDS: Final = 1.0


class Receiver(asyncio.Protocol):
    """Attaches to `entity` and hands itself, every delivery and its bytes to `on_message`.

    `ended` becomes the reason when the connection is gone; then nothing can be settled any more.
    """

    def __init__(
        self, entity: str, credit: int, on_message: "Callable[[Receiver, Delivery, bytes], None]"
    ) -> None:
        self._entity = entity
        self._credit = credit
        self._on_message = on_message
        self._connection = Connection()
        self._engine = Transport(Transport.CLIENT)
        self._events = Collector()
        self._link: Link | None = None
        self._requests: Link | None = None
        self._socket: asyncio.Transport | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._reason = "the connection was lost"
        self.attached = False
        self._stopping = False
        self._drained = asyncio.Event()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def settle(self, delivery: Delivery, outcome: int) -> None:
        """Report the outcome of a delivery of this receiver, and ask for another one unless it is stopping."""
        if self.ended.done() or self._link is None:
            return
        delivery.local.failed = outcome == Delivery.MODIFIED
        delivery.update(outcome)
        if not self._stopping:
            self._link.flow(1)
        self._flush()

    def renew(self, lock_token: str) -> None:
        """Ask for a message's lock to last its whole time again. If it has ended, settling will say so.

        https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response#message-renew-lock
        """
        if self.ended.done() or self._requests is None:
            return
        tokens = Array(UNDESCRIBED, Data.UUID, UUID(lock_token))
        properties = {"operation": "com.microsoft:renew-lock"}
        request = Message(id=str(uuid4()), properties=properties, body={"lock-tokens": tokens})
        self._requests.send(request)
        self._flush()

    async def stop(self, seconds: float) -> None:
        """Ask for nothing more, and wait up to `seconds` until what the broker had sent by then is here."""
        self._stopping = True
        if self.ended.done() or self._link is None or not self._link.credit:
            return
        self._link.drain(0)
        self._flush()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drained.wait(), seconds)

    def hang_up(self) -> None:
        """Close in AMQP's way; what was settled before reaches the broker first."""
        self._reason = "closed"
        self._connection.close()
        self._flush()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast("asyncio.Transport", transport)
        self._engine.sasl().allowed_mechs("ANONYMOUS")
        self._engine.max_frame_size = _MAX_FRAME_BYTES
        self._connection.hostname = transport.get_extra_info("peername")[0]
        self._connection.container = "signalbox-local-host"
        self._connection.collect(self._events)
        self._engine.bind(self._connection)
        self._attach()
        self._tick()

    def data_received(self, data: bytes) -> None:
        try:
            self._push(data)
        except TransportException:
            self._reason = "the broker sent what is not AMQP 1.0"
            self._abort()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._clock:
            self._clock.cancel()
        self._socket = None
        if not self.ended.done():
            self.ended.set_result(self._reason)

    def on_link_remote_open(self, event: Event) -> None:
        if event.link == self._link:
            self.attached = bool(event.link.remote_source.address)

    def on_link_flow(self, event: Event) -> None:
        if event.link == self._link and self._stopping and not event.link.credit:
            self._drained.set()

    def on_delivery(self, event: Event) -> None:
        delivery = event.delivery
        if delivery.readable and not delivery.partial:
            raw = bytes(event.link.recv(delivery.pending) or b"")
            event.link.advance()
            if event.link == self._link:
                self._on_message(self, delivery, raw)
            else:
                # The answer to a request, of which there will be another.
                event.link.flow(1)
        elif delivery.updated and delivery.settled:
            if delivery.remote_state == Delivery.REJECTED:
                logger.warning("a message of %s was not settled: its lock was lost", self._entity)
            delivery.settle()

    def on_link_remote_close(self, event: Event) -> None:
        self._refused(event.link.remote_condition)

    def on_connection_remote_close(self, event: Event) -> None:
        self._refused(event.connection.remote_condition)

    def on_transport_error(self, event: Event) -> None:
        self._refused(event.transport.condition)

    def _refused(self, condition: object) -> None:
        self._reason = str(getattr(condition, "name", None) or self._reason)
        self._connection.close()

    def _attach(self) -> None:
        self._connection.open()
        session = self._connection.session()
        session.open()
        self._link = session.receiver(f"local-host-{self._entity}")
        self._link.source.address = self._entity
        self._link.target.address = "local-host"
        self._link.snd_settle_mode = Link.SND_UNSETTLED
        self._link.rcv_settle_mode = Link.RCV_SECOND
        self._link.open()
        self._link.flow(self._credit)
        self._attach_management(session)

    def _attach_management(self, session: Session) -> None:
        """Requests go out on one link, and their answers come in on another one of the same node."""
        node = f"{self._entity}/$management"
        self._requests = session.sender(f"requests-{self._entity}")
        self._requests.source.address = "local-host"
        self._requests.target.address = node
        self._requests.snd_settle_mode = Link.SND_SETTLED
        answers = session.receiver(f"answers-{self._entity}")
        answers.source.address = node
        answers.target.address = "local-host"
        self._requests.open()
        answers.open()
        answers.flow(_ANSWERS)

    def _push(self, data: bytes) -> None:
        while data and (room := self._engine.capacity()) > 0:
            self._engine.push(data[:room])
            data = data[room:]
            self._handle_events()

    def _handle_events(self) -> None:
        while event := self._events.peek():
            try:
                event.dispatch(self)
            except Exception:
                logger.exception("the handling of %s failed", event.type)
                self._abort()
            self._events.pop()

    def _flush(self) -> None:
        if self._socket is None:
            return
        while (pending := self._engine.pending()) > 0:
            self._socket.write(bytes(self._engine.peek(pending) or b""))
            self._engine.pop(pending)
        if pending < 0:
            self._socket.close()

    def _tick(self) -> None:
        # Sends the heartbeats that the broker asked for.
        loop = asyncio.get_running_loop()
        self._engine.tick(loop.time())
        self._handle_events()
        self._flush()
        self._clock = loop.call_later(_TICK_SECONDS, self._tick)

    def _abort(self) -> None:
        if self._socket is not None:
            self._socket.abort()
