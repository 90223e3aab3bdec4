"""A TCP proxy in a thread of its own that can be told to break everything that passes, for as long as it lasts."""

import asyncio
import threading
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Self

CHUNK_BYTES = 64 * 1024
CUT_AFTER_BYTES = 40
"""Where an answer is cut: in the middle of its headers."""


class Mode(Enum):
    """What happens to connections."""

    PASS = "nothing"
    REFUSE = "closed at once, as by a load balancer without a backend"
    HANG = "what is sent is never answered, and never arrives"
    CUT = "what is sent arrives, and its answer ends in the middle"

    @classmethod
    def faults(cls) -> list[Self]:
        """All but PASS."""
        return [mode for mode in cls if mode is not cls.PASS]


class Outage:
    """`with Outage(port) as outage:` listens on `outage.port` of 127.0.0.1 and passes on to `port`.

    `connections` counts all that were opened. Connections that are open when the mode changes are closed, and so is whatever they were about.
    """

    def __init__(self, target: int) -> None:
        self.port = self.connections = 0
        self._target, self._mode = target, Mode.PASS
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def set(self, mode: Mode) -> None:
        """Break everything in this way from now on, or nothing any more."""
        asyncio.run_coroutine_threadsafe(self._set(mode), self._loop).result(10)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._end(server))
        self._loop.close()

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        await self._set(Mode.REFUSE)

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = self._mode
        self.connections += 1
        self._writers.add(writer)
        try:
            with suppress(OSError):
                if mode is Mode.HANG:
                    await reader.read(-1)
                elif mode is not Mode.REFUSE:
                    await self._join(reader, writer, cuts=mode is Mode.CUT)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cuts: bool) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(there_writer)
        forth = asyncio.create_task(_pass_on(reader, there_writer))
        try:
            if cuts:
                writer.write((await there_reader.read(CHUNK_BYTES))[:CUT_AFTER_BYTES])
                await writer.drain()
                writer.close()
                await writer.wait_closed()
            else:
                await _pass_on(there_reader, writer)
        finally:
            forth.cancel()
            self._writers.discard(there_writer)
            there_writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        writer.close()
