"""The queue triggers that take deliveries to their destination: the quick lane, and the slow one."""

import azure.functions as func

from functions.queues import work_off
from shared import flow
from shared.messages import read_delivery
from shared.wiring import line

bp = func.Blueprint()


@bp.function_name("deliver_events")
@bp.service_bus_queue_trigger("message", connection="ServiceBusConnection", queue_name="%DELIVERIES_QUEUE%")
async def deliver_events(message: func.ServiceBusMessage) -> None:
    work = flow.deliver(line(), read_delivery(message.get_body()))
    await work_off(line(), line().hand_off.deliveries_queue, message, work)


@bp.function_name("deliver_slow_events")
@bp.service_bus_queue_trigger("message", connection="ServiceBusConnection", queue_name="%SLOW_QUEUE%")
async def deliver_slow_events(message: func.ServiceBusMessage) -> None:
    work = flow.deliver(line(), read_delivery(message.get_body()), slow=True)
    await work_off(line(), line().hand_off.slow_queue, message, work)
