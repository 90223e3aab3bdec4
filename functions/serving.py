"""How a request comes in at a door, and how its answer or refusal goes out: as one step, with one line."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import azure.functions as func

from functions.calls import Call, OpenHandler
from functions.invocation import trace_of
from functions.replies import answer, problem, unexpected
from shared import logs, steps, trace
from shared.errors import SignalboxError
from shared.line import Line
from shared.off import NO_SPANS
from shared.sources import Received
from shared.stages import account
from shared.steps import Step
from shared.wiring import line


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


def serve(bp: func.Blueprint, served: Served) -> None:
    """Register it with the host."""

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
