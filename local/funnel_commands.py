"""The funnel command: `python -m local funnel SECTION EVENT` draws how far the events of a definition came, and why not further."""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.table import Table
from rich.text import Text

from local.console import console, fail, failing
from local.export_commands import client_of

WIDTH = 30
"""Of the longest bar, in characters."""

Row = tuple[str, int, str, str]
"""A name, a count, the style of its bar, and what it means."""


def funnel(
    section: Annotated[str, typer.Argument(help="The section's id.", metavar="SECTION")],
    event: Annotated[str, typer.Argument(help="The definition's name.", metavar="EVENT")],
    *,
    since: Annotated[str, typer.Option(help="The beginning, such as 2026-11-22T00:00:00Z.")] = "",
    until: Annotated[str, typer.Option(help="The end.")] = "",
    url: Annotated[str, typer.Option(envvar="SIGNALBOX_URL", help="The app's base URL.")] = "",
    key: Annotated[
        str, typer.Option(envvar="SIGNALBOX_KEY", help="A key with events:read.", hidden=True)
    ] = "",
) -> None:
    """Draw how far the events of a definition came, and why not further: by default those of the last 24 hours.

    It asks the running stack's API, or that of SIGNALBOX_URL with the key in SIGNALBOX_KEY.
    """
    query = urlencode({name: text for name, text in (("since", since), ("until", until)) if text})
    path = f"/v1/definitions/{quote(event, safe='')}/funnel" + (f"?{query}" if query else "")
    with failing():
        answer = client_of(url, key, section).get(path)
    if answer.status != 200:
        fail(str(answer.doc["detail"]))
    show(answer.doc)


def show(told: dict[str, Any]) -> None:
    """Draw a funnel as the API answers it."""
    about = "" if not told["approximate"] else "  approximate: not all of it has been counted for good"
    console.print(
        Text.assemble((told["event"], "bold"), f"  {told['since']} to {told['until']}", (about, "dim"))
    )
    rows = [*_stages(told["stages"])]
    most = max((count for _, count, _, _ in rows), default=0)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, min_width=WIDTH)
    table.add_column(overflow="fold")
    for name, count, style, detail in rows:
        bar = "█" * max(round(WIDTH * count / most), count > 0) if most else ""
        table.add_row(Text(name), f"{count:,}", Text(bar, style), Text(detail, "dim"))
    console.print(table)
    for one in told["destinations"]:
        console.print(Text(f"to {one['destination']}: {one['delivered']:,} of {one['deliveries']:,} arrived"))
    console.print(Text(f"{told['tests']:,} test events", "dim"))


def _stages(stages: list[dict[str, Any]]) -> Iterator[Row]:
    for one in stages:
        for reason in one["reasons"]:
            yield f"  {reason['reason']}", reason["count"], "red", reason["detail"]
        yield one["stage"], one["count"], "green", ""
