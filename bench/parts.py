"""The real parts that everything is measured on: Azurite, the broker, a receiver, an issuer, and the line over them."""

import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from local.azurite import Azurite
from local.demo.furnish import DEFINITIONS, ORDER
from local.issuer import AUDIENCE, TENANT
from local.process import Child
from local.stack import QUEUES
from shared import exact
from shared.access.caller import Caller
from shared.access.issuer import Issuer
from shared.access.sections import Section
from shared.adapters import app_identity
from shared.azure.blobs import AzureBlobs
from shared.azure.bus import ServiceBusQueue
from shared.azure.http import GuardedHttp
from shared.azure.tables import AzureTables
from shared.azure.vault import MasterKeySeal, new_master_key
from shared.exact import Json
from shared.line import Line
from shared.storage import EVENTS, TABLES
from shared.wiring import JOIN_PAUSE_SECONDS, MARK_PAUSE_SECONDS, SystemClock, assemble

SECTION = "bench"
CALLER = Caller(SECTION, frozenset(), "bench", "checkout", "bench")
BROKER = "Endpoint=sb://127.0.0.1:{};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=local;UseDevelopmentEmulator=true;"


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts are."""

    storage: str
    bus: str
    receiver: str
    issuer: str


class CountingQueue:
    """The bus, and what went to it."""

    def __init__(self, bus: ServiceBusQueue) -> None:
        self._bus = bus
        self.sent: list[tuple[str, str]] = []

    async def send(self, queue: str, bodies: Sequence[str], *, at: datetime | None = None) -> None:
        self.sent += [(queue, body) for body in bodies]
        await self._bus.send(queue, bodies, at=at)

    async def waited(self, queue: str) -> timedelta:
        return await self._bus.waited(queue)

    async def reach(self, queue: str) -> None:
        await self._bus.reach(queue)


@dataclass(frozen=True, slots=True)
class Furnished:
    """The line over the parts with a section in it, and what counts its requests and messages."""

    line: Line
    section: Section
    tables: AzureTables
    queue: CountingQueue
    issuer: str

    @property
    def requests(self) -> int:
        return self.tables.requests

    @property
    def messages(self) -> int:
        return len(self.queue.sent)

    async def rows(self) -> int:
        """How many rows the events table holds: the emulator gets slower with them."""
        buckets = [f"{SECTION}|{bucket}" for bucket in range(self.section.buckets)]
        read = [self.tables.range(EVENTS.name, bucket, select=()) for bucket in buckets]
        return sum([1 for rows in read async for _ in rows])

    async def idle(self) -> None:
        """Wait until what was sent is marked as sent."""
        await self.line.hand_off.idle()


@contextmanager
def running() -> Iterator[Parts]:
    """Fresh parts, their data in memory."""
    with tempfile.TemporaryDirectory() as scratch, Azurite() as azurite:
        folder = Path(scratch)
        queues = [argument for name in QUEUES for argument in ("--queue", name)]
        with (
            Child("broker", _python("local.broker", *queues), folder / "broker.log") as broker,
            Child(
                "receiver", _python("local.receiver", "--file", "/dev/null"), folder / "receiver.log"
            ) as receiver,
            Child("issuer", _python("local.issuer"), folder / "issuer.log") as issuer,
        ):
            bus, *ports = [child.wait_for_announcement()["port"] for child in (broker, receiver, issuer)]
            yield Parts(
                azurite.connection_string,
                BROKER.format(bus),
                *(f"http://127.0.0.1:{port}" for port in ports),
            )


@asynccontextmanager
async def furnished(parts: Parts) -> AsyncIterator[Furnished]:
    """The line with a section that routes orders to the receiver; its tables are there, its connections open."""
    async with AzureTables(parts.storage) as tables, ServiceBusQueue(parts.bus) as bus:
        for table in TABLES:
            await tables.get(table.name, "-", "-")
        queue, http = CountingQueue(bus), GuardedHttp(allow_loopback=True)
        line = assemble(
            tables=tables,
            blobs=AzureBlobs(parts.storage),
            queue=queue,
            seal=MasterKeySeal(new_master_key()),
            http=http,
            identity=app_identity(),
            clock=SystemClock(),
            issuer=Issuer(TENANT, frozenset({AUDIENCE}), parts.issuer),
            mark_pause=MARK_PAUSE_SECONDS,
            join_pause=JOIN_PAUSE_SECONDS,
        )
        try:
            await _furnish(line, parts.receiver)
            yield Furnished(line, await line.sections.read(SECTION), tables, queue, parts.issuer)
        finally:
            await http.close()


async def _furnish(line: Line, receiver: str) -> None:
    section = {
        "id": SECTION,
        "name": "Bench",
        "country": "SE",
        "timeZone": "UTC",
        "publicBaseUrl": "https://bench.example",
    }
    await line.sections.create(_body(section), secrets.token_bytes(32))
    [definition] = [one for one in DEFINITIONS if one["event"] == ORDER]
    await line.definitions.create(SECTION, _body(definition))
    destination = {"name": "journeys", "kind": "webhook", "settings": {"url": f"{receiver}/ok"}}
    await line.destinations.create(SECTION, _body(destination), secrets.token_bytes(32))
    await line.routes.create(SECTION, _body({"event": ORDER, "destination": "journeys"}), "rt-journeys")


def _body(doc: Json) -> Json:
    return exact.loads(exact.dumps(doc))


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
