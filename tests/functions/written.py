"""Writes what is made of the doors and of the documentation, and committed: python -m tests.functions.written

- docs/openapi.json, what `GET /openapi.json` answers, for people and tools that have no deployment to ask;
- docs/llms.txt, the index of the documentation, with the README's own words for each page;
- functions/examples.json, bodies that the documentation shows, which `tests/test_docs_examples.py` sends;
- functions/pages/problems.json, the sections of docs/problems.md as HTML, without what only the repository has.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
NAMED = {
    "RECEIVER": "https://crm.example.com",
    "TODAY": "2026-11-22T00:00:00Z",
    "NOW": "2026-11-22T12:00:00Z",
}
"""What stands in examples for what is known only where they run."""
SECTION = re.compile(r"^## (\S+)\n\n\*\*(\d+) · (.+?)\.\*\* (.+?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
READ_ON = re.compile(r"^## Read on\n\n(.+?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def written() -> Mapping[Path, Callable[[], str]]:
    """What is written where, in the order in which one needs the other."""
    return {
        ROOT / "functions/pages/problems.json": lambda: pretty(problems()),
        ROOT / "functions/examples.json": lambda: pretty(examples()),
        ROOT / "docs/openapi.json": described,
        ROOT / "docs/llms.txt": index,
    }


def pretty(doc: Any) -> str:
    return json.dumps(doc, indent=1, ensure_ascii=False) + "\n"


def described() -> str:
    """The description, its members in the order that it is served in."""
    import function_app  # noqa: F401  (registers the doors)
    from functions.openapi import document

    return pretty(document())


def problems() -> dict[str, Any]:
    """By type, its status, title and what to do. A link to what is not served becomes its text."""
    text = (ROOT / "docs/problems.md").read_text()
    return {
        type: {"status": int(status), "title": title, "html": as_html(told)}
        for type, status, title, told in SECTION.findall(text)
    }


def as_html(markdown: str) -> str:
    told = re.sub(r"<!-- .+? -->\n", "", markdown)
    return str(MarkdownIt("commonmark").enable("table").render(LINK.sub(kept_link, told))).strip()


def kept_link(found: re.Match[str]) -> str:
    text, target = found.groups()
    if target.startswith("https://"):
        return found.group()
    return f"[{text}](/problems/{target[1:]})" if target.startswith("#") else text


def examples() -> dict[str, Any]:
    """By operation, the first body that the documentation shows of it and that is answered well."""
    from tests.test_docs_examples import CURL, PAGES, TRY

    found: dict[str, Any] = {}
    for page in PAGES:
        for status, command, _ in TRY.findall(page.read_text()):
            words = Template(command.replace("\\\n", "")).safe_substitute(NAMED)
            asked = CURL.parse_args(shlex.split(words)[1:])
            name = operation(asked.method or "POST", asked.url) if asked.body else None
            if name and status < "300" and "$" not in asked.body:
                found.setdefault(name, json.loads(asked.body))
    return dict(sorted(found.items()))


def operation(method: str, url: str) -> str | None:
    """The door that a documented request goes to, if it takes JSON."""
    import function_app  # noqa: F401  (registers the doors)
    from functions.doors import DOORS

    path = url.removeprefix("$BASE").partition("?")[0]
    for door in DOORS:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(door.path))
        if method in door.methods and re.fullmatch(pattern, path) and door.wants.body is not bytes:
            return door.handler.__name__
    return None


def index() -> str:
    """The index of the documentation: the pages that the README names, in its words."""
    from functions.pages.llms import llms

    [listed] = READ_ON.findall((ROOT / "README.md").read_text())
    links = []
    for line in re.findall(r"^- (.+)$", listed, re.MULTILINE):
        about = LINK.sub(r"\1", line.partition(": ")[2])
        links += [(name, from_docs(at), about) for name, at in LINK.findall(line.partition(": ")[0])]
    api = (("OpenAPI", "openapi.json", "every door, as OpenAPI 3.1"),)
    return llms((("API", api), ("Documentation", links)))


def from_docs(target: str) -> str:
    """An address of the README as it is from within docs."""
    return target.removeprefix("docs/") if target.startswith("docs/") else f"../{target}"


if __name__ == "__main__":
    for path, make in written().items():
        path.write_text(make())
