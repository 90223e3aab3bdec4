"""The doors of what the app says of itself: its description, the reference, a page for each problem, and an index.

All of it is the same for everybody until another version is deployed, so it is made on first use and kept.
"""

import asyncio
import hashlib
from collections.abc import Callable
from functools import cache

import azure.functions as func

from functions.calls import Call
from functions.doors import Gives, Wants, open_door
from functions.openapi import document
from functions.pages import llms, problems
from functions.pages.frame import GUARDS
from functions.pages.reference import reference
from functions.replies import JSON, Reply
from shared import exact
from shared.exact import Json

HTML, TEXT = "text/html", "text/plain"
"""llms.txt is Markdown; as plain text every browser shows it."""
FRESH = "public, max-age=300"
"""For five minutes after a deployment a cache may answer what was true before it."""
TOLD = ("ETag", "Cache-Control")
UNCHANGED = Gives(304, None, TOLD)
IF_CHANGED = Wants(headers=("If-None-Match",))
PAGE = Gives(200, str, TOLD, UNCHANGED, HTML)
bp = func.Blueprint()


@open_door(bp, "GET /openapi.json", Gives(200, dict[str, Json], TOLD, UNCHANGED), IF_CHANGED)
async def read_openapi(call: Call) -> Reply:
    """Read what you are reading: the description of every door."""
    return await _reply(call, JSON, _openapi)


@open_door(bp, "GET /reference", PAGE, IF_CHANGED)
async def read_reference(call: Call) -> Reply:
    """Read the description of every door as a page, without scripts."""
    return await _reply(call, HTML, _reference)


@open_door(bp, "GET /problems", PAGE, IF_CHANGED)
async def read_problems(call: Call) -> Reply:
    """Read which types of problem there are, as a page."""
    return await _reply(call, HTML, problems.problems)


@open_door(bp, "GET /problems/{type}", PAGE, IF_CHANGED)
async def read_problem(call: Call) -> Reply:
    """Read what a problem of this type means and what to do, as a page. A problem's `type` is its path."""
    return await _reply(call, HTML, problems.problem, call.params["type"])


@open_door(bp, "GET /llms.txt", Gives(200, str, TOLD, UNCHANGED, TEXT), IF_CHANGED)
async def read_llms(call: Call) -> Reply:
    """Read what Signalbox is in a few sentences and where to read on, in Markdown, for programs (llmstxt.org)."""
    return await _reply(call, TEXT, llms.served)


def _openapi() -> str:
    return exact.dumps(document())


def _reference() -> str:
    return reference(document())


async def _reply(call: Call, media: str, make: Callable[..., str], *given: str) -> Reply:
    body, tag = await asyncio.to_thread(_made, make, *given)
    headers = {"ETag": tag, "Cache-Control": FRESH, **GUARDS}
    if _has(call.request.headers.get("if-none-match", ""), tag):
        return Reply(304, None, headers, media)
    return Reply(200, body, headers, media)


@cache
def _made(make: Callable[..., str], *given: str) -> tuple[bytes, str]:
    """The bytes and their tag. What raises is not kept, so only pages that exist are."""
    body = make(*given).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _has(condition: str, tag: str) -> bool:
    """Whether whoever asks has the page already (RFC 9110 section 13.1.2)."""
    return condition.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in condition.split(",")}
