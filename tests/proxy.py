"""An HTTP proxy in front of a real part, which breaks the requests that it is told to break."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Self


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with this status; the real part does (and answers) the request first if it `commits`."""

    status: int
    commits: bool = True


class Broken(Enum):
    """What may happen to a request besides an answer."""

    HANG = "done, and never answered"
    CUT = "done, and its answer ends in the middle"
    DROP = "done, and the connection closed without an answer"


Fault = Answer | Broken


class Proxy:
    """`async with Proxy(port) as proxy:` listens on `proxy.port` of 127.0.0.1 and passes on to `port`.

    Each request takes the next of `faults`; without one it passes. `seen` holds the methods of all requests.
    One connection carries one request.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.faults: deque[Fault] = deque()
        self.seen: list[str] = []
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await self._serve(reader, writer)
            finally:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await request_of(reader)
        self.seen.append(request.split(b" ", 1)[0].decode())
        fault = self.faults.popleft() if self.faults else None
        answer = b""
        if not (isinstance(fault, Answer) and not fault.commits):
            answer = await answered(self._target, request)
        if fault is Broken.HANG:
            await asyncio.Event().wait()
        writer.write(given(answer, fault))
        await writer.drain()


async def answered(port: int, request: bytes) -> bytes:
    """What the real part answers, whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.read()
    finally:
        writer.close()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """One request whole, changed only so that its answer ends with the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(b"connection:")]
    sizes = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
    body = await reader.readexactly(sizes[0]) if sizes else b""
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


def given(answer: bytes, fault: Fault | None) -> bytes:
    """What is passed on of an answer, nothing for one that hangs or is dropped."""
    if isinstance(fault, Answer):
        return b"HTTP/1.1 %d Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % fault.status
    if fault in (Broken.DROP, Broken.HANG):
        return b""
    if fault is Broken.CUT:
        head, _, body = answer.partition(b"\r\n\r\n")
        return answer[: -max(1, len(body) // 2)] if body else head
    return answer
