"""The obvious design: an insert and a send for each event, with the SDKs as their documentation uses them."""

import asyncio
import json
from itertools import count

from azure.data.tables.aio import TableClient
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusSender

from shared.stages.record import Candidate


class Plain:
    """Cached clients, one lock around the one sender, which bears no two users at a time."""

    def __init__(self, table: TableClient, sender: ServiceBusSender) -> None:
        self._table, self._sender = table, sender
        self._lock, self._numbers = asyncio.Lock(), count()
        self.requests = self.messages = 0

    async def accept(self, candidate: Candidate) -> None:
        """Store one event, then hand it off."""
        number = next(self._numbers)
        row = {"PartitionKey": str(number % 16), "RowKey": f"{number:09d}", "doc": candidate.document}
        await self._table.create_entity(row)
        self.requests += 1
        async with self._lock:
            await self._sender.send_messages(ServiceBusMessage(json.dumps({"event": number})))
        self.messages += 1

    async def idle(self) -> None:
        """Nothing happens after the answer."""
