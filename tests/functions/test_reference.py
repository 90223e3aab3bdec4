"""What the app says of itself to people and to programs that read: pages that need nothing else, and are asked for cheaply."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import function_app  # noqa: F401  (registers the doors)
from functions.doors import DOORS
from functions.openapi import document, refusals
from functions.pages.frame import GUARDS, STYLE, framed
from functions.pages.llms import served
from functions.pages.problems import every_problem, problem, problems
from functions.pages.reference import reference
from shared.errors import SignalboxError
from tests.functions.asking import ask, assert_problem, text_of
from tests.functions.browser import shown
from tests.functions.written import written
from tests.running import Running
from tests.test_docs import every_error

MOST_BYTES = 1024 * 1024
"""Of a page, so that it comes in a second over a slow line."""
SERVED = ("/reference", "/problems", "/problems/invalid", "/llms.txt", "/openapi.json")
ENOUGH = 4.5
"""Contrast of text to what is behind it (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""


class Page(HTMLParser):
    """The elements of a page, each with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, name: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(name)) is not None]

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.found]


def pages() -> dict[str, str]:
    return {"/reference": reference(document()), "/problems": problems()} | {
        f"/problems/{type}": problem(type) for type in every_problem()
    }


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_what_is_committed_is_what_is_made_now(path: Path):
    """After a wanted change: python -m tests.functions.written"""
    assert path.read_text() == written()[path](), "python -m tests.functions.written"


def test_every_type_of_problem_has_its_page():
    assert every_problem().keys() == {error.type for error in every_error(SignalboxError)}


def test_the_reference_tells_of_every_door_its_problems_and_every_form():
    page = Page(reference(document()))
    ids, links = set(page.all("id")), set(page.all("href"))

    assert {door.handler.__name__ for door in DOORS} <= ids
    assert {f"form-{name}" for name in document()["components"]["schemas"]} <= ids
    assert {f"/problems/{kind.type}" for door in DOORS for kind in refusals(door)} <= links


def test_no_page_is_larger_than_a_page_should_be():
    assert [path for path, text in pages().items() if len(text.encode()) > MOST_BYTES] == []


def test_the_same_document_makes_the_same_page():
    assert reference(document()) == reference(document())


@pytest.mark.parametrize("path", pages())
def test_a_page_needs_nothing_from_anywhere_and_runs_nothing(path: str):
    page = Page(pages()[path])
    own = [
        one for one in page.found if one[0] not in ("a", "link") and {"src", "srcset", "data"} & one[1].keys()
    ]

    assert own == []
    assert not {"script", "iframe", "object", "form", "img"} & {*page.tags()}
    assert [name for _, attributes in page.found for name in attributes if name.startswith("on")] == []
    assert [attributes["href"] for tag, attributes in page.found if tag == "link"] == ["data:,"]


@pytest.mark.parametrize("path", pages())
def test_a_page_can_be_read_by_a_screen_reader(path: str):
    """Landmarks, headings without gaps, headed tables, names that are unique, links that lead somewhere."""
    page = Page(pages()[path])
    levels = [int(tag[1]) for tag in page.tags() if re.fullmatch("h[1-6]", tag)]
    ids = page.all("id")
    within = [target[1:] for target in page.all("href") if target.startswith("#")]
    labels = page.all("aria-labelledby")

    assert ("html", {"lang": "en"}) in page.found
    assert page.tags().count("main") == levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(ids) == len({*ids})
    assert {*within, *labels} <= {*ids}
    assert all(attributes.get("scope") for tag, attributes in page.found if tag == "th")
    assert page.tags().count("caption") == page.tags().count("table")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(scheme: int):
    colours = dict(re.findall(r"--(\w+):#(\w+)", STYLE.split("@media")[scheme]))
    text = [colours[name] for name in ("text", "quiet", "link")]

    assert [one for one in text if contrast(one, colours["page"]) < ENOUGH] == []
    assert [one for one in text if contrast(one, colours["code"]) < ENOUGH] == []


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    whole = "".join(2 * one for one in colour) if len(colour) == 3 else colour
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_what_a_description_says_stays_text():
    hostile = "<script>alert(1)</script>"
    described = document()
    paths = {"/a": {"get": {**described["paths"]["/health/live"]["get"], "description": hostile}}}
    forms = {
        hostile: {"properties": {hostile: {"enum": [hostile], "pattern": hostile, "description": hostile}}}
    }

    page = reference(
        {**described, "paths": paths, "components": {**described["components"], "schemas": forms}}
    )

    assert hostile not in page + framed(hostile, "")
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("name", ["post_event", "create_route", "subscribe"])
def test_a_door_that_the_documentation_shows_has_an_example(name: str):
    assert f'<h3 id="{name}">' in reference(document())
    assert name in dict(examples())


def test_every_example_fits_its_form():
    for operation, (schema, example) in examples():
        check = jsonschema_rs.validator_for({**schema, "components": document()["components"]})
        assert [error.message for error in check.iter_errors(example)] == [], operation


def examples() -> Iterator[tuple[str, tuple[dict[str, Any], object]]]:
    for item in document()["paths"].values():
        for operation in item.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if "example" in content:
                    yield operation["operationId"], (content["schema"], content["example"])


@pytest.mark.parametrize("path", SERVED)
def test_anybody_may_read_it_and_ask_whether_it_has_changed(running: Running, path: str):
    whole = ask(running.anonymous, "GET", path)
    tag = whole.headers["etag"]
    same = ask(running.anonymous, "GET", path, if_none_match=f'W/"old", {tag}')
    weak = ask(running.anonymous, "GET", path, if_none_match=f"W/{tag}")
    changed = ask(running.anonymous, "GET", path, if_none_match='"old"')

    assert (whole.status, changed.status, same.status, weak.status) == (200, 200, 304, 304)
    assert same.headers["etag"] == tag
    assert whole.headers["cache-control"] == "public, max-age=300"
    assert {name.lower(): value for name, value in GUARDS.items()}.items() <= whole.headers.items()


def test_what_is_served_is_what_is_made(running: Running):
    assert text_of(running.anonymous, "/reference") == reference(document())
    assert text_of(running.anonymous, "/llms.txt") == served()


def test_every_link_of_what_is_served_leads_somewhere(running: Running):
    """Of a deployment, which has no documentation beside it."""
    targets = {target for page in pages().values() for target in Page(page).all("href")}
    targets |= {*re.findall(r"\]\((.+?)\)", served())}
    own = {target for target in targets if target.startswith("/")}

    assert {target for target in targets - own if not target.startswith(("#", "https://", "data:,"))} == set()
    assert {one for one in own if ask(running.anonymous, "GET", one).status != 200} == set()


@pytest.mark.parametrize("type", ["no-such", "..%2Fproblems", "Invalid%20", "%3Cscript%3E"])
def test_a_type_that_there_is_not_is_not_found(running: Running, type: str):
    assert_problem(ask(running.anonymous, "GET", f"/problems/{type}"), 404, "not-found")


def test_the_index_has_the_form_that_programs_expect():
    """A title, a summary, what is worth knowing, then lists of links (https://llmstxt.org)."""
    for text in (served(), (Path(__file__).parents[2] / "docs/llms.txt").read_text()):
        head, *lists = text.split("\n## ")
        assert re.match(r"# Signalbox\n\n> .+\n(> .+\n)*\n- ", head)
        assert lists
        for one in lists:
            assert re.fullmatch(r"[\w ]+\n\n(- \[[^\]]+\]\(\S+\)(: .+)?\n)+", one)


def test_every_link_of_the_committed_index_leads_to_a_file():
    docs = Path(__file__).parents[2] / "docs"
    targets = re.findall(r"\]\((\S+?)\)", (docs / "llms.txt").read_text())

    assert [target for target in targets if not (docs / target).is_file()] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/reference", "/problems/invalid"])
def test_a_browser_shows_it_and_its_policy_stops_nothing_of_it(running: Running, path: str, tmp_path: Path):
    dom, told = shown(tmp_path, running.stack.base_url + path)

    assert "<h1>" in dom
    assert "Content Security Policy" not in told, told
