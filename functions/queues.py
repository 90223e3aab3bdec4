"""How a queue trigger ends: done, or put back for later when something it needs is away."""

import asyncio
from collections.abc import Awaitable

import azure.functions as func

from shared import logs
from shared.errors import Unavailable
from shared.line import Line

PAUSE_SECONDS = 5
"""Before a message is abandoned: the bus delivers it again at once, and ten times at most."""


class Broke(Exception):
    """A message's work broke. The host writes down what a function raises, so the text is only what and where."""


async def work_off(line: Line, queue: str, message: func.ServiceBusMessage, work: Awaitable[None]) -> None:
    """Do the work of a message. An outage of seconds must not use up its deliveries: then it comes again later.

    Raises Unavailable, and Broke in the place of whatever else the work raises.
    """
    try:
        await work
    except Unavailable as error:
        try:
            await line.hand_off.again(queue, message.get_body().decode(), error)
        except Unavailable:
            await asyncio.sleep(PAUSE_SECONDS)
            raise
    except Exception as error:  # noqa: BLE001  (whatever it is, its text stays here)
        raise Broke(logs.told_of(error)) from None
