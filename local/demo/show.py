"""Shows scenes and receipts in a terminal."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local.client import Response
from local.demo.scene import Note, Part, Receipt, Scene

INDENT = (0, 0, 0, 2)
NAME_WIDTH, OUTCOME_WIDTH = 9, 26
LONG_ID = re.compile(r"(?<=/)[0-9a-z_-]{32,}")

Row = tuple[str, str, str]


def show_scene(console: Console, scene: Scene) -> None:
    """The title with a verdict, what was asked and answered, receipts and lists; last what went wrong."""
    verdict = ("✓ ", "green") if scene.good else ("✗ ", "red")
    console.print(Text.assemble("\n", verdict, (scene.title, "bold")))
    for part in scene.parts:
        for shown in _part(part):
            console.print(Padding(shown, INDENT, expand=False))
    if scene.surprise:
        console.print(Padding(Text(scene.surprise, "red"), INDENT))


def _part(part: Part) -> Iterator[RenderableType]:
    match part:
        case Receipt(doc):
            yield _table(_receipt(doc))
        case Note(name, what, detail):
            yield _table([(name, what, detail)])
        case Response():
            yield _answer(part)
            if part.status >= 400:
                yield _table(_problem(part.doc))


def _answer(response: Response) -> Text:
    """Like `POST /v1/events → 202 accepted`; ids in the path only take room."""
    path = LONG_ID.sub("…", response.asked.partition("?")[0])
    outcome = response.doc.get("status", "") if response.status == 202 else ""
    line = Text.assemble((path, "dim"), (" → ", "dim"), f"{response.status} {outcome}".strip())
    if "idempotency-replayed" in response.headers:
        line.append("  Idempotency-Replayed: true", "dim")
    return line


def _receipt(receipt: dict[str, Any]) -> Iterator[Row]:
    yield "event", receipt["event"], receipt["id"]
    for step in receipt["steps"]:
        yield step["name"], step["outcome"], step.get("detail") or step.get("reason") or ""
    for delivery in receipt["deliveries"]:
        destination = f"to {delivery['destination']}"
        yield "deliver", delivery["status"], _joined(", ", destination, delivery["cause"])
        for attempt in delivery["attempts"]:
            outcome = _joined(" ", attempt.get("statusCode"), attempt.get("outcome") or "unknown")
            yield f"attempt {attempt['number']}", outcome, attempt.get("reason") or ""


def _problem(problem: dict[str, Any]) -> Iterator[Row]:
    yield "problem", problem["type"], problem["detail"]
    for fault in problem.get("errors", []):
        told = [f"{name} {fault[name]}" for name in ("expected", "received") if name in fault]
        yield "error", fault["pointer"], f"{fault['detail']} ({', '.join(told)})"


def _table(rows: Iterable[Row]) -> Table:
    """Columns of the same width everywhere, so that the receipts of all scenes line up."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", width=NAME_WIDTH)
    table.add_column(overflow="fold", width=OUTCOME_WIDTH)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _joined(separator: str, *texts: object) -> str:
    return separator.join(str(text) for text in texts if text)
