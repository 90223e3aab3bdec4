"""What is printed: one JSON object a line for tools on standard output, a table for people on standard error."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.load import Round

COLUMNS = ("CPU ms", "plain / this", "table req", "messages", "p50 ms", "p99 ms", "per s")


@dataclass(frozen=True, slots=True)
class Line:
    """One measured thing; `ratio` is the plain design's CPU over this one's."""

    name: str
    design: str
    concurrency: int
    round: Round
    ratio: float | None = None

    def json(self) -> str:
        """The line for tools, figures per event."""
        one = self.round
        figures = {
            "cpu_ms_per_event": one.cpu_ms,
            "table_requests_per_event": one.requests,
            "bus_messages_per_event": one.messages,
            "p50_ms": one.p50_ms,
            "p99_ms": one.p99_ms,
            "events_per_s": one.per_second,
            "cpu_ratio_to_plain": self.ratio,
        }
        rounded = {name: None if figure is None else round(figure, 4) for name, figure in figures.items()}
        return json.dumps(
            {"name": self.name, "design": self.design, "concurrency": self.concurrency, **rounded}
        )


def say(line: Line) -> None:
    """Print a line as soon as it is known."""
    print(line.json(), flush=True)


def show(lines: Sequence[Line], notes: Sequence[str]) -> None:
    """The table for people, and what else is worth knowing."""
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 130)
    table = Table("what", "design", "callers", *COLUMNS)
    for line in lines:
        one = line.round
        figures = (one.cpu_ms, line.ratio, one.requests, one.messages, one.p50_ms, one.p99_ms, one.per_second)
        table.add_row(line.name, line.design, str(line.concurrency or ""), *map(_shown, figures))
    console.print(table)
    for note in notes:
        console.print(note)


def _shown(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}" if figure < 1 else f"{figure:.2f}"
