"""The whole way through the Functions host: the door alone, and from the door to the destination.

CPU and memory are those of the host's process, read from /proc, so this part runs on Linux only.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

import aiohttp

from bench.load import Round, middle, timed
from local.demo.furnish import ORDER, furnish
from local.keys import KeyStore
from local.process import free_ports
from local.settings import ROOT, Kept
from local.stack import Stack
from shared.azure.vault import new_master_key

QUEUE_FUNCTIONS = ("process_commit", "deliver_events", "deliver_slow_events")
EVENTS = 3_200
EVENTS_DELIVERED = 1_200
PATIENCE_SECONDS = 120
Place = TypeVar("Place", bound=Hashable)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """What the host's process held, in MiB: before the first event, and at most so far."""

    idle: float
    peak: float


class DoorsOnly(Stack):
    """A stack whose host takes no messages."""

    def start_storage(self) -> None:
        super().start_storage()
        self.environment |= {f"AzureWebJobs.{name}.Disabled": "true" for name in QUEUE_FUNCTIONS}


class Hosted:
    """A stack with its demo section, and its host's process."""

    def __init__(self, stack: Stack, deployment_key: str, key: str) -> None:
        self.stack, self.deployment_key, self._key = stack, deployment_key, key
        self.posted: dict[str, float] = {}
        self.idle_mb = self._memory("VmRSS")

    @property
    def memory(self) -> Memory:
        return Memory(self.idle_mb, self._memory("VmHWM"))

    @property
    def cpu_ms(self) -> float:
        """What the host has used so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / _TICKS

    async def post(self, events: Sequence[dict[str, object]], callers: int) -> list[float]:
        """Post events one by one; how long each took."""
        headers = {"Authorization": f"Bearer {self._key}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            self.stack.base_url, headers=headers, connector=connector
        ) as session:

            async def one(event: dict[str, object]) -> None:
                self.posted[str(event["id"])] = time.time()
                async with session.post("/v1/events", json=event) as answer:
                    if answer.status != 202:
                        raise RuntimeError(f"{answer.status}: {await answer.text()}")

            return await timed(one, events, callers)

    def delivered(self) -> dict[str, datetime]:
        """When the receiver had each order, by its id."""
        return {
            order_id(one["body"]): datetime.fromisoformat(one["time"]) for one in self.received_requests()
        }

    def received_requests(self) -> list[dict[str, str]]:
        """What the receiver had so far, each whole: it may be writing another one."""
        whole, _, _ = self.stack.received.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def _pid(self) -> int:
        return self.stack.host_pid

    def _memory(self, name: str) -> float:
        text = Path(f"/proc/{self._pid}/status").read_text()
        [line] = [line for line in text.splitlines() if line.startswith(f"{name}:")]
        return int(line.split()[1]) / 1024


@contextmanager
def hosted(*, queues: bool) -> Iterator[Hosted]:
    """A fresh stack; without `queues` nothing takes messages, so that the door is alone."""
    port, receiver = free_ports(2)
    with tempfile.TemporaryDirectory() as home:
        kept = Kept(port, receiver, new_master_key())
        kind = Stack if queues else DoorsOnly
        with kind(kept, lambda _: None, Path(home), timers=False) as stack:
            made = asyncio.run(KeyStore(stack.environment).create("*", "bench", [], "bench"))
            key = str(made["key"])
            yield Hosted(stack, key, furnish(stack.base_url, key, stack.receiver_url, None).key)


async def door(host: Hosted, callers: int, rounds: int) -> Round:
    """Events posted one by one, up to their answer."""
    await host.post(orders(200), callers)
    return middle([await _door(host, callers) for _ in range(rounds)])


async def _door(host: Hosted, callers: int) -> Round:
    events = orders(EVENTS if callers > 1 else EVENTS // 10)
    cpu, began = host.cpu_ms, time.perf_counter()
    times = await host.post(events, callers)
    took = time.perf_counter() - began
    return Round(
        cpu_ms=(host.cpu_ms - cpu) / len(events),
        p50_ms=median(times),
        p99_ms=quantiles(times, n=100)[98],
        per_second=len(events) / took,
    )


def end_to_end(concurrency: Sequence[int], rounds: int) -> tuple[dict[int, Round], Memory]:
    """Events posted one by one, until the receiver has them all; times are from post to receipt there.

    A fresh stack each round: the emulator gets slower with what it holds.
    """
    found: dict[int, list[Round]] = {callers: [] for callers in concurrency}
    for _ in range(rounds):
        with hosted(queues=True) as host:
            asyncio.run(_end_to_end(host, orders(200), concurrency[0]))
            for callers in concurrency:
                found[callers].append(asyncio.run(_end_to_end(host, orders(EVENTS_DELIVERED), callers)))
            memory = host.memory
    return {callers: middle(each) for callers, each in found.items()}, memory


async def _end_to_end(host: Hosted, events: Sequence[dict[str, object]], callers: int) -> Round:
    ids = {str(event["id"]) for event in events}
    return await arrival(host, host.post(events, callers), ids, host.delivered, lambda event: event)


async def arrival(
    host: Hosted,
    posting: Coroutine[Any, Any, object],
    wanted: set[Place],
    arrived: Callable[[], Mapping[Place, datetime]],
    event_of: Callable[[Place], str],
) -> Round:
    """Post, and wait until all that is wanted has arrived; per arrival, times are from its event's post."""
    cpu, began = host.cpu_ms, time.time()
    posted = asyncio.create_task(posting)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not wanted <= (found := arrived()).keys():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(wanted - found.keys())} of {len(wanted)} have not arrived")
        await asyncio.sleep(0.2)
    await posted
    took = [(found[place].timestamp() - host.posted[event_of(place)]) * 1000 for place in wanted]
    return Round(
        cpu_ms=(host.cpu_ms - cpu) / len(wanted),
        p50_ms=median(took),
        p99_ms=quantiles(took, n=100)[98],
        per_second=len(wanted) / (max(found[place].timestamp() for place in wanted) - began),
    )


def import_ms() -> float:
    """How long a fresh interpreter takes to import function_app.py, beyond starting at all."""
    code = "import time; began = time.perf_counter(); import function_app; print(time.perf_counter() - began)"
    ran = [
        subprocess.run(  # noqa: S603  (this interpreter, and the code above)
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
        )
        for _ in range(5)
    ]
    return median(float(one.stdout) * 1000 for one in ran)


def orders(count: int) -> list[dict[str, object]]:
    """Orders of as many people, each known by an address."""
    return [_order(secrets.token_hex(8)) for _ in range(count)]


def _order(key: str) -> dict[str, object]:
    properties = {"orderId": key, "totalValue": 42.50, "currency": "EUR"}
    return {"event": ORDER, "id": key, "person": {"email": f"{key}@example.com"}, "properties": properties}


def order_id(body: str) -> str:
    return str(json.loads(body)["data"]["properties"]["orderId"])
