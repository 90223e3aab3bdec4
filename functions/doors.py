"""How an HTTP door is made: its route, its right, its description, and how requests come in and refusals go out."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import azure.functions as func

from functions.invocation import trace_of
from functions.replies import JSON, Reply, answer, problem, unexpected
from shared import logs, steps, trace
from shared.access.caller import SECTION_HEADER, Caller
from shared.access.quotas import Standing
from shared.access.rights import NEEDS, NEEDS_TOO, Scope
from shared.acting import acting
from shared.errors import SignalboxError
from shared.exact import Json
from shared.line import Line
from shared.off import NoSpans
from shared.sources import Received
from shared.stages import account
from shared.stages.authenticate import authenticate
from shared.stages.receive import body_of, json_of
from shared.steps import Step
from shared.wiring import line


@dataclass(frozen=True, slots=True)
class Call:
    """One request at an open door."""

    line: Line
    request: Received
    params: Mapping[str, str]
    query: Mapping[str, str]

    @property
    def body(self) -> Json:
        """The body as exact JSON. Raises as `receive.json_of`."""
        return json_of(self.request)

    @property
    def optional_body(self) -> Json:
        """The same, or an empty object where nothing was sent."""
        return json_of(self.request) if body_of(self.request) else {}


@dataclass(frozen=True, slots=True)
class KeyedCall(Call):
    """One request whose caller is known and may do this."""

    caller: Caller

    @property
    def section(self) -> str:
        """The section it is about. Raises Forbidden when a deployment key has not named one."""
        return self.caller.require_section()

    @property
    def asked_in(self) -> str:
        """The query that names the section, where the request's named it; for a Location that keeps it."""
        return f"?section={self.section}" if "section" in self.query else ""

    async def spend(self, amount: int = 1) -> Standing:
        """Take from the caller's quotas: one for the request, and for a batch its events. Raises QuotaExceeded."""
        id = self.caller.section
        section = None if id is None else await self.line.sections.find(id)
        return self.line.quotas.of_caller(self.caller, section, amount)


Handler = Callable[[KeyedCall], Awaitable[Reply]]
OpenHandler = Callable[[Call], Awaitable[Reply]]


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
NO_SPANS = NoSpans()
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
        _serve(bp, Served("{*path}", None, handler.__name__, handler, "*"))
        return handler

    return register


@dataclass(frozen=True, slots=True)
class Served:
    """A door as the host sees it. Without methods it takes every one; `headers` stand on each answer.

    `shown` is what lines and spans call it: never the path that was asked for. `events` as in `Wants`.
    """

    path: str
    methods: Sequence[str] | None
    name: str
    handler: OpenHandler
    shown: str
    events: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def _with_section(call: Call) -> Mapping[str, str]:
    """The headers, with the section that the query names where they name none."""
    named = {SECTION_HEADER.lower(): call.query["section"]} if "section" in call.query else {}
    return {**named, **call.request.headers}


def _open(bp: func.Blueprint, door: Door, handler: OpenHandler) -> None:
    path, headers = door.path.removeprefix("/"), FOR_PAGES if door.wants.pages else {}
    name, events = door.handler.__name__, door.wants.events
    _serve(bp, Served(path, door.methods, name, handler, door.route, events, headers))
    DOORS.append(door)


def _serve(bp: func.Blueprint, served: Served) -> None:
    async def http(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        with trace.within(trace_of(context)):
            answered = await _answered(served, req)
        answered.headers.update(served.headers)
        return answered

    routed = bp.route(served.path, methods=served.methods, auth_level=func.AuthLevel.ANONYMOUS)(http)
    bp.function_name(served.name)(routed)


async def _answered(served: Served, req: func.HttpRequest) -> func.HttpResponse:
    try:
        here = line()
    except Exception as error:  # noqa: BLE001  (a setting is missing: without them there is no line)
        logs.fail("request", "a fault of ours", door=served.shown, error=logs.told_of(error))
        return unexpected(req.url)
    # Whoever only asks, and is answered, leaves no line and no span: health probes and consoles ask all day.
    asks = req.method in ("GET", "HEAD", "OPTIONS")
    spans, level = (NO_SPANS, logging.DEBUG) if asks else (here.spans, logging.INFO)
    with steps.step(spans, "request", "server", level=level, door=served.shown) as step:
        answered = await _tried(served, here, req, step)
        step.note(status=answered.status_code)
    if asks and answered.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        here.spans.start("request", "server", trace.current(), at=step.began).end(step.fields, failed=True)
    return answered


async def _tried(served: Served, here: Line, req: func.HttpRequest, step: Step) -> func.HttpResponse:
    try:
        return answer(await served.handler(_call(here, req)))
    except SignalboxError as error:
        account.of_refusal(here.meter, served.events, error)
        step.refused(error)
        return problem(error, req.url)
    except Exception as error:  # noqa: BLE001  (whatever it is, the caller gets a problem)
        account.of_refusal(here.meter, served.events, SignalboxError(""))
        step.stopped(error)
        return unexpected(req.url)


def _call(here: Line, req: func.HttpRequest) -> Call:
    headers = {name.lower(): value for name, value in req.headers.items()}
    received = Received(req.method, req.url, headers, req.get_body())
    return Call(here, received, dict(req.route_params), dict(req.params))
