"""What a queue is set to, and what it keeps of one message."""

from dataclasses import dataclass
from enum import IntEnum
from math import inf
from uuid import UUID

from local.broker.content import Content


@dataclass(frozen=True)
class QueueSettings:
    """Times in seconds. `max_bytes` bounds the queue together with its dead letters."""

    name: str
    lock_seconds: float = 60.0
    max_deliveries: int = 10
    ttl_seconds: float = 14 * 24 * 3600.0
    max_bytes: int = 1 << 30


class State(IntEnum):
    """As the annotation x-opt-message-state numbers them."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


@dataclass(slots=True)
class Message:
    """A stored message. `due` is when it next changes by itself: activation, end of lock or expiry."""

    number: int
    original_number: int
    content: Content
    enqueued_at: float
    expires_at: float = inf
    due: float = inf
    state: State = State.ACTIVE
    lock: UUID | None = None
    failed_deliveries: int = 0
    dead_letter_source: str | None = None
