"""One run at a time: claims `.local/` for a run, and ends what a killed run has left behind."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from local.process import Child

GRACE_SECONDS = 10
POLL_SECONDS = 0.05
PROC = Path("/proc")


class Claimed(RuntimeError):
    """Another run has this folder."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"A stack is running here already; {home / 'run.json'} says where. Stop it with Ctrl-C in its terminal first."
        )


@contextlib.contextmanager
def claim(home: Path) -> Iterator[None]:
    """Have `home` to oneself; the system lifts the claim when the process ends, however it ends. Raises Claimed."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Claimed(home) from None
        yield


def is_claimed(home: Path) -> bool:
    """Whether a run has `home` now."""
    try:
        with claim(home):
            return False
    except Claimed:
        return True


def note(home: Path, child: Child) -> None:
    """Write down a child, so that the next run can end it should this one be killed."""
    with (home / "children.jsonl").open("a") as notes:
        notes.write(json.dumps({"name": child.name, "pid": child.pid, "mark": _mark(child.pid)}) + "\n")


def forget(home: Path) -> None:
    """Every child that was noted has ended."""
    (home / "children.jsonl").unlink(missing_ok=True)


def end_leftovers(home: Path) -> list[str]:
    """End the noted children that still run, last started first; their names. For who holds the claim."""
    notes = home / "children.jsonl"
    lines = notes.read_text().splitlines() if notes.exists() else []
    noted = [json.loads(line) for line in reversed(lines)]
    left = [one for one in noted if one["mark"] and _mark(one["pid"]) == one["mark"]]
    for one in left:
        _end(one["pid"], one["mark"])
    forget(home)
    return [one["name"] for one in left]


def _end(pid: int, mark: str) -> None:
    """Ask it to end, since Azurite saves its data then; after GRACE_SECONDS end its whole session."""
    deadline = time.monotonic() + GRACE_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while _mark(pid) == mark:
            if time.monotonic() > deadline:
                os.killpg(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)


def _mark(pid: int) -> str:
    """Which process has this pid, by when it was started; empty once it has ended. A reused pid has another mark."""
    if not PROC.exists():
        return _mark_by_ps(pid)
    try:
        # proc_pid_stat(5): the fields from the third on follow the name, which may hold spaces and brackets.
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if state == "Z" else f"{boot} {fields[18]}"


def _mark_by_ps(pid: int) -> str:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    state, _, started = subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition(
        " "
    )
    return "" if state.startswith("Z") else started.strip()
