"""The real parts that tests run against: Azurite and the broker, one of each for every test process.

Import the fixtures where they are used. A test whose part cannot start here is skipped, and says why.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.azurite import Azurite, installed
from local.process import Child, StartError

__all__ = ["RealBroker", "azurite", "broker", "fresh_queue"]

QUEUES = tuple(f"queue-{number:02}" for number in range(60))
"""The broker knows its queues from the start; a test takes one that no other test has used."""


@dataclass(frozen=True, slots=True)
class RealBroker:
    """A running broker, and where to reach it."""

    port: int

    @property
    def connection_string(self) -> str:
        return (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=local;UseDevelopmentEmulator=true;"
        )


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """Azurite with its data in memory."""
    if not installed():
        pytest.skip("Azurite is not installed: make setup")
    with Azurite() as started:
        yield started


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBroker]:
    """The broker in a process of its own, with the QUEUES."""
    pytest.importorskip("proton", reason="Qpid Proton is not installed: make setup")
    queues = [part for name in QUEUES for part in ("--queue", name)]
    command = [sys.executable, "-m", "local.broker", *queues]
    log = tmp_path_factory.mktemp("broker") / "broker.log"
    with Child("broker", command, log, cwd=Path(__file__).parents[1]) as child:
        try:
            port = int(child.wait_for_announcement()["port"])
        except StartError as error:
            pytest.skip(str(error))
        yield RealBroker(port)


@pytest.fixture(scope="session")
def fresh_queue(broker: RealBroker) -> Callable[[], str]:
    """Names a queue of the broker that is still empty."""
    names = iter(QUEUES)
    return lambda: next(names)
