"""One run at a time, and the leftovers of a run that was killed."""

import json
import os
import signal
import subprocess
import sys

import pytest

from local.claim import Claimed, claim, end_leftovers, forget, is_claimed, note
from local.process import Child

WAIT = "import signal; signal.pause()"
IGNORE = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
)
CLAIM = """
import signal, sys
from pathlib import Path
from local.claim import claim
with claim(Path(sys.argv[1])):
    print("claimed", flush=True)
    signal.pause()
"""


@pytest.fixture
def start(tmp_path):
    children: list[Child] = []

    def start_python(code: str) -> Child:
        children.append(Child("example", [sys.executable, "-c", code], tmp_path / "example.log"))
        return children[-1]

    yield start_python
    for child in children:
        child.kill()


def test_a_second_claim_is_refused_and_says_where_the_first_serves(tmp_path):
    with claim(tmp_path), pytest.raises(Claimed, match=r"run\.json"), claim(tmp_path):
        pass
    assert not is_claimed(tmp_path)


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path):
    command = [sys.executable, "-c", CLAIM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:  # noqa: S603 - our own command
        assert other.stdout
        assert other.stdout.readline() == "claimed\n"
        assert is_claimed(tmp_path)
        other.kill()
    assert not is_claimed(tmp_path)


def test_what_a_killed_run_has_left_is_ended_last_started_first(tmp_path, start):
    first, second = start(WAIT), start(WAIT)
    note(tmp_path, first)
    note(tmp_path, second)
    assert end_leftovers(tmp_path) == ["example", "example"]
    assert first.stop() == second.stop() == -signal.SIGTERM
    assert end_leftovers(tmp_path) == []


def test_a_leftover_that_ignores_the_request_is_killed(tmp_path, start, monkeypatch):
    monkeypatch.setattr("local.claim.GRACE_SECONDS", 0.1)
    child = start(IGNORE)
    child.wait_for_text("ready")
    note(tmp_path, child)
    end_leftovers(tmp_path)
    assert child.stop() == -signal.SIGKILL


def test_a_process_that_only_has_the_same_pid_is_spared(tmp_path, start):
    child = start(WAIT)
    other = {"name": "example", "pid": child.pid, "mark": "a process of another time"}
    (tmp_path / "children.jsonl").write_text(json.dumps(other) + "\n")
    assert end_leftovers(tmp_path) == []
    assert child.alive


def test_a_child_that_has_ended_is_no_leftover(tmp_path, start):
    child = start(WAIT)
    note(tmp_path, child)
    os.kill(child.pid, signal.SIGKILL)
    child.stop()
    assert end_leftovers(tmp_path) == []


def test_children_that_were_stopped_are_forgotten(tmp_path, start):
    child = start(WAIT)
    note(tmp_path, child)
    forget(tmp_path)
    assert end_leftovers(tmp_path) == []
    assert child.alive
