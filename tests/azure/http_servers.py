"""Real servers on loopback that answer as they are told, a name service that lies, and ways to ask."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp.abc import AbstractResolver, ResolveResult

from shared.azure.http import GuardedHttp
from shared.ports import Answer, NoAnswer, Outgoing

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECONDS = 20.0
SHORT = 0.3
NAME = "hooks.example.test"


class Server:
    """Reads requests on every connection, answers each with the same bytes, and then does what it is told to."""

    def __init__(self, answer: bytes = OK, *, then: str = "serve") -> None:
        self.answer = answer
        self.then = then
        self.requests: list[bytes] = []
        self.arrived = asyncio.Semaphore(0)
        self.connections = 0
        self.port = 0

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Server"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answered(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(await one_request(reader))
        self.arrived.release()
        writer.write(self.answer)
        await writer.drain()
        while self.then == "drip":
            writer.write(b"x" * 100_000)
            await writer.drain()
        if self.then == "hang":
            await reader.read()
        if self.then == "reset":
            option = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
        return self.then == "serve"


async def one_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


class FakeResolver(AbstractResolver):
    """Says what it is told: addresses, an error, or nothing for ever (None)."""

    def __init__(self, *answers: Sequence[str] | OSError | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if answer is None:
            await asyncio.Event().wait()
            raise AssertionError
        if isinstance(answer, OSError):
            raise answer
        return [result(host, address, port) for address in answer]

    async def close(self) -> None:
        pass


def result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)


async def ask(http: GuardedHttp, url: str, seconds: float = SECONDS, **request) -> Answer | NoAnswer:
    outgoing = {"method": "POST", "headers": {"x-id": "1"}, "body": b"{}", **request}
    return await http.send(Outgoing(url=url, **outgoing), timeout_seconds=seconds)


async def ask_once(
    url: str, *answers: Sequence[str] | OSError | None, seconds: float = SECONDS, **options
) -> Answer | NoAnswer:
    """One request of a client of its own, whose name service gives these answers."""
    http = GuardedHttp(resolver=FakeResolver(*answers) if answers else None, **options)
    try:
        return await ask(http, url, seconds)
    finally:
        await http.close()


def head(request: bytes) -> list[str]:
    return sorted(request.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")[1:])
