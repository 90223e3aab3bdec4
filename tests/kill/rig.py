"""A stack with several Functions hosts on one storage and one bus, whose parts can be killed, paused and cut off."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite, installed
from local.client import Client
from local.demo.furnish import furnish
from local.host.killing import SETTING
from local.process import Child, free_ports
from local.settings import ROOT
from local.stack import Stack
from tests.kill.outage import How, Outage
from tests.running import Running, deployment_key, fresh

QUEUES = ("events:20", "deliveries:20", "deliveries-slow:20")
"""Locks of 20 s: what a killed host had in hand comes back when its claims end, and no sooner on a busy machine."""
TICKS = "*/5 * * * * *"
"""Every five seconds, where the timer fires by itself."""
POLL_SECONDS = 0.25


class Rig(Stack):
    """Host 0 has the port that the demo section's documents name. Azurite is never killed: it would forget.

    `storage` and `bus` are the connection strings that nothing stands in the way of. The hosts' own lead through
    an outage each where that is asked for.
    """

    def __init__(
        self,
        home: Path,
        *,
        hosts: int,
        behind_outages: bool = False,
        ticking: bool = False,
        trusted: Path | None = None,
    ) -> None:
        """`ticking`: the timer fires by itself in each host, which Azure would let only one of them do.

        `trusted`: the certificate of the one authority that the hosts trust. Destinations remember what they took.
        """
        kept = fresh()
        super().__init__(kept, lambda _: None, home, timers=ticking, embedded=False, queues=QUEUES)
        self._trusted = trusted
        self._ports = [kept.port, *free_ports(hosts - 1)]
        self._behind_outages = behind_outages
        self._storage_outages: list[Outage] = []

    @property
    def urls(self) -> list[str]:
        """Where the hosts answer."""
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    @property
    def logs(self) -> list[Path]:
        """What the hosts have written, one file each."""
        return [self.home / f"host-{number}.log" for number in range(len(self._ports))]

    @property
    def took(self) -> Path:
        return self.home / "took"

    def azurite(self) -> Azurite:
        """In memory: it is never started again, and writing to disk would only slow it down."""
        return Azurite(log=self.home / "azurite.log")

    def start_storage(self) -> None:
        super().start_storage()
        self.storage = self.environment["STORAGE_CONNECTION"]
        self.bus = self.environment["ServiceBusConnection"]
        self.environment["TICK_SCHEDULE"] = TICKS
        if self._trusted is not None:
            self.environment["SSL_CERT_FILE"] = str(self._trusted)
        if self._behind_outages:
            services = [_port(self.storage, f"{name}Endpoint=http") for name in ("Table", "Blob")]
            self._storage_outages = [self._put_between("STORAGE_CONNECTION", port) for port in services]
            self._bus_outage = self._put_between("ServiceBusConnection", _port(self.bus, "sb"))

    def start_host(self) -> None:
        for number in range(len(self._ports)):
            self.start(number)

    def start(self, number: int, **environment: str) -> None:
        """Start one host, for the first time or after `kill`, with more in its environment. Raises StartError."""
        command = [sys.executable, "-m", "local.host", "--root", ROOT, "--port", self._ports[number]]
        timers = [] if self._timers else ["--no-timers"]
        child = Child(
            "host",
            [*map(str, command), *timers],
            self.logs[number],
            env={**self.environment, **environment},
            cwd=ROOT,
        )
        self._keep(f"host-{number}", self._running.enter_context(child))
        child.wait_for_announcement()

    def start_armed(self, number: int, point: str, **environment: str) -> None:
        """Start a host that will end at a kill point."""
        self.start(number, **{SETTING: point}, **environment)

    def is_alive(self, number: int) -> bool:
        """Whether a host that was started runs still."""
        return self._children[f"host-{number}"].alive

    def kill(self, number: int) -> int:
        """SIGKILL one host; how it ended, which it may have done before."""
        return self._children.pop(f"host-{number}").kill()

    def break_storage(self, how: How, every: int = 1) -> None:
        """Break tables and blobs for the hosts, as `Outage.set` says."""
        for outage in self._storage_outages:
            outage.set(how, every)

    def break_bus(self, how: How) -> None:
        """Break the bus for the hosts, as `Outage.set` says."""
        self._bus_outage.set(how)

    @contextmanager
    def paused(self, part: str) -> Iterator[None]:
        """`azurite` or `broker` keeps its connections and does nothing."""
        pid = self._children[part].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill_bus(self) -> None:
        """SIGKILL the broker: every message that it held is lost, as no real Service Bus loses them."""
        self._children.pop("broker").kill()

    def start_bus(self) -> None:
        """Start the broker again where it was, with nothing in it."""
        queues = [part for queue in self._queues for part in ("--queue", queue)]
        self._child("broker", *queues, "--port", _port(self.bus, "sb"))

    def _put_between(self, setting: str, port: int) -> Outage:
        outage = self._running.enter_context(Outage(port))
        self.environment[setting] = self.environment[setting].replace(f":{port}", f":{outage.port}")
        return outage


def _port(connection: str, service: str) -> int:
    found = re.search(rf"{service}://127\.0\.0\.1:(\d+)", connection)
    assert found
    return int(found[1])


@contextmanager
def furnished(home: Path, **options: Any) -> Iterator[tuple[Rig, Running]]:
    """A rig with the demo section in it; `options` are the rig's."""
    if not installed():
        pytest.skip("Azurite is not installed: make setup")
    pytest.importorskip("proton", reason="Qpid Proton is not installed: make setup")
    with Rig(home, **options) as rig:
        key = deployment_key(rig)
        yield rig, Running(rig, furnish(rig.base_url, key, rig.receiver_url, None), key)


def clients(rig: Rig, running: Running) -> list[Client]:
    """The demo section's key at each host."""
    return [Client.keyed(url, running.demo.key) for url in rig.urls]


def tick(running: Running) -> None:
    """Let the timer fire. One that has much to do may take longer than a client waits: it goes on all the same."""
    with suppress(TimeoutError):
        assert running.operator.post("/v1/tick").status == HTTPStatus.OK


def wait_until(
    done: Callable[[], object], what: str, seconds: float, meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Ask until the answer is true, calling `meanwhile` each time. Raises AssertionError after that many seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"after {seconds:g} s still waiting for {what}"
        meanwhile()
        time.sleep(POLL_SECONDS)
