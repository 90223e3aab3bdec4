"""A receiver of a test's own, whose destinations write down what they took."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.process import Child

ROOT = Path(__file__).parents[1]


@contextmanager
def receiver(home: Path) -> Iterator[str]:
    """Where it listens; `home` / `took` has the files."""
    files: list[str | Path] = ["--file", home / "had.jsonl", "--took", home / "took"]
    command: list[str | Path] = [sys.executable, "-m", "local.receiver", *files]
    with Child("receiver", command, home / "log", cwd=ROOT) as child:
        yield f"http://127.0.0.1:{child.wait_for_announcement()['port']}"
