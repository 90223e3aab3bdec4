"""One queue seen through azure-servicebus, the same for its sync and its aio client."""

import asyncio
from functools import cached_property, partial
from typing import Any

from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
    aio,
)

ARRIVES_WITHIN = 10.0

# The client types every field of a received message as optional; those that the broker sets never are.
Message = Any


def bodies(messages: list[Message]) -> list[str]:
    return [str(message) for message in messages]


class Threaded:
    """A sync client object whose methods are awaited, so that one test serves both clients."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return partial(asyncio.to_thread, getattr(self._wrapped, name))


class Bus:
    """A queue, with a sender and receivers that are opened once: opening a link costs half a second."""

    def __init__(self, client: ServiceBusClient | aio.ServiceBusClient, queue: str) -> None:
        self.client = client
        self.queue = queue

    def sender_to(self, queue: str) -> Any:
        return self._awaited(self.client.get_queue_sender(queue))

    def receiver_of(self, queue: str, **options: Any) -> Any:
        return self._awaited(self.client.get_queue_receiver(queue, **options))

    def _awaited(self, link: Any) -> Any:
        return Threaded(link) if isinstance(self.client, ServiceBusClient) else link

    @cached_property
    def sender(self) -> Any:
        return self.sender_to(self.queue)

    @cached_property
    def receiver(self) -> Any:
        return self.receiver_of(self.queue)

    @cached_property
    def deleting(self) -> Any:
        return self.receiver_of(self.queue, receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE)

    @cached_property
    def dead_letters(self) -> Any:
        return self.receiver_of(self.queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER)

    async def open(self) -> None:
        """Open every link, management links included, at the same time."""
        peeked = (self.peek(receiver) for receiver in (self.receiver, self.deleting, self.dead_letters))
        await asyncio.gather(self.sender.create_message_batch(), *peeked)

    async def close(self) -> None:
        links = (self.sender, self.receiver, self.deleting, self.dead_letters)
        await asyncio.gather(*(link.close() for link in links))

    async def send(self, *bodies: str, **properties: Any) -> None:
        await self.sender.send_messages([ServiceBusMessage(body, **properties) for body in bodies])

    async def take(self, number: int, receiver: Any = None) -> list[Message]:
        """Receive exactly `number` messages, however the client splits them up.

        So no credit is left with the broker, which would draw another case's message to this receiver.
        """
        receiver = receiver or self.receiver
        found: list[Message] = []
        while len(found) < number:
            more = await receiver.receive_messages(number - len(found), max_wait_time=ARRIVES_WITHIN)
            assert more, f"{len(found)} of {number} messages came"
            found += more
        return found

    async def take_one(self, receiver: Any = None) -> Message:
        (message,) = await self.take(1, receiver)
        return message

    async def complete(self, *messages: Message, receiver: Any = None) -> None:
        for message in messages:
            await (receiver or self.receiver).complete_message(message)

    async def peek(self, receiver: Any = None) -> list[Message]:
        found: list[Message] = await (receiver or self.receiver).peek_messages(200, sequence_number=1)
        return found

    async def clear(self) -> list[int]:
        """Remove whatever a test left behind; its sequence numbers."""
        left = [*await self.peek(), *await self.peek(self.dead_letters)]
        for message in left:
            if message.state is ServiceBusMessageState.SCHEDULED:
                await self.sender.cancel_scheduled_messages(message.sequence_number)
            elif message.state is ServiceBusMessageState.DEFERRED:
                await self.complete(*await self.receiver.receive_deferred_messages(message.sequence_number))
        for receiver in (self.receiver, self.dead_letters) if left else ():
            while found := await receiver.receive_messages(100, max_wait_time=2):
                await self.complete(*found, receiver=receiver)
        return [message.sequence_number for message in left]
