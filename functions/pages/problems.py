"""A page for each type of problem, and one that lists them: the sections of docs/problems.md, as they are packaged.

The documentation itself is not deployed. `python -m tests.functions.written` writes `problems.json` from it.
"""

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import TypedDict

from functions.pages.frame import framed
from shared.errors import NotFound


class Told(TypedDict):
    """One type: its status, its title, and what to do, as HTML."""

    status: int
    title: str
    html: str


@cache
def every_problem() -> Mapping[str, Told]:
    """What is told of each type, in the order of the documentation."""
    found: dict[str, Told] = json.loads(Path(__file__).with_name("problems.json").read_bytes())
    return found


def problems() -> str:
    """The page that lists every type."""
    rows = "".join(
        f'<li><a href="/problems/{escape(type)}">{escape(type)}</a>: {told["status"]}, {escape(told["title"])}</li>'
        for type, told in every_problem().items()
    )
    told = "<p>A refusal is a problem document (RFC 9457). Its <code>type</code> is the path of one of these pages.</p>"
    return framed("Signalbox: problems", f"<h1>Problems</h1>{told}<ul>{rows}</ul>")


def problem(type: str) -> str:
    """The page of one type. Raises NotFound."""
    told = every_problem().get(type)
    if told is None:
        raise NotFound("There is no such type of problem. GET /problems lists them.")
    head = f"<h1>{escape(type)}</h1><p><strong>{told['status']} · {escape(told['title'])}.</strong></p>"
    return framed(f"Signalbox: {type}", head + told["html"])
