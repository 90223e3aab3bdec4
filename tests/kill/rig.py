"""A stack with several Functions hosts on one storage and one bus, whose parts can be killed, paused and cut off."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.azurite import installed
from local.client import Client
from local.demo.furnish import furnish
from local.process import Child, free_ports
from local.settings import ROOT
from local.stack import Stack
from tests.kill.outage import Outage
from tests.running import Running, deployment_key, fresh

QUEUES = ("events:5", "deliveries:5")
"""Locks of 5 s: what a killed host had in hand comes back soon."""
POLL_SECONDS = 0.25


class Rig(Stack):
    """Host 0 has the port that the demo section's documents name. Azurite is never killed: it would forget.

    `outage`, where asked for, stands between the hosts and Table Storage.
    """

    outage: Outage

    def __init__(self, home: Path, *, hosts: int, behind_outage: bool = False) -> None:
        kept = fresh()
        super().__init__(kept, lambda _: None, home, timers=False, embedded=False, queues=QUEUES)
        self._ports = [kept.port, *free_ports(hosts - 1)]
        self._behind_outage = behind_outage

    @property
    def urls(self) -> list[str]:
        """Where the hosts answer."""
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def start_storage(self) -> None:
        super().start_storage()
        self.storage = self.environment["STORAGE_CONNECTION"]
        self.bus = self.environment["ServiceBusConnection"]
        if self._behind_outage:
            port = self._table_port()
            self.outage = self._running.enter_context(Outage(port))
            behind = self.storage.replace(f":{port}/", f":{self.outage.port}/")
            self.environment["STORAGE_CONNECTION"] = behind

    def start_host(self) -> None:
        for number in range(len(self._ports)):
            self.start(number)

    def start(self, number: int) -> None:
        """Start one host, for the first time or after `kill`. Raises StartError."""
        log = self.home / f"host-{number}.log"
        command = [sys.executable, "-m", "local.host", "--root", ROOT, "--port", self._ports[number]]
        child = Child("host", [*map(str, command), "--no-timers"], log, env=self.environment, cwd=ROOT)
        self._keep(f"host-{number}", self._running.enter_context(child))
        child.wait_for_announcement()

    def kill(self, number: int) -> None:
        """SIGKILL one host."""
        self._children.pop(f"host-{number}").kill()

    @contextmanager
    def bus_paused(self) -> Iterator[None]:
        """The broker keeps its connections and does nothing."""
        pid = self._children["broker"].pid
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
        port = self.bus.partition("sb://127.0.0.1:")[2].partition(";")[0]
        self._child("broker", *queues, "--port", port)

    def _table_port(self) -> int:
        parts = dict(part.split("=", 1) for part in self.storage.split(";"))
        return int(parts["TableEndpoint"].rpartition(":")[2].partition("/")[0])


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


def wait_until(
    done: Callable[[], object], what: str, seconds: float, meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Ask until the answer is true, calling `meanwhile` each time. Raises AssertionError after that many seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"after {seconds:g} s still waiting for {what}"
        meanwhile()
        time.sleep(POLL_SECONDS)
