"""How a queue trigger ends: done, or put back for later when something it needs is away."""

import asyncio
import logging
from collections.abc import Awaitable

import azure.functions as func

from shared.errors import Unavailable
from shared.line import Line

PAUSE_SECONDS = 5
"""Before a message is abandoned: the bus delivers it again at once, and ten times at most."""
_log = logging.getLogger("signalbox.queues")


async def work_off(line: Line, queue: str, message: func.ServiceBusMessage, work: Awaitable[None]) -> None:
    """Do the work of a message. An outage of seconds must not use up its deliveries: then it comes again later."""
    try:
        await work
    except Unavailable as error:
        _log.warning("put back: a message of %s (%s)", queue, error.detail)
        try:
            await line.hand_off.again(queue, message.get_body().decode(), error)
        except Unavailable:
            await asyncio.sleep(PAUSE_SECONDS)
            raise
