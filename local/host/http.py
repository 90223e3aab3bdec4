"""The HTTP side of the host, an ASGI application: route a request, call its function, send the answer."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from local.host.http_messages import BadReply, Reply, decoded_path, joined_headers, reply_from, request_data
from local.host.routes import Found, Route, Routes
from local.host.worker import FunctionFailed, IndexedFunction, invoke

logger = logging.getLogger(__name__)
# The host's own paths, which no function gets (Azure/azure-functions-host, ReservedRouteGuardMiddleware).
_RESERVED: Final = re.compile(r"/(admin|runtime)(/|$)", re.IGNORECASE)

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


def http_routes(functions: list[IndexedFunction], prefix: str) -> Routes[IndexedFunction]:
    """The routes of all HTTP functions, in the order of their names. Raises ValueError for an unsupported template.

    No template goes before another: the host registers the functions by name and takes the first route that matches
    (FunctionMetadataManager.LoadFunctionMetadata; issue 9876 of Azure/azure-functions-host).
    """
    by_name = sorted(functions, key=lambda function: function.name.upper())
    return Routes(_route(function, prefix) for function in by_name if _is_http(function))


class HttpFront:
    """Answers one request per call. It never cancels a function, also when its client goes away."""

    def __init__(self, routes: Routes[IndexedFunction], body_limit: int) -> None:
        self._routes = routes
        self._body_limit = body_limit

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        reply = await self._answer(scope, receive)
        if reply is not None:
            await _send(reply, send)

    async def _answer(self, scope: Mapping[str, Any], receive: Receive) -> Reply | None:
        """None: the client left before its request was complete, so there is nobody to answer."""
        path = decoded_path(scope["raw_path"])
        found = None if _RESERVED.match(path) else self._routes.find(scope["method"], path)
        if found is None:
            return Reply(404)
        headers = joined_headers(scope["headers"])
        # The host copies a body only when its length was announced: a chunked one arrives empty.
        length = int(headers.get("content-length", "0"))
        if length > self._body_limit:
            return Reply(413)
        body = await _read(receive) if length else b""
        if body is None:
            return None
        return await _call(found, scope, headers, body)


async def _call(
    found: Found[IndexedFunction], scope: Mapping[str, Any], headers: Mapping[str, str], body: bytes
) -> Reply:
    data = request_data(scope, headers, found.params, body)
    trace = (headers.get("traceparent", ""), headers.get("tracestate", ""))
    try:
        return reply_from(await invoke(found.target, data, trace=trace))
    except FunctionFailed:
        return Reply(500)
    except BadReply as error:
        logger.error("function %s: %s", found.target.name, error)  # noqa: TRY400 - the cause is in the text
        return Reply(500)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when the client left before sending all of it."""
    chunks = []
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        chunks.append(event["body"])
        if not event["more_body"]:
            return b"".join(chunks)


async def _send(reply: Reply, send: Send) -> None:
    bodiless = reply.status in (204, 304)
    length = () if bodiless else ((b"content-length", str(len(reply.body)).encode()),)
    start = {"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, *length]}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if bodiless else reply.body})


def _is_http(function: IndexedFunction) -> bool:
    return bool(function.trigger["type"] == "httpTrigger")


def _route(function: IndexedFunction, prefix: str) -> Route[IndexedFunction]:
    # An empty route means the function's name, as in WebScriptHostHttpRoutesManager.
    template = function.trigger.get("route") or function.name
    methods = frozenset(str(method).upper() for method in function.trigger.get("methods") or ())
    return Route(f"{prefix}/{template}", methods, function)
