"""Child processes: readiness, early death, and stopping with everything they started."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from local.process import Child, StartError, accepts, free_ports

SERVER = """
import json, socket
server = socket.create_server(("127.0.0.1", 0))
print("a line that is not JSON")
print(json.dumps({"port": server.getsockname()[1]}), flush=True)
while True:
    server.accept()
"""
STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
signal.pause()
"""
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(f"child {child.pid}", flush=True)
signal.pause()
"""


@pytest.fixture
def start(tmp_path: Path):
    children: list[Child] = []

    def start_python(code: str, *, env: dict[str, str] | None = None) -> Child:
        children.append(
            Child("example", [sys.executable, "-c", code], tmp_path / "logs/example.log", env=env)
        )
        return children[-1]

    yield start_python
    for child in children:
        child.kill()


def test_a_child_announces_the_port_that_it_chose(start):
    port = start(SERVER).wait_for_announcement()["port"]
    assert accepts(port)


def test_a_port_is_waited_for(start):
    (port,) = free_ports(1)
    child = start(f"import socket; s = socket.create_server(('127.0.0.1', {port})); s.accept(); s.accept()")
    child.wait_for_port(port)
    assert child.alive


def test_a_child_that_dies_early_is_reported_with_the_end_of_its_log(start):
    child = start("import sys; print('x' * 9000); sys.exit('no such table')")
    with pytest.raises(StartError, match="ended with exit code 1") as error:
        child.wait_for_announcement()
    assert "no such table" in str(error.value)
    assert len(str(error.value)) < 5000


def test_a_child_that_is_never_ready_is_reported(start):
    child = start(STUBBORN)
    child.wait_for_text("ready")
    with pytest.raises(StartError, match=r"gave no JSON line with its port within 0.1 s"):
        child.wait_for_announcement(timeout=0.1)


def test_a_stopped_child_gives_its_exit_code_and_frees_its_port(start):
    child = start(SERVER)
    port = child.wait_for_announcement()["port"]
    assert child.stop() == -signal.SIGTERM
    assert not child.alive
    assert not accepts(port)


def test_a_child_that_ignores_the_request_to_end_is_killed(start):
    child = start(STUBBORN)
    child.wait_for_text("ready")
    assert child.stop(grace=0.1) == -signal.SIGKILL


def test_what_the_child_has_started_ends_with_it(start):
    child = start(PARENT)
    grandchild = int(child.wait_for_text(r"child (\d+)")[1])
    assert os.getpgid(grandchild) == child.pid
    child.stop()
    deadline = time.monotonic() + 5
    while _runs(grandchild):
        assert time.monotonic() < deadline


def test_a_child_lives_outside_the_process_group_of_its_parent(start):
    child = start(STUBBORN)
    assert os.getpgid(child.pid) == child.pid != os.getpgrp()


def test_stopping_twice_is_harmless(start):
    child = start(SERVER)
    assert child.stop() == child.stop()


def test_the_environment_is_added_to_the_parents(start):
    child = start(
        "import os; print('seen', os.environ['GIVEN'], bool(os.environ['PATH']))", env={"GIVEN": "x"}
    )
    assert child.wait_for_text("seen (.*)")[1] == "x True"


def test_an_older_log_is_kept_and_not_read_again(start, tmp_path):
    start("print('first')").wait_for_text("first")
    second = start("print('second')")
    second.wait_for_text("second")
    assert "first" not in second.output()
    assert (tmp_path / "logs/example.log").read_text().split() == ["first", "second"]


def test_free_ports_differ():
    assert len(set(free_ports(20))) == 20


def _runs(pid: int) -> bool:
    """Whether the process still executes; one that waits to be collected by its new parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
