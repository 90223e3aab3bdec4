"""The one timer, and its HTTP twin for when a timer cannot be relied on."""

import azure.functions as func

from functions.doors import KeyedCall, door
from functions.replies import Reply
from shared.operations.tick import tick
from shared.wiring import line

bp = func.Blueprint()


@bp.function_name("tick")
@bp.timer_trigger("timer", schedule="%TICK_SCHEDULE%", run_on_startup=False, use_monitor=True)
async def tick_timer(timer: func.TimerRequest) -> None:  # noqa: ARG001  (the binding needs it)
    await tick(line())


@door(bp, "POST /v1/tick")
async def post_tick(call: KeyedCall) -> Reply:
    return Reply(200, await tick(call.line))
