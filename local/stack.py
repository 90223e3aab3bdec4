"""Starts and stops the local stack: Azurite, a queue, a token issuer, the receiver and the Functions host, each a process."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local import claim
from local.azurite import Azurite
from local.issuer import AUDIENCE, TENANT
from local.process import Child
from local.settings import HOME, ROOT, Kept

QUEUES = ("events:60", "deliveries:300", "deliveries-slow:300")
"""With the lock durations that the deployment has, in seconds."""
MAX_LOG_BYTES = 5_000_000
Say = Callable[[str], None]


class PartEnded(RuntimeError):
    """A process of the stack ended by itself."""

    def __init__(self, child: Child) -> None:
        super().__init__(f"{child.name} has ended by itself. Its log: {child.log}")


class Stack:
    """One running stack; `environment` is what the Functions host is given.

    `queues` are the broker's, each NAME:lock_seconds. `embedded` takes the embedded queue, whose locks are 60 s.
    """

    def __init__(
        self,
        kept: Kept,
        say: Say,
        home: Path = HOME,
        *,
        timers: bool = True,
        embedded: bool | None = None,
        queues: Sequence[str] = QUEUES,
    ) -> None:
        self._kept, self._say, self.home, self._timers, self._queues = kept, say, home, timers, queues
        self._embedded = not has_proton() if embedded is None else embedded
        self._running = ExitStack()
        self._children: dict[str, Child] = {}
        self.environment: dict[str, str] = {}
        self.issuer_url = ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._kept.port}"

    @property
    def receiver_url(self) -> str:
        return f"http://127.0.0.1:{self._kept.receiver_port}"

    @property
    def received(self) -> Path:
        """Where the receiver writes each request that it had, as one line of JSON."""
        return self.home / "received.jsonl"

    @property
    def took(self) -> Path | None:
        """Where each destination writes down what it took (`local.took`), in a stack where they do."""
        return None

    @property
    def host_log(self) -> Path:
        """Where the Functions host writes what it and the app say."""
        return self._children["host"].log

    @property
    def host_pid(self) -> int:
        """The process of the Functions host."""
        return self._children["host"].pid

    def azurite(self) -> Azurite:
        """The storage, not started yet: it keeps its data."""
        return Azurite(self.home / "azurite")

    def start_storage(self) -> None:
        """Everything but the issuer, the receiver and the Functions host."""
        self._say("Azurite (storage)")
        azurite = self._running.enter_context(self.azurite())
        self._keep("azurite", azurite.child)
        self._say(self._queue_name())
        self.environment = {
            "STORAGE_CONNECTION": azurite.connection_string,
            "ServiceBusConnection": self._queue(),
            "EVENTS_QUEUE": "events",
            "DELIVERIES_QUEUE": "deliveries",
            "SLOW_QUEUE": "deliveries-slow",
            "TICK_SCHEDULE": "0 * * * * *",
            "SIGNALBOX_MASTER_KEYS": self._kept.master_keys,
            "SIGNALBOX_ALLOW_LOOPBACK": "true",
            "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "4194304",
        }

    def start_host(self) -> None:
        """Start the Functions host, for the first time or after `kill_host`. Raises StartError."""
        timers = [] if self._timers else ["--no-timers"]
        self._child("host", "--root", ROOT, "--port", self._kept.port, *timers)

    def kill_host(self) -> None:
        """End the Functions host as a crash would (SIGKILL); everything else runs on."""
        self._children.pop("host").kill()

    def check(self) -> None:
        """Raises PartEnded when a process of the stack no longer runs."""
        for child in self._children.values():
            if not child.alive:
                raise PartEnded(child)

    def _start(self) -> None:
        self.start_storage()
        self._say("issuer (plays Microsoft Entra)")
        self.issuer_url = f"http://127.0.0.1:{self._child('issuer')['port']}"
        self.environment |= {
            "SIGNALBOX_ENTRA_TENANT": TENANT,
            "SIGNALBOX_ENTRA_AUDIENCES": AUDIENCE,
            "SIGNALBOX_ENTRA_AUTHORITY": self.issuer_url,
        }
        self._say("receiver (plays the destination)")
        took = ("--took", self.took) if self.took else ()
        self._child("receiver", "--file", self.received, "--port", self._kept.receiver_port, *took)
        self._say("Functions host")
        self.start_host()

    def _stop(self) -> None:
        self._running.close()
        self._children.clear()
        claim.forget(self.home)

    def _queue_name(self) -> str:
        if not self._embedded:
            return "Service Bus broker"
        return (
            "embedded queue" if has_proton() else "embedded queue (the broker's engine did not compile here)"
        )

    def _queue(self) -> str:
        if self._embedded:
            return f"embedded:{self.home / 'queue.sqlite'}"
        queues = [part for queue in self._queues for part in ("--queue", queue)]
        port = self._child("broker", *queues)["port"]
        access = "SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=local"
        return f"Endpoint=sb://127.0.0.1:{port};{access};UseDevelopmentEmulator=true;"

    def _child(self, name: str, *arguments: object) -> dict[str, Any]:
        log = _bounded(self.home / f"{name}.log")
        command = [sys.executable, "-m", f"local.{name}", *map(str, arguments)]
        child = self._running.enter_context(Child(name, command, log, env=self.environment, cwd=ROOT))
        self._keep(name, child)
        return child.wait_for_announcement()

    def _keep(self, name: str, child: Child) -> None:
        self._children[name] = child
        claim.note(self.home, child)


def has_proton() -> bool:
    """Whether the AMQP broker's engine could be compiled on this machine."""
    return importlib.util.find_spec("proton") is not None


def _bounded(log: Path) -> Path:
    """The log, begun anew once it is large; one older part is kept."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.old"))
    return log
