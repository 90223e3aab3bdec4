"""Starts and stops the broker: a listener on 127.0.0.1, its connections and its clock."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Self

from local.broker.connection import ClientConnection
from local.broker.links import Links
from local.broker.message import QueueSettings
from local.broker.nodes import Nodes

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.05


class Broker:
    """`async with Broker([QueueSettings(name="events")]) as broker:` serves until the block ends.

    `port` 0 takes a free one. `now` gives Unix seconds; tests give their own.
    """

    def __init__(
        self, queues: Iterable[QueueSettings], *, port: int = 0, now: Callable[[], float] = time.time
    ) -> None:
        self.port = port
        self._nodes = Nodes(queues, now)
        self._links = Links(self._nodes)
        self._connections: set[ClientConnection] = set()
        self._dispatch_due = False

    @property
    def connection_string(self) -> str:
        """For azure-servicebus; the key is not checked."""
        return (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=local;UseDevelopmentEmulator=true;"
        )

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._ticker = loop.create_task(self._tick_forever())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._ticker
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()

    def _connect(self) -> ClientConnection:
        connection = ClientConnection(self._links, self._dispatch_soon, self._connections.discard)
        self._connections.add(connection)
        return connection

    def _dispatch_soon(self) -> None:
        if not self._dispatch_due:
            self._dispatch_due = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._dispatch_due = False
        for entity in self._nodes.entities():
            try:
                entity.dispatch()
            except Exception:  # noqa: BLE001 one queue's fault must not end the broker
                _log.exception("the dispatch of a queue failed; it is tried again at the next tick")
        for connection in self._connections:
            connection.flush()

    async def _tick_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            try:
                self._tick(loop.time())
            except Exception:  # noqa: BLE001 without ticks no lock would ever end
                _log.exception("a tick failed")

    def _tick(self, now: float) -> None:
        for connection in list(self._connections):
            connection.tick(now)
        self._dispatch()
