"""Starts and stops the local stack: Azurite, a queue, the receiver and the Functions host, each a process of its own."""

import importlib.util
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.azurite import Azurite
from local.process import Child
from local.settings import HOME, ROOT

QUEUES = ("events", "deliveries:300")
"""With the lock durations that the deployment has, in seconds."""
Say = Callable[[str], None]


class Stack:
    """One running stack; `environment` is what the Functions host is given."""

    def __init__(self, kept: dict[str, Any], say: Say, home: Path = HOME, *, timers: bool = True) -> None:
        self._kept, self._say, self.home, self._timers = kept, say, home, timers
        self._running = ExitStack()
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._kept['port']}"

    @property
    def receiver_url(self) -> str:
        return f"http://127.0.0.1:{self._kept['receiverPort']}"

    def start_storage(self) -> None:
        """Everything but the Functions host."""
        self._say("Azurite (storage)")
        azurite = self._running.enter_context(Azurite(self.home / "azurite"))
        self._say(
            "Service Bus broker"
            if has_proton()
            else "embedded queue (no C compiler was found for the broker)"
        )
        self.environment = {
            "STORAGE_CONNECTION": azurite.connection_string,
            "ServiceBusConnection": self._queue(),
            "EVENTS_QUEUE": "events",
            "DELIVERIES_QUEUE": "deliveries",
            "TICK_SCHEDULE": "0 * * * * *",
            "SIGNALBOX_MASTER_KEYS": self._kept["masterKeys"],
            "SIGNALBOX_ALLOW_LOOPBACK": "true",
            "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "4194304",
        }

    def _start(self) -> None:
        self.start_storage()
        self._say("receiver (plays the destination)")
        received = self.home / "received.jsonl"
        self._child("local.receiver", "--file", received, "--port", self._kept["receiverPort"])
        self._say("Functions host")
        timers = [] if self._timers else ["--no-timers"]
        self._child("local.host", "--root", ROOT, "--port", self._kept["port"], *timers)

    def _queue(self) -> str:
        if not has_proton():
            return f"embedded:{self.home / 'queue.sqlite'}"
        queues = [part for queue in QUEUES for part in ("--queue", queue)]
        port = self._child("local.broker", *queues)["port"]
        access = "SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=local"
        return f"Endpoint=sb://127.0.0.1:{port};{access};UseDevelopmentEmulator=true;"

    def _child(self, module: str, *arguments: object) -> dict[str, Any]:
        command = [sys.executable, "-m", module, *map(str, arguments)]
        log = self.home / f"{module.rpartition('.')[2]}.log"
        child = self._running.enter_context(Child(module, command, log, env=self.environment, cwd=ROOT))
        return child.wait_for_announcement()


def has_proton() -> bool:
    """Whether the AMQP broker's engine could be compiled on this machine."""
    return importlib.util.find_spec("proton") is not None
