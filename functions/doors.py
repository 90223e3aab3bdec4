"""How an HTTP door is made: its route, its right, and its description."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import azure.functions as func

from functions.calls import Call, Handler, KeyedCall, OpenHandler
from functions.replies import JSON, Reply
from functions.serving import Served, serve
from shared import steps
from shared.access.caller import SECTION_HEADER
from shared.access.rights import NEEDS, NEEDS_TOO, Scope
from shared.acting import acting
from shared.errors import SignalboxError
from shared.stages.authenticate import authenticate


@dataclass(frozen=True, slots=True)
class Gives:
    """A good answer: its status, its form (a type that pydantic describes), and the headers that may come with it.

    `other` is another good answer of the same door, with another status; `media` is what a body comes as.
    """

    status: int
    form: Any
    headers: tuple[str, ...] = ()
    other: "Gives | None" = None
    media: str = JSON

    @property
    def all(self) -> "tuple[Gives, ...]":
        """The answer and the other one."""
        return (self, *(self.other.all if self.other else ()))


@dataclass(frozen=True, slots=True)
class Wants:
    """What a door reads of a request beside its path, and which refusals are its own.

    `body` is a body's model, `bytes` where any body will do, or None; `query` and `headers` name parameters that
    `functions.openapi` describes. What every door of its sort refuses is not listed.
    """

    body: Any = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    refuses: tuple[type[SignalboxError], ...] = ()
    events: str = ""
    """Which of `metrics.DOORS` it is, where it brings events."""
    pages: bool = False
    """Whether scripts of any web page may read the answer: no cookie means anything here, and the key is in the page."""
    credential: bool = False
    """Whether it asks for a credential though for no right, and authenticates by itself."""
    section_in_query: bool = False
    """Whether `section` in the query may stand for the header: for who follows a Location and sends no header of ours."""


NOTHING = Wants()
FOR_PAGES = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After",
}
"""What lets a page's script read an answer (https://fetch.spec.whatwg.org/#http-cors-protocol)."""


@dataclass(frozen=True, slots=True)
class Door:
    """A door as it was declared."""

    route: str
    handler: Callable[..., Awaitable[Reply]]
    needs: tuple[Scope, ...]
    """Empty for a door that asks for no right."""
    gives: Gives
    wants: Wants

    @property
    def keyed(self) -> bool:
        """Whether it asks for a credential."""
        return bool(self.needs) or self.wants.credential

    @property
    def path(self) -> str:
        """Such as `/v1/events/{id}`."""
        return self.route.partition(" ")[2]

    @property
    def methods(self) -> tuple[str, ...]:
        """What it takes; reading includes HEAD, which the host does not add by itself."""
        method = self.route.partition(" ")[0]
        return ("GET", "HEAD") if method == "GET" else (method,)


DOORS: list[Door] = []
"""Every door that was registered."""


def door(
    bp: func.Blueprint, route: str, gives: Gives, wants: Wants = NOTHING
) -> Callable[[Handler], Handler]:
    """Register a handler at a route such as `GET /v1/events/{id}`; what it needs stands in `access.rights`.

    Its docstring says what it does, for `GET /openapi.json`.
    """
    needed, too = NEEDS[route], NEEDS_TOO.get(route, ())

    def register(handler: Handler) -> Handler:
        async def handle(call: Call) -> Reply:
            line = call.line
            headers = _with_section(call) if wants.section_in_query else call.request.headers
            caller = await authenticate(line.keys, line.clients, line.sections, headers, needed)
            for scope in too:
                caller.require(scope)
            steps.note(section=caller.section)
            keyed = KeyedCall(line, call.request, call.params, call.query, caller)
            caller.require_origin(call.request.headers.get("origin"))
            standing = await keyed.spend()
            line.used.note(caller.home, caller.key_id)
            with acting(caller.name):
                reply = await handler(keyed)
            return replace(reply, headers={**standing.headers(), **reply.headers})

        _open(bp, Door(route, handler, (needed, *too), gives, wants), handle)
        return handler

    return register


def open_door(
    bp: func.Blueprint, route: str, gives: Gives, wants: Wants = NOTHING
) -> Callable[[OpenHandler], OpenHandler]:
    """Register a handler that asks for no right: it authenticates in its own way, or tells nothing."""

    def register(handler: OpenHandler) -> OpenHandler:
        _open(bp, Door(route, handler, (), gives, wants), handler)
        return handler

    return register


def last_door(bp: func.Blueprint) -> Callable[[OpenHandler], OpenHandler]:
    """Register the handler of all that no other door takes.

    The host tries the routes in the order of the functions' names, so its name has to be the last of all
    (Azure/azure-functions-host, FunctionMetadataManager.LoadFunctionMetadata; issue 9876).
    """

    def register(handler: OpenHandler) -> OpenHandler:
        serve(bp, Served("{*path}", None, handler.__name__, handler, "*"))
        return handler

    return register


def _with_section(call: Call) -> Mapping[str, str]:
    """The headers, with the section that the query names where they name none."""
    named = {SECTION_HEADER.lower(): call.query["section"]} if "section" in call.query else {}
    return {**named, **call.request.headers}


def _open(bp: func.Blueprint, door: Door, handler: OpenHandler) -> None:
    path, headers = door.path.removeprefix("/"), FOR_PAGES if door.wants.pages else {}
    name, events = door.handler.__name__, door.wants.events
    serve(bp, Served(path, door.methods, name, handler, door.route, events, headers))
    DOORS.append(door)
