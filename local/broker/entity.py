"""A queue together with the receivers that are attached to it, and the handing out of messages to them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proton import Link

from local.broker import codec
from local.broker.content import MAX_MESSAGE_BYTES, encode, unpack
from local.broker.errors import TooLarge
from local.broker.message import Message
from local.broker.queue import Queue


def entity_path(address: str | None) -> str:
    """The name of a node: lower case, without the scheme and host that clients put before it."""
    return urlsplit(address or "").path.strip("/").lower()


@dataclass(frozen=True)
class Consumer:
    """A receiver of a client. `deletes` is its receive-and-delete mode (sender-settle-mode settled)."""

    link: Link
    deletes: bool

    def deliver(self, message: Message) -> None:
        # Proton's `tag` property cannot be read back (it decodes UTF-8), so the token is kept beside it.
        tag = message.lock.bytes_le if message.lock else message.number.to_bytes(8)
        delivery = self.link.delivery(tag)
        delivery.lock_token = message.lock
        self.link.stream(encoded(message))
        self.link.advance()
        if self.deletes:
            delivery.settle()


@dataclass
class Entity:
    """Something with a queue that clients attach to: a queue or its dead-letter queue."""

    queue: Queue
    consumers: deque[Consumer] = field(default_factory=deque)

    def accept(self, raw: bytes) -> None:
        """Store the messages of one transfer, all or none. Raises TooLarge, Malformed or QueueFull."""
        if len(raw) > MAX_MESSAGE_BYTES:
            raise TooLarge(f"a message or batch may have {MAX_MESSAGE_BYTES} bytes")
        self.queue.send_all(unpack(raw))

    def dispatch(self) -> None:
        """Hand ready messages to receivers with credit, in turn, until one of the two runs out."""
        self.queue.advance()
        while self.queue.has_ready and (consumer := self._next_consumer()):
            message = self.queue.receive(lock=not consumer.deletes)
            if message is not None:
                consumer.deliver(message)

    def _next_consumer(self) -> Consumer | None:
        for _ in range(len(self.consumers)):
            self.consumers.rotate(-1)
            if self.consumers[-1].link.credit > 0:
                return self.consumers[-1]
        return None

    def forget(self, is_gone: Callable[[Link], bool]) -> None:
        """Stop delivering to closed links. What they have locked stays locked, as in Service Bus."""
        self.consumers = deque(consumer for consumer in self.consumers if not is_gone(consumer.link))


def encoded(message: Message) -> bytes:
    """A message as clients see it, with the annotations that Service Bus adds.

    https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide#messages
    """
    annotations = {
        "x-opt-enqueued-time": codec.timestamp(message.enqueued_at),
        "x-opt-sequence-number": codec.long(message.number),
        "x-opt-enqueue-sequence-number": codec.long(message.original_number),
        "x-opt-message-state": codec.int32(message.state),
    }
    if message.lock is not None:
        annotations["x-opt-locked-until"] = codec.timestamp(message.due)
    if message.dead_letter_source is not None:
        annotations["x-opt-deadletter-source"] = codec.string(message.dead_letter_source)
    return encode(message.content, message.failed_deliveries, annotations)
