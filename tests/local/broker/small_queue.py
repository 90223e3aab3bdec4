"""A small queue on a clock that the test turns, and how to read what it holds."""

from uuid import UUID

from local.broker import codec
from local.broker.content import Content, split
from local.broker.message import Message, QueueSettings
from local.broker.queue import Queue

SETTINGS = QueueSettings("orders", lock_seconds=30, max_deliveries=3, ttl_seconds=1000)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def body(text: str, **more) -> Content:
    encoded = b"\xa0" + bytes((len(text),)) + text.encode()
    return Content(bare=b"\x00\x53\x75" + encoded, **more)


def text(message: Message | None) -> str:
    assert message is not None
    (data,) = [section for section in split(message.content.bare) if section.code == 0x75]
    return codec.payload(data.value).decode()


def drain(queue: Queue) -> list[str]:
    found = []
    while message := queue.receive(lock=False):
        found.append(text(message))
    return found


def lock_of(message: Message | None) -> UUID:
    assert message is not None
    assert message.lock is not None
    return message.lock


def reason(message: Message | None) -> str:
    assert message is not None
    (properties,) = [section for section in split(message.content.bare) if section.code == 0x74]
    pairs = dict(codec.pairs(properties.value))
    return codec.payload(pairs[codec.string("DeadLetterReason")]).decode()
