"""`python -m local run` as its user meets it: what it says, what it keeps, and how it ends."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local import settings
from local.azurite import installed
from local.claim import is_claimed
from local.client import Client, Response
from local.demo.sample import SCENES
from local.process import Child, StartError, accepts
from tests.running import fresh, order

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not installed(), reason="Azurite is not installed: make setup"),
]
WAIT_SECONDS = 60


class Runs:
    """Starts the command, always in the same home."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self.home, self._folder, self._closing, self._count = folder / "home", folder, closing, 0
        settings.save(fresh(), self.home)

    def start(self, *options: str) -> Child:
        command = [sys.executable, "-m", "local", "run", *options]
        log, env = (
            self._folder / f"run-{self._count}.txt",
            {"SIGNALBOX_HOME": str(self.home), "COLUMNS": "80"},
        )
        self._count += 1
        child = Child("run", command, log, env=env, cwd=settings.ROOT)
        self._closing.callback(child.stop, grace=WAIT_SECONDS)
        return child

    def children(self) -> dict[str, int]:
        """The process ids of the stack's parts, by name."""
        notes = (self.home / "children.jsonl").read_text().splitlines()
        return {note["name"]: note["pid"] for note in map(json.loads, notes)}


@pytest.fixture
def runs(tmp_path) -> Iterator[Runs]:
    with ExitStack() as closing:
        yield Runs(tmp_path, closing)


def test_it_shows_the_sample_keeps_the_facts_and_serves_until_ctrl_c(runs):
    run = runs.start()
    run.wait_for_text("Serving until Ctrl-C", WAIT_SECONDS)
    for title in SCENES:
        assert f"✓ {title}" in run.output()
    facts = json.loads((runs.home / "run.json").read_text())
    assert stat.S_IMODE((runs.home / "run.json").stat().st_mode) == 0o600
    for name in ("baseUrl", "key", "curl", "tokenCurl"):
        assert facts[name] in run.output()
    assert as_curl_would(facts["curl"]).doc["status"] == "accepted"
    token = as_curl_would(facts["tokenCurl"]).doc["access_token"]
    assert Client.keyed(facts["baseUrl"], token, facts["section"]).post("/v1/events", order()).status == 202
    assert "A stack is running here already" in end(runs.start(), 1)
    assert [key["name"] for key in keys_of(runs.home, facts["section"])] == ["demo"]
    os.kill(run.pid, signal.SIGINT)
    assert end(run, 0).endswith("Stopping.")
    assert_nothing_runs(runs, facts)


def test_the_next_run_ends_what_a_killed_one_has_left(runs):
    killed = runs.start()
    killed.wait_for_text("Functions host", WAIT_SECONDS)
    killed.kill()
    left = runs.children()
    said = end(runs.start("--once"), 0)
    assert "Everything ended as it should." in said
    assert (
        "ended azurite, left behind by a run that was killed" in (runs.home.parent / "run-1.txt").read_text()
    )
    assert not [name for name, pid in left.items() if is_running(pid)]
    assert not is_claimed(runs.home)


def test_a_part_that_ends_is_named_with_its_log_and_everything_stops(runs):
    run = runs.start("--embedded")
    run.wait_for_text("A plain event", WAIT_SECONDS)
    parts = runs.children()
    os.kill(parts["host"], signal.SIGKILL)
    assert f"host has ended by itself. Its log: {runs.home}/host.log" in end(run, 1)
    assert not [name for name, pid in parts.items() if is_running(pid)]


def test_ctrl_c_while_starting_ends_what_was_started(runs):
    run = runs.start()
    run.wait_for_text("starting receiver", WAIT_SECONDS)
    parts = runs.children()
    os.kill(run.pid, signal.SIGINT)
    assert "Traceback" not in end(run, 128 + signal.SIGINT)
    assert not [name for name, pid in parts.items() if is_running(pid)]


def test_damaged_data_is_an_error_that_says_what_can_be_done(runs):
    (runs.home / "azurite").mkdir()
    (runs.home / "azurite" / "__azurite_db_table__.json").write_text("{damaged")
    said = end(runs.start(), 1)
    assert "azurite ended with exit code 1" in said
    assert f"rm -r {runs.home}" in said
    assert "Traceback" not in said


def end(run: Child, code: int) -> str:
    """What the command said last, once it has ended by itself with this exit code."""
    with pytest.raises(StartError, match=rf"ended with exit code {code};") as ended:
        run.wait_until(lambda: None, "end", WAIT_SECONDS)
    return str(ended.value)


def as_curl_would(command: str) -> Response:
    """The answer to what a shell makes of a curl command."""
    _, _, url, *options = shlex.split(command)
    pairs = list(zip(options[::2], options[1::2], strict=True))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    headers = form | dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    (body,) = [value for option, value in pairs if option == "-d"]
    return Client(url).send("POST", "", body.encode(), headers)


def keys_of(home: Path, section: str) -> list[dict[str, str]]:
    """What the key command lists for whoever names no storage."""
    command = [sys.executable, "-m", "local", "key", "list", "--section", section]
    environment = {**os.environ, "SIGNALBOX_HOME": str(home)}
    listed = subprocess.run(command, cwd=settings.ROOT, env=environment, capture_output=True, check=True)  # noqa: S603
    keys: list[dict[str, str]] = json.loads(listed.stdout)
    return keys


def assert_nothing_runs(runs: Runs, facts: dict[str, object]) -> None:
    assert not (runs.home / "children.jsonl").exists()
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", json.dumps(facts))}
    assert len(ports) >= 5
    assert not [port for port in ports if accepts(port)]


def is_running(pid: int) -> bool:
    """Whether the process still executes; one that waits to be collected by its new parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
