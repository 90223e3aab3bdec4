"""What the app says while it serves, in the terminal: its wide lines, read from the host's log and set for people."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

_STYLES = {"ERROR": "red", "WARNING": "yellow", "INFO": "green"}
_FIRST = ("step", "what", "door", "part", "event", "outcome", "reason")
"""What is said first, and without the field's name."""


class Lines:
    """The wide lines that are added to a log from now on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size

    def new(self) -> Iterator[Text]:
        """Those that have been added since the last call; a line that is not whole yet comes next time."""
        with self._log.open("rb") as file:
            file.seek(self._at)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                self._at += len(raw)
                if (line := shown(raw.decode(errors="replace"))) is not None:
                    yield line


def shown(line: str) -> Text | None:
    """A line of the host's log as a person reads it; None for one that is no wide line."""
    level, _, rest = line.strip().partition(" ")
    if level not in _STYLES or not rest.startswith("{"):
        return None
    try:
        fields: Mapping[str, Any] = json.loads(rest)
    except ValueError:
        return None
    first = [str(fields[name]) for name in _FIRST if name in fields]
    others = [f"{name}={value}" for name, value in fields.items() if name not in _FIRST]
    text = Text()
    text.append(f"{first[0]:<10}", f"bold {_STYLES[level]}")
    text.append(" ".join(first[1:]), "default")
    text.append(f"  {' '.join(others)}", "dim")
    return text
