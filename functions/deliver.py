"""The queue trigger that takes deliveries to their destination."""

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
