"""Starts the real host command on the fixture app and talks to it."""

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from local.embedded_queue import EmbeddedQueue

APP = Path(__file__).parent / "app"
REPOSITORY = Path(__file__).parents[3]
WAIT_SECONDS = 20
NEVER = "0 0 0 1 1 *"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    content: bytes


class RunningHost:
    """The command as a child process; its log goes to a file that tests may read."""

    def __init__(self, environ: Mapping[str, str], log: Path, *arguments: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "local.host", "--root", str(APP), *arguments]
        self._release_file = log.with_suffix(".release")
        path = {"PYTHONPATH": str(REPOSITORY), "RELEASE_FILE": str(self._release_file)}
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                command, env=path | dict(environ), stdout=subprocess.PIPE, stderr=stderr
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, log.read_text()
        self.announced = json.loads(line)
        self.port = self.announced["port"]

    def request(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, "/base" + path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path: str):
        return json.loads(self.request("GET", path).content)

    def calls(self, name: str) -> list[dict[str, Any]]:
        return [call for call in self.get("/calls") if call["name"] == name]

    def wait_for(self, condition: Callable[[], object]) -> object:
        """Ask again until the condition holds; fails the test when it does not in WAIT_SECONDS."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError("the condition did not come true: " + self.log.read_text())

    def release(self) -> None:
        """Let the functions that wait go on."""
        self._release_file.touch()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WAIT_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()
        return code


def environment(connection: str, **more: str) -> dict[str, str]:
    settings = {"SINGLE_QUEUE": "single", "TICK": NEVER, "ServiceBusConnection": connection}
    return settings | {"AzureWebJobs.switched_off.Disabled": "true"} | more


@contextlib.contextmanager
def running(environ: Mapping[str, str], log: Path, *arguments: str) -> Iterator[RunningHost]:
    host = RunningHost(environ, log, *arguments)
    try:
        yield host
    finally:
        if host.process.poll() is None:
            host.process.kill()
        host.stop()


@pytest.fixture(scope="module")
def queue_file(tmp_path_factory):
    return tmp_path_factory.mktemp("queue") / "queue.db"


@pytest.fixture(scope="module")
def host(queue_file, tmp_path_factory) -> Iterator[RunningHost]:
    """One host for a whole module, on an embedded queue, with a small body limit and a timer each second."""
    environ = environment(
        f"embedded:{queue_file}", TICK="* * * * * *", FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="2000000"
    )
    with running(environ, tmp_path_factory.mktemp("log") / "host.log") as host:
        yield host


@pytest.fixture
async def queue(queue_file):
    queue = EmbeddedQueue(str(queue_file))
    yield queue
    await queue.close()


@pytest.fixture
def start_host(tmp_path):
    """Starts hosts of a test's own: `start_host(*arguments, **settings)`."""
    with contextlib.ExitStack() as closing:

        def start(*arguments: str, **settings: str) -> RunningHost:
            environ = environment(f"embedded:{tmp_path / 'queue.db'}", **settings)
            host: RunningHost = closing.enter_context(running(environ, tmp_path / "host.log", *arguments))
            return host

        yield start
