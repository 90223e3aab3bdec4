"""The doors that say how far events came, and why not further: many at once, or those of one person."""

from datetime import timedelta

import azure.functions as func

from functions.answers import funnel as answers
from functions.answers import metrics as metrics_answers
from functions.calls import KeyedCall
from functions.doors import Gives, Wants, door
from functions.replies import Reply
from shared.operations import count_again as counting
from shared.operations import funnel, metrics, usage, why
from shared.operations.pace import Pace

bp = func.Blueprint()
COUNTED_WITHIN = timedelta(seconds=10)
"""How long a door counts; what it says tells how far that came."""


@door(
    bp,
    "GET /v1/definitions/{event}/funnel",
    Gives(200, answers.Funnel),
    Wants(query=("since", "until", "step")),
)
async def read_funnel(call: KeyedCall) -> Reply:
    """Count how far the events of a definition came in a time, and why not further."""
    asked = funnel.asked_of(call.params["event"], call.query, call.line.clock.now())
    pace = Pace.of(call.line.clock, COUNTED_WITHIN)
    return Reply(200, await funnel.funnel(call.line, call.caller, asked, pace))


@door(
    bp,
    "GET /v1/metrics",
    Gives(200, metrics_answers.Metrics),
    Wants(query=("since", "until", "step", "limit", "after")),
)
async def read_metrics(call: KeyedCall) -> Reply:
    """Count what came in a time and what became of it, by definition, source and destination, and what waits now."""
    wanted = metrics.wanted_of(call.query, call.line.clock.now())
    pace = Pace.of(call.line.clock, COUNTED_WITHIN)
    return Reply(200, await metrics.metrics(call.line, call.caller, wanted, pace))


@door(bp, "GET /v1/usage", Gives(200, metrics_answers.Usage), Wants(query=("since", "until")))
async def read_usage(call: KeyedCall) -> Reply:
    """Count what a section takes in and sends out by the day, how full its quotas were, and what it has of what is limited."""
    pace = Pace.of(call.line.clock, COUNTED_WITHIN)
    return Reply(200, await usage.usage(call.line, call.section, call.query, pace))


@door(bp, "POST /v1/why", Gives(200, answers.Why), Wants(body=why.WhyBody))
async def ask_why(call: KeyedCall) -> Reply:
    """Say of each event of a person in a time whether it reached its destinations, and which rule stopped it."""
    return Reply(200, await why.why(call.line, call.caller, call.body))


@door(bp, "POST /v1/funnels/count", Gives(200, answers.CountedAgain), Wants(body=counting.CountBody))
async def count_again(call: KeyedCall) -> Reply:
    """Count the hours of a time again, from the events as they are now."""
    pace = Pace.of(call.line.clock, COUNTED_WITHIN)
    return Reply(200, await counting.count_again(call.line, call.section, call.body, pace))
