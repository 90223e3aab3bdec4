"""What may come back for a request, however odd it was."""

import json
import re
from collections.abc import Iterator
from itertools import starmap
from pathlib import Path
from typing import Any

import httptools

from local.host.http_messages import decoded_path
from tests.described import PROBLEM, Answered, Description
from tests.fuzz.wire import Reply, Request

TYPES = {
    f"/problems/{name}"
    for name in re.findall(
        r"^## ([a-z-]+)$", (Path(__file__).parents[2] / "docs/problems.md").read_text(), re.MULTILINE
    )
}
MEMBERS = ("type", "title", "status", "detail", "instance", "traceId")
_TRACE = re.compile(r"[0-9a-f]{32}")
_HOSTS_OWN = re.compile(r"//|/(admin|runtime)(/|$)", re.IGNORECASE)
HOST_BODY_LIMIT = 4_194_304


def faults(request: Request, reply: Reply | None, description: Description) -> Iterator[str]:
    """What is wrong with an answer. What is not quite HTTP the host may refuse in its own way, or hang up on."""
    path = _path(request)
    odd = path is None or not request.framed or not all(starmap(_is_plain, request.headers))
    if odd and (
        reply is None or (400 <= reply.status < 500 and reply.headers.get("content-type") != PROBLEM)
    ):
        return
    if reply is None:
        yield "there was no answer"
    elif path is None:
        yield f"{reply.status} for what is no target"
    elif not _is_of_the_host(request, reply, path):
        yield from _faults_of_app(request, reply, path, description)


def _is_of_the_host(request: Request, reply: Reply, path: str) -> bool:
    """The host's own refusals (docs/limits.md)."""
    bare = not reply.body and "content-type" not in reply.headers
    too_large = reply.status == 413 and len(request.body) > HOST_BODY_LIMIT
    return bare and (too_large or (reply.status == 404 and bool(_HOSTS_OWN.match(path))))


def _faults_of_app(request: Request, reply: Reply, path: str, description: Description) -> Iterator[str]:
    method = request.method.decode()
    if reply.status >= 500:
        yield f"status {reply.status}"
    if "x-injected" in reply.headers:
        yield "a header of the caller's came back"
    try:
        doc = _read(reply) if reply.body else None
    except ValueError:
        yield "the body is not JSON"
        return
    yield from description.faults(Answered(method, path, reply.status, reply.headers, doc))
    if reply.status >= 400 and method != "HEAD":
        yield from _faults_of_problem(reply, doc)


def _read(reply: Reply) -> Any:
    """The body: a page's text, and of all else JSON. Raises ValueError."""
    is_text = reply.headers.get("content-type", "").startswith("text/")
    return reply.body.decode() if is_text else json.loads(reply.body)


def _faults_of_problem(reply: Reply, doc: Any) -> Iterator[str]:
    if not isinstance(doc, dict):
        yield "the problem is no object"
        return
    yield from (f"the problem has no {name}" for name in MEMBERS if not doc.get(name))
    if doc.get("type") not in TYPES:
        yield f"docs/problems.md has no section for {doc.get('type')}"
    if doc.get("status") != reply.status or not _TRACE.fullmatch(str(doc.get("traceId"))):
        yield "its status or its trace is not that of the answer"


def _path(request: Request) -> str | None:
    """The path as the host routes it, or None where a request cannot have such a target."""
    try:
        path = httptools.parse_url(request.target).path or b""
        return decoded_path(path) if path.startswith(b"/") else None
    except (httptools.HttpParserError, UnicodeDecodeError):
        return None


def _is_plain(name: bytes, value: bytes) -> bool:
    """Whether a header is one that every host takes."""
    return bool(re.fullmatch(rb"[A-Za-z0-9-]+", name)) and not re.search(
        rb"[\x00-\x08\x0a-\x1f\x7f-\xff]", value
    )
