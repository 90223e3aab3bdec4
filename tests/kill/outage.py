"""A TCP proxy in a thread of its own that can be told to break what passes, for as long as it lasts."""

import asyncio
import ssl
import threading
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Self

from tests.proxy import Answer, Broken, Fault, answered, given, request_of

CHUNK_BYTES = 64 * 1024
CUT_AFTER_BYTES = 40
"""Where an answer is cut: in the middle of its first headers, or of a first frame."""


class Mode(Enum):
    """What happens to connections, whatever they carry."""

    PASS = "nothing"
    REFUSE = "closed at once, as by a load balancer without a backend"
    HANG = "what is sent is never answered, and never arrives"
    CUT = "what is sent arrives, and its answer ends in the middle"


How = Mode | Fault
"""A `Fault` is for HTTP only: each request is done, and its answer replaced, cut in its body, or dropped."""
OF_ANY = (Mode.REFUSE, Mode.HANG, Mode.CUT)
OF_HTTP = (Broken.CUT, Broken.DROP, Answer(500), Answer(503), Answer(504))


class Outage:
    """`with Outage(port) as outage:` listens on `outage.port` of 127.0.0.1 and passes on to `port`.

    `connections` counts all that were opened. With `tls` it is spoken to so, and passes on what was meant.
    Connections that are open when that changes are closed, and so is whatever they were about.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = self.connections = 0
        self._target, self._tls, self._requests = target, tls, 0
        self._how: How = Mode.PASS
        self._every = 1
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def set(self, how: How, every: int = 1) -> None:
        """Break everything in this way from now on, or nothing any more.

        `every`: of the requests of HTTP only each so-manieth meets its fault.
        """
        asyncio.run_coroutine_threadsafe(self._set(how, every), self._loop).result(10)

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
        listening = asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        server = self._loop.run_until_complete(listening)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(server))
        self._loop.close()

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        await self._set(Mode.REFUSE, 1)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _set(self, how: How, every: int) -> None:
        self._how, self._every = how, every
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        how, task = self._how, asyncio.current_task()
        self.connections += 1
        self._writers.add(writer)
        self._tasks.add(task)  # while it waits for the real part, nothing else holds it
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                if how is Mode.HANG:
                    await reader.read(-1)
                elif isinstance(how, Answer | Broken):
                    await self._serve(reader, writer, how)
                elif how is not Mode.REFUSE:
                    await self._join(reader, writer, cuts=how is Mode.CUT)
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
        """One request of HTTP; its answer says that the connection ends with it."""
        request = await request_of(reader)
        self._requests += 1
        met = None if self._requests % self._every else fault
        answer = await answered(self._target, request)
        if met is Broken.HANG:
            await reader.read(-1)
        writer.write(given(answer, met))
        writer.close()
        await writer.wait_closed()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cuts: bool) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(there_writer)
        forth = asyncio.create_task(_pass_on(reader, there_writer))
        try:
            if cuts:
                writer.write((await there_reader.read(CHUNK_BYTES))[:CUT_AFTER_BYTES])
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
