"""The command: `make bench`. One JSON object a line on standard output, a table for people on standard error."""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from azure.data.tables.aio import TableServiceClient
from azure.servicebus.aio import ServiceBusClient
from rich.console import Console
from rich.table import Table

from bench.grouped import CountingQueue, Grouped
from bench.load import Design, Round, middle, run
from bench.plain import Plain
from local.azurite import Azurite
from local.process import Child
from shared import documents
from shared.access.sections import Section
from shared.azure.blobs import AzureBlobs
from shared.azure.bus import ServiceBusQueue
from shared.azure.http import GuardedHttp
from shared.azure.tables import AzureTables
from shared.azure.vault import MasterKeySeal, new_master_key
from shared.event import Event, Person
from shared.exact import Number
from shared.stages.record import Candidate
from shared.storage import EVENTS
from shared.wiring import MARK_PAUSE_SECONDS, SystemClock, assemble

SECTION = Section("bench", "Bench", "SE", "UTC", "https://bench.example", 365, 30, 4, bytes(32))
BROKER = "Endpoint=sb://127.0.0.1:{};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=local;UseDevelopmentEmulator=true;"
CONCURRENCY = (1, 16, 64, 256)
EVENTS_A_ROUND = {1: 150, 16: 800, 64: 1_600, 256: 3_200}


@dataclass(frozen=True, slots=True)
class Parts:
    """The real parts that both designs run on."""

    storage: str
    bus: str


async def main(rounds: int, concurrency: Sequence[int]) -> None:
    results: list[tuple[str, int, str, Round]] = []
    with tempfile.TemporaryDirectory() as scratch, Azurite() as azurite:
        command = [sys.executable, "-m", "local.broker", "--queue", "events", "--queue", "deliveries"]
        with Child("broker", command, Path(scratch) / "broker.log") as broker:
            bus = BROKER.format(broker.wait_for_announcement()["port"])
            async with designs(Parts(azurite.connection_string, bus)) as (plain, grouped):
                for callers in concurrency:
                    results += await compare("accept", plain, grouped, callers, rounds)
                for share in (10, 50, 100):
                    results += await duplicates(grouped, share, rounds)
    show(results)


@asynccontextmanager
async def designs(parts: Parts) -> AsyncIterator[tuple[Plain, Grouped]]:
    """Both designs on fresh tables, every connection open."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(TableServiceClient.from_connection_string(parts.storage))
        table = await service.create_table_if_not_exists("plain")
        client = await stack.enter_async_context(ServiceBusClient.from_connection_string(parts.bus))
        sender = await stack.enter_async_context(client.get_queue_sender("deliveries"))
        tables = await stack.enter_async_context(AzureTables(parts.storage))
        await tables.get(EVENTS.name, "-", "-")
        bus = ServiceBusQueue(parts.bus)
        stack.push_async_callback(bus.close)
        queue = CountingQueue(bus)
        line = assemble(
            tables=tables,
            blobs=AzureBlobs(parts.storage),
            queue=queue,  # type: ignore[arg-type]
            seal=MasterKeySeal(new_master_key()),
            http=GuardedHttp(),
            clock=SystemClock(),
            mark_pause=MARK_PAUSE_SECONDS,
        )
        plain, grouped = Plain(table, client, sender), Grouped(line, SECTION, tables, queue)
        for design in (plain, grouped):
            await design.accept(candidate())
        yield plain, grouped


async def compare(
    name: str, plain: Plain, grouped: Grouped, callers: int, rounds: int
) -> list[tuple[str, int, str, Round]]:
    """Rounds of both designs in turn, so that the machine's moods meet both."""
    taken: dict[str, list[Round]] = {"plain": [], "grouped": []}
    both: dict[str, Design] = {"plain": plain, "grouped": grouped}
    for _ in range(rounds):
        for design, subject in both.items():
            events = [candidate() for _ in range(EVENTS_A_ROUND[callers])]
            taken[design].append(await run(subject, events, callers, grouped.idle))
    return [(name, callers, design, middle(taken[design])) for design in both]


async def duplicates(grouped: Grouped, share: int, rounds: int) -> list[tuple[str, int, str, Round]]:
    """Sixty-four callers, of whose events that share in a hundred were accepted before."""
    known = [candidate() for _ in range(800)]
    await run(grouped, known, 64, grouped.idle)
    taken = []
    for _ in range(rounds):
        mixed = [known[n] if n % 100 < share else candidate() for n in range(len(known))]
        taken.append(await run(grouped, mixed, 64, grouped.idle))
    return [(f"duplicates {share} %", 64, "grouped", middle(taken))]


def candidate() -> Candidate:
    """An order of about 400 bytes, under a key of its own."""
    key = secrets.token_hex(32)
    properties = {"orderId": key[:12], "totalValue": Number("42.50"), "currency": "EUR", "note": "n" * 60}
    event = Event(
        event="transactions.order-placed",
        version="ver_0123456789abcdef",
        purpose="marketing",
        retention_days=365,
        person=Person(email="ada@example.com"),
        properties=properties,
        occurred_at=None,
        received_at=datetime.now(UTC),
        source="checkout",
        source_id="bench",
        trust="server",
        key=key[:20],
        test=False,
    )
    return Candidate(event, documents.write_event(event), key, key)


def show(results: list[tuple[str, int, str, Round]]) -> None:
    """JSON for tools, a table for people."""
    plain = {(name, callers): one.cpu_ms for name, callers, design, one in results if design == "plain"}
    table = Table(
        "what", "callers", "design", "CPU ms", "ratio", "table req", "messages", "p50 ms", "p99 ms", "per s"
    )
    for name, callers, design, one in results:
        ratio = plain.get((name, callers), one.cpu_ms) / one.cpu_ms
        print(json.dumps(_line(name, callers, design, one, ratio)))
        figures = (one.cpu_ms, ratio, one.requests, one.messages, one.p50_ms, one.p99_ms, one.per_second)
        table.add_row(name, str(callers), design, *(f"{figure:.2f}" for figure in figures))
    Console(stderr=True).print(table)


def _line(name: str, callers: int, design: str, one: Round, ratio: float) -> dict[str, object]:
    return {
        "name": name,
        "design": design,
        "concurrency": callers,
        "cpu_ms_per_event": round(one.cpu_ms, 4),
        "table_requests_per_event": round(one.requests, 4),
        "bus_messages_per_event": round(one.messages, 4),
        "p50_ms": round(one.p50_ms, 2),
        "p99_ms": round(one.p99_ms, 2),
        "events_per_s": round(one.per_second, 1),
        "cpu_ratio_to_plain": round(ratio, 2),
    }


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("--rounds", type=int, default=5, help="medians are taken over these")
    asked.add_argument("--concurrency", type=int, nargs="+", default=CONCURRENCY, choices=CONCURRENCY)
    given = asked.parse_args()
    asyncio.run(main(given.rounds, given.concurrency))
