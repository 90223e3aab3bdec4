"""Start child processes, wait until they are ready, and stop them."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

LOG_TAIL_BYTES = 4_000
POLL_SECONDS = 0.02

Found = TypeVar("Found")


class StartError(RuntimeError):
    """A child process ended, or was not ready in time; the message carries the end of its log."""

    def __init__(self, name: str, happened: str, log: str) -> None:
        super().__init__(f"{name} {happened}; the end of its log:\n{log}")


class Child:
    """One child process in a session of its own, with its output in a file.

    The own session keeps a terminal's Ctrl-C, and a signal to the parent's process group, away from the child:
    only `stop` and `kill` end it. POSIX only.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """`env` is added to this process's environment; `log` is appended to, its folder made if missing."""
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        """Everything that this child has written so far, both streams."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def wait_until(self, condition: Callable[[], Found | None], what: str, timeout: float = 30.0) -> Found:
        """The first true value that `condition` gives; `what` names it in the error.

        Raises StartError when the child ends first, or after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not (found := condition()):
            if (code := self._process.poll()) is not None:
                raise StartError(self.name, f"ended with exit code {code}", self._tail())
            if time.monotonic() > deadline:
                raise StartError(self.name, f"gave no {what} within {timeout:g} s", self._tail())
            time.sleep(POLL_SECONDS)
        return found

    def wait_for_port(self, port: int, timeout: float = 30.0) -> None:
        """Wait until the child accepts connections on 127.0.0.1:`port`; errors as in `wait_until`."""
        self.wait_until(lambda: accepts(port), f"answer on port {port}", timeout)

    def wait_for_announcement(self, timeout: float = 30.0) -> dict[str, Any]:
        """The first line of output that is a JSON object with a `port`; errors as in `wait_until`."""
        return self.wait_until(lambda: _announcement(self.output()), "JSON line with its port", timeout)

    def wait_for_text(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """The first match of the regular expression in the output; errors as in `wait_until`."""
        return self.wait_until(lambda: re.search(pattern, self.output()), f"line like {pattern!r}", timeout)

    def stop(self, grace: float = 10.0) -> int:
        """SIGTERM, then after `grace` seconds SIGKILL; the exit code (negative: the signal's number)."""
        if self.alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL the child and what it has started and left behind in its session; the exit code."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tail(self) -> str:
        return self.output()[-LOG_TAIL_BYTES:].strip() or "(it wrote nothing)"


def accepts(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1 that nothing listens on now.

    Somebody else may take one before it is used: let a child choose its own (port 0) where it can.
    """
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _announcement(output: str) -> dict[str, Any] | None:
    for line in output.splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict) and "port" in said:
                return said
    return None
