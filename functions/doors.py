"""How an HTTP door is made: its route, its right, and how requests come in and refusals go out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

from functions.replies import Reply, answer, problem, trace_id, unexpected
from shared.access.caller import Caller
from shared.access.rights import NEEDS
from shared.errors import SignalboxError
from shared.exact import Json
from shared.line import Line
from shared.sources import Received
from shared.stages.authenticate import authenticate
from shared.stages.receive import body_of, json_of
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


Handler = Callable[[KeyedCall], Awaitable[Reply]]
OpenHandler = Callable[[Call], Awaitable[Reply]]
Answering = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


def door(bp: func.Blueprint, route: str) -> Callable[[Handler], Handler]:
    """Register a handler at a route such as `GET /v1/events/{id}`; what it needs stands in `access.rights`."""
    needed = NEEDS[route]

    def register(handler: Handler) -> Handler:
        async def handle(call: Call) -> Reply:
            caller = await authenticate(call.line.keys, call.line.sections, call.request.headers, needed)
            return await handler(KeyedCall(call.line, call.request, call.params, call.query, caller))

        _register(bp, route, handler.__name__, handle)
        return handler

    return register


def open_door(bp: func.Blueprint, route: str) -> Callable[[OpenHandler], OpenHandler]:
    """Register a handler that asks for no key: it authenticates in its own way, or tells nothing."""

    def register(handler: OpenHandler) -> OpenHandler:
        _register(bp, route, handler.__name__, handler)
        return handler

    return register


def _register(bp: func.Blueprint, route: str, name: str, handler: OpenHandler) -> None:
    method, _, path = route.partition(" /")

    async def http(req: func.HttpRequest) -> func.HttpResponse:
        trace = trace_id(req.headers.get("traceparent", ""))
        try:
            return answer(await handler(_call(req)))
        except SignalboxError as error:
            return problem(error, req.url, trace)
        except Exception as error:  # noqa: BLE001  (whatever it is, the caller gets a problem)
            return unexpected(error, req.url, trace)

    routed = bp.route(path, methods=[method], auth_level=func.AuthLevel.ANONYMOUS)(http)
    bp.function_name(name)(routed)


def _call(req: func.HttpRequest) -> Call:
    headers = {name.lower(): value for name, value in req.headers.items()}
    received = Received(req.method, req.url, headers, req.get_body())
    return Call(line(), received, dict(req.route_params), dict(req.params))
