"""The queue trigger that processes commits."""

import azure.functions as func

from functions.invocation import trace_of
from functions.queues import work_off
from shared import flow, trace
from shared.messages import read_commit
from shared.wiring import line

bp = func.Blueprint()


@bp.function_name("process_commit")
@bp.service_bus_queue_trigger("message", connection="ServiceBusConnection", queue_name="%EVENTS_QUEUE%")
async def process_commit(message: func.ServiceBusMessage, context: func.Context) -> None:
    work = flow.process(line(), read_commit(message.get_body()))
    with trace.within(trace_of(context)):
        await work_off(line(), line().hand_off.events_queue, message, work)
