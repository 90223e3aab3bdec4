"""The one timer, and its HTTP twin for when a timer cannot be relied on."""

import azure.functions as func

from functions.answers import running
from functions.calls import KeyedCall
from functions.doors import Gives, door
from functions.invocation import trace_of
from functions.replies import Reply
from shared import trace
from shared.operations.tick import tick
from shared.wiring import line

bp = func.Blueprint()


@bp.function_name("tick")
@bp.timer_trigger("timer", schedule="%TICK_SCHEDULE%", run_on_startup=False, use_monitor=True)
async def tick_timer(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001  (the binding needs it)
    with trace.within(trace_of(context)):
        await tick(line())


@door(bp, "POST /v1/tick", Gives(200, running.Ticked))
async def post_tick(call: KeyedCall) -> Reply:
    """Send what was left, hand off what is due, delete what is past its retention: what the timer does every minute."""
    return Reply(200, await tick(call.line))
