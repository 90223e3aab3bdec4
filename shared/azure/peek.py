"""Peek at a queue to see how long its oldest message has waited, without locking or changing anything."""

from datetime import datetime
from typing import Final

from azure.servicebus import ServiceBusMessageState
from azure.servicebus.aio import ServiceBusReceiver

MAX_PEEKED: Final = 1_000
PAGE: Final = 250
"""Messages asked for at once; a page may have fewer."""


class AllScheduled(Exception):
    """So many scheduled messages come first that the oldest one that waits cannot be seen."""


async def oldest(receiver: ServiceBusReceiver) -> datetime | None:
    """When the oldest message that is not scheduled was put on the queue; None when there is none.

    Peeking sees locked messages too, and goes by sequence number; a scheduled message is given a new one when its
    time has come, so the first one that is active is the oldest. Raises AllScheduled after MAX_PEEKED.
    (https://learn.microsoft.com/azure/service-bus-messaging/message-browsing, .../message-sequencing)
    """
    peeked, after = 0, 0
    while peeked < MAX_PEEKED:
        page = await receiver.peek_messages(PAGE, sequence_number=after + 1)
        for message in page:
            if message.state is ServiceBusMessageState.ACTIVE and message.enqueued_time_utc:
                return message.enqueued_time_utc
            after = message.sequence_number or after
        if not page:
            return None
        peeked += len(page)
    raise AllScheduled
