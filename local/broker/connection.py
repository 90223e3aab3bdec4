"""One client's TCP connection: bytes in, Proton events to the handler, bytes out.

Proton's own Container is not used: it polls with select(), and one exception in a handler ends it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from proton import Collector, Condition, Connection, Transport, TransportException, symbol

_log = logging.getLogger(__name__)

_MAX_FRAME_BYTES = 1 << 20
_IDLE_SECONDS = 240.0


class ClientConnection(asyncio.Protocol):
    """`handler` has methods named after Proton's events; `on_change` runs after each batch of them."""

    def __init__(
        self,
        handler: object,
        on_change: Callable[[], None],
        on_lost: Callable[["ClientConnection"], None],
    ) -> None:
        self._handler = handler
        self._on_change = on_change
        self._on_lost = on_lost
        self._socket: asyncio.Transport | None = None
        self._amqp = Connection()
        self._engine = Transport(Transport.SERVER)
        self._events = Collector()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast("asyncio.Transport", transport)
        sasl = self._engine.sasl()
        sasl.allow_insecure_mechs = True
        sasl.allowed_mechs("ANONYMOUS")
        self._engine.max_frame_size = _MAX_FRAME_BYTES
        self._engine.idle_timeout = _IDLE_SECONDS
        self._amqp.collect(self._events)
        self._engine.bind(self._amqp)
        self._handle_events()

    def data_received(self, data: bytes) -> None:
        try:
            self._push(data)
        except TransportException:
            _log.info("a client sent what is not AMQP 1.0; its connection is closed")
            self.abort()
        self.flush()
        self._on_change()

    def _push(self, data: bytes) -> None:
        while data and (room := self._engine.capacity()) > 0:
            self._engine.push(data[:room])
            data = data[room:]
            self._handle_events()

    def _handle_events(self) -> None:
        while event := self._events.peek():
            try:
                event.dispatch(self._handler)
            except Exception:  # noqa: BLE001 one client's fault must not end the broker
                _log.exception("the handling of %s failed; its connection is closed", event.type)
                self._fail()
            self._events.pop()

    def _fail(self) -> None:
        # The client must not be left waiting for an answer that never comes.
        self._amqp.condition = Condition(
            "amqp:internal-error", "see the broker's log", {symbol("at"): "broker"}
        )
        self._amqp.close()

    def flush(self) -> None:
        """Write what Proton wants to send, and close the socket when Proton is done with it."""
        try:
            self._write()
        except TransportException:
            _log.info("a connection broke down; it is closed")
            self.abort()

    def _write(self) -> None:
        if self._socket is None:
            return
        while (pending := self._engine.pending()) > 0:
            self._socket.write(bytes(self._engine.peek(pending)))
            self._engine.pop(pending)
        if pending < 0:
            self._socket.close()

    def tick(self, now: float) -> None:
        """Send heartbeats and notice silent clients; `now` in seconds of a monotonic clock."""
        self._engine.tick(now)
        self._handle_events()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._socket = None
        self._on_lost(self)
        self._engine.close_tail()
        self._engine.close_head()
        self._engine.unbind()
        self._handle_events()

    def abort(self) -> None:
        """Drop the connection without a farewell."""
        if self._socket is not None:
            self._socket.abort()
