"""The queue triggers that take deliveries to their destination: the quick lane, and the slow one."""

import azure.functions as func

from functions.invocation import trace_of
from functions.queues import work_off
from shared import flow, trace
from shared.messages import read_delivery
from shared.wiring import line

bp = func.Blueprint()


@bp.function_name("deliver_events")
@bp.service_bus_queue_trigger("message", connection="ServiceBusConnection", queue_name="%DELIVERIES_QUEUE%")
async def deliver_events(message: func.ServiceBusMessage, context: func.Context) -> None:
    work = flow.deliver(line(), read_delivery(message.get_body()))
    with trace.within(trace_of(context)):
        await work_off(line(), line().hand_off.deliveries_queue, message, work)


@bp.function_name("deliver_slow_events")
@bp.service_bus_queue_trigger("message", connection="ServiceBusConnection", queue_name="%SLOW_QUEUE%")
async def deliver_slow_events(message: func.ServiceBusMessage, context: func.Context) -> None:
    work = flow.deliver(line(), read_delivery(message.get_body()), slow=True)
    with trace.within(trace_of(context)):
        await work_off(line(), line().hand_off.slow_queue, message, work)
