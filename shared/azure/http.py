"""Outbound HTTP behind the guard: checked addresses only, no redirects, no proxies, no cookies, everything bounded.

A name is resolved once; every address that comes back is checked, and the connection goes to those.
"""

import ssl
from dataclasses import dataclass
from socket import AddressFamily
from types import SimpleNamespace

from aiohttp import (
    ClientConnectorDNSError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
    ThreadedResolver,
    TraceConfig,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.azure.guard import Guard, parse
from shared.ports import Answer, Failure, NoAnswer, Outgoing

MAX_BODY = 64 * 1024
CONNECT_SECONDS = 10
KEEP_ALIVE_SECONDS = 2
"""Shorter than most servers' own (Node: 5 s): a request that meets a closing connection has an unknown outcome."""

_AS_GIVEN = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp would add by itself: a request is sent as its destination built it."""


class GuardedHttp:
    """The `Http` port. `resolver` and `tls` stand in for the system's name service and trusted certificates."""

    def __init__(
        self,
        allow_loopback: bool = False,  # noqa: FBT001, FBT002
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = Guard(allow_loopback)
        self._resolver = resolver
        self._tls = tls
        self._session: ClientSession | None = None

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        """One attempt, over within `timeout_seconds`. The answer's body is cut at 64 KiB, and not decompressed."""
        url = self._guard.url(request.url)
        if not isinstance(url, URL):
            return NoAnswer(url)
        progress = _Progress()
        try:
            async with self._open().request(
                request.method,
                url,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
                timeout=ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_SECONDS),
                trace_request_ctx=progress,
            ) as response:
                return await _answer(response)
        except (ClientError, OSError) as error:
            return NoAnswer(_failure(error, connected=progress.connected))

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session:
            await session.close()

    def _open(self) -> ClientSession:
        """The one session, made in the loop that first sends."""
        if self._session is None:
            connector = TCPConnector(
                limit=0,  # attempts are bounded before they are claimed (stages.slots), not while they wait here
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                resolver=_GuardedResolver(self._guard, self._resolver or ThreadedResolver()),
                ssl=self._tls or True,
            )
            self._session = ClientSession(
                connector=connector,
                cookie_jar=DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_AS_GIVEN,
                trace_configs=[_tracing()],
            )
        return self._session


class _RefusedError(OSError):
    """A name has an address that must not be reached. aiohttp hands an OSError of the resolver on."""


class _GuardedResolver(AbstractResolver):
    """Asks a resolver and hands on what it said, if every address of it may be reached."""

    def __init__(self, guard: Guard, resolver: AbstractResolver) -> None:
        self._guard = guard
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        results = await self._resolver.resolve(host, port, family)
        if not results:
            raise OSError("the name has no address")
        return [self._checked(host, result) for result in results]

    async def close(self) -> None:
        await self._resolver.close()

    def _checked(self, host: str, result: ResolveResult) -> ResolveResult:
        address = parse(result["host"])
        if address is None or not self._guard.permits(host, address):
            raise _RefusedError("the name leads to an address that must not be reached")
        return result


@dataclass(slots=True)
class _Progress:
    """How far a request came: before it has a connection, nothing can have reached the destination."""

    connected: bool = False


def _tracing() -> TraceConfig:
    """Marks a request's progress: aiohttp's exceptions alone do not tell a late connection from a late answer."""

    async def connected(_session: ClientSession, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.connected = True

    tracing = TraceConfig()
    tracing.on_connection_create_end.append(connected)
    tracing.on_connection_reuseconn.append(connected)
    return tracing


async def _answer(response: ClientResponse) -> Answer:
    body = bytearray()
    while len(body) < MAX_BODY and (part := await response.content.read(MAX_BODY - len(body))):
        body += part
    headers = {
        name.lower(): ", ".join(response.headers.getall(name)) for name in dict.fromkeys(response.headers)
    }
    return Answer(response.status, headers, bytes(body))


def _failure(error: ClientError | OSError, *, connected: bool) -> Failure:
    if isinstance(error, InvalidURL):
        return "bad_url"
    if isinstance(error, ClientConnectorDNSError):
        return "refused_address" if isinstance(error.os_error, _RefusedError) else "unresolved"
    if isinstance(error, ClientSSLError):
        return "tls"
    if not connected:
        return "connect"
    return "timeout" if isinstance(error, TimeoutError) else "broken"
