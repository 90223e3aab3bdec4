"""What destinations took, as each of them remembers it: written down before the answer, whatever becomes of the asker.

One file a destination, `<name>.jsonl`, and one line a request: `time`, `id` by which the destination would know a second
one, `what` it brought, the `status` that it was answered with (null: none), and whether it was `taken`. What is known by its
id is taken once.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from local.standins import Taken
from shared import exact

MOST_LINES = 1_000_000
"""Of all destinations together; beyond that nothing is taken any more, rather than forgotten."""


class Full(RuntimeError):
    """There is no room for another line."""


class Took:
    """The files of a folder. What an earlier process wrote into them is known."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lines = 0
        self._ids: set[tuple[str, str]] = set()
        for file in folder.glob("*.jsonl"):
            for line in _lines(file):
                self._lines += 1
                self._know(file.stem, line)

    def note(self, name: str, brought: Taken, status: int | None, *, takes: bool) -> None:
        """Write a request to the destination of that name down; it `takes` it unless it has it. Raises Full.

        The line is with the operating system when this returns: it outlives this process.
        """
        if self._lines >= MOST_LINES:
            raise Full
        self._lines += 1
        known = brought.id is not None and (name, brought.id) in self._ids
        line = {
            "time": datetime.now(UTC).isoformat(),
            "id": brought.id,
            "what": brought.what,
            "status": status,
            "taken": takes and not known,
        }
        with (self._folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(exact.dumps(line) + "\n")
        self._know(name, line)

    def _know(self, name: str, line: Mapping[str, object]) -> None:
        if line["taken"] and isinstance(line["id"], str):
            self._ids.add((name, line["id"]))


def taken(folder: Path, name: str) -> list[Mapping[str, object]]:
    """The lines of what a destination took: a second one under an id that it knows is not among them."""
    return [line for line in _lines(folder / f"{name}.jsonl") if line["taken"]]


def _lines(file: Path) -> list[Mapping[str, object]]:
    return (
        [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    )
