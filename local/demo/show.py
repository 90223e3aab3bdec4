"""Shows scenes and receipts in a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.demo.sample import Scene

GOOD, BAD = ("✓", "green"), ("✗", "red")


def show_scene(console: Console, scene: Scene) -> None:
    """The title with a verdict, what was answered, and the receipt or the problem."""
    mark, colour = GOOD if scene.good else BAD
    console.print(Text.assemble("\n", (f"{mark} ", colour), (scene.title, "bold")))
    replayed = "  Idempotency-Replayed: true" if "idempotency-replayed" in scene.answer.headers else ""
    console.print(f"  [dim]answer[/] {scene.answer.status}{replayed}")
    if scene.receipt:
        console.print(_receipt(scene.receipt))
    elif scene.answer.status >= 400:
        console.print(_problem(scene.answer.doc))


def _receipt(receipt: dict[str, Any]) -> Table:
    table = _table()
    table.add_row("  event", receipt["event"], f"[dim]{receipt['id']}[/]")
    for step in receipt["steps"]:
        table.add_row(step["name"], step["outcome"], step.get("detail") or step.get("reason") or "")
    for delivery in receipt["deliveries"]:
        table.add_row(
            "deliver", delivery["status"], f"to {delivery['destination']} {delivery['cause'] or ''}"
        )
        for attempt in delivery["attempts"]:
            said = f"{attempt.get('statusCode', '')} {attempt.get('reason', '')}"
            table.add_row("", f"attempt {attempt['number']}: {attempt.get('outcome', 'unknown')}", said)
    return table


def _problem(problem: dict[str, Any]) -> Table:
    table = _table()
    table.add_row("problem", problem["type"], problem["detail"])
    for fault in problem.get("errors", []):
        seen = f"{fault['detail']} [dim](expected {fault.get('expected', '-')}, received {fault.get('received', '-')})[/]"
        table.add_row("", fault["pointer"], seen)
    return table


def _table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", min_width=9)
    table.add_column(overflow="fold", min_width=24)
    table.add_column(overflow="fold")
    return table
