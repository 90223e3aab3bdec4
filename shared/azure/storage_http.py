"""Sends requests to Table Storage: signed, bounded, and repeated where that does no harm.

azure-data-tables spends several times the CPU of all the rest on each request, in its pipeline and its codecs
(docs/performance.md); what the line does for every event goes through here, the rest through the SDK.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from shared.azure.account import Signer
from shared.azure.wire import HEADERS
from shared.metrics import THROTTLED
from shared.ports import Meter

KEEP_ALIVE_SECONDS: Final = 4.0
"""Shorter than the emulator's 5 s: a request that meets a closing connection has an unknown outcome."""
_WAITS: Final = (0.0, 0.2, 0.4)
"""Before each repetition, as the SDK waits."""
_BUSY: Final = frozenset({429, 503})
"""Answers of an account that is asked for more than it takes, or that is away
(https://learn.microsoft.com/azure/storage/tables/scalability-targets)."""
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that another try may not get."""


class NoAnswer(Exception):
    """There is none, or none that can be read; what was asked may have been done all the same."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `repeatable`: that it is done twice does no harm."""

    method: str
    url: str
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class StorageHttp:
    """One for an account; it belongs to one event loop. `requests` counts what was really sent."""

    def __init__(self, signer: Signer, seconds: float, meter: Meter) -> None:
        """`seconds` bound a connection and each answer."""
        self.requests = 0
        self._meter = meter
        self._signer = signer
        self._timeout = ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
        self._session: ClientSession | None = None

    async def send(self, request: Request) -> Answer:
        """Send a request, again after a failure that may pass if that does no harm. Raises NoAnswer."""
        for wait in _WAITS if request.repeatable else ():
            try:
                answer = await self._send(request)
            except NoAnswer:
                await asyncio.sleep(wait)
                continue
            if answer.status not in _PASSING:
                return answer
            await asyncio.sleep(wait)
        return await self._send(request)

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(self, request: Request) -> Answer:
        self.requests += 1
        headers = {**HEADERS, **request.headers, **await self._signer.sign(request.url)}
        data = request.body.encode() if isinstance(request.body, str) else request.body
        url = URL(request.url, encoded=True)
        try:
            async with self._open().request(
                request.method, url, data=data or None, headers=headers, allow_redirects=False
            ) as response:
                if response.status in _BUSY:
                    self._meter.count(THROTTLED, by="tables")
                return Answer(response.status, response.headers, await response.read())
        except (ClientError, OSError) as error:
            raise NoAnswer(type(error).__name__) from None

    def _open(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
                cookie_jar=DummyCookieJar(),
                timeout=self._timeout,
                headers={"User-Agent": "signalbox"},
            )
        return self._session
