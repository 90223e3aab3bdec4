"""Requests as bytes, and what comes back for them: no client would send some of these."""

import asyncio
from dataclasses import dataclass, field

import httptools

SECONDS = 230
"""How long an answer may take: Azure's front end hangs up then. A tick has up to 40 s for each of its five parts."""
_READ = 65_536

Headers = list[tuple[bytes, bytes]]


@dataclass
class Request:
    """A request on its way to be sent. `framed` is off where it says itself how long its body is."""

    method: bytes
    target: bytes
    headers: Headers
    body: bytes = b""
    framed: bool = True

    def written(self) -> bytes:
        headers = list(self.headers)
        if self.framed:
            headers.append((b"Content-Length", b"%d" % len(self.body)))
        else:
            headers.append((b"Connection", b"close"))
        lines = [b"%s: %s\r\n" % pair for pair in headers]
        return b"%s %s HTTP/1.1\r\nHost: storm\r\n%s\r\n%s" % (
            self.method, self.target, b"".join(lines), self.body,
        )  # fmt: skip


@dataclass
class Reply:
    """An answer; header names are lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Connection:
    """One connection at a time, opened again whenever the host has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: Request) -> Reply | None:
        """The answer, or None where the host hung up without one. Raises TimeoutError."""
        async with asyncio.timeout(SECONDS):
            reused = self._streams is not None
            reply, stays = await self._exchange(request)
            if reply is None and reused:
                # A kept connection may be closed by the host just as it is used.
                reply, stays = await self._exchange(request)
        if not stays:
            await self.close()
        return reply

    async def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: Request) -> tuple[Reply | None, bool]:
        self._streams = self._streams or await asyncio.open_connection(*self._place)
        reader, writer = self._streams
        reading = _Reading(is_head=request.method == b"HEAD")
        try:
            writer.write(request.written())
            await writer.drain()
            if not request.framed:
                # The host may be waiting for more, which never comes.
                writer.write_eof()
            while not reading.complete:
                chunk = await reader.read(_READ)
                if not chunk:
                    break
                reading.feed(chunk)
        except OSError:
            pass
        if not reading.complete:
            await self.close()
            return None, False
        return reading.reply, request.framed and reading.stays


class _Reading:
    """Takes an answer in as it comes."""

    def __init__(self, *, is_head: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._is_head = is_head
        self.reply = Reply()
        self.complete = False
        self.stays = False

    def feed(self, chunk: bytes) -> None:
        self._parser.feed_data(chunk)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.reply.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.reply.status = self._parser.get_status_code()
        self.stays = self._parser.should_keep_alive()
        # The answer to a HEAD has the length of what it leaves out.
        self.complete = self._is_head and self.reply.status >= 200

    def on_body(self, body: bytes) -> None:
        self.reply.body += body

    def on_message_complete(self) -> None:
        if self.reply.status < 200:
            self.reply = Reply()
            return
        self.complete = True
