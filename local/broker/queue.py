"""One queue in memory: locks, expiry, deferral, scheduling and dead letters, with no I/O and a given clock.

Behaviour: https://learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement
Every public method first applies what the clock has made due, so that a lock is lost on its second.
"""

import heapq
from collections.abc import Callable, Sequence
from itertools import count, islice
from math import inf
from uuid import UUID, uuid4

from local.broker.content import Content, with_application_properties
from local.broker.errors import LockLost, MessageNotFound, NotAllowed, QueueFull
from local.broker.message import Message, QueueSettings, State

_MAX_REASON_CHARACTERS = 4096


class Queue:
    """`now` gives Unix seconds. A queue without `dead_letters` is a dead-letter queue: nothing in it expires."""

    def __init__(
        self,
        settings: QueueSettings,
        now: Callable[[], float],
        dead_letters: "Queue | None" = None,
        new_lock: Callable[[], UUID] = uuid4,
    ) -> None:
        self.settings = settings
        self.dead_letters = dead_letters
        self._now = now
        self._new_lock = new_lock
        self._numbers = count(1)
        self._messages: dict[int, Message] = {}
        self._locked: dict[UUID, Message] = {}
        self._ready: list[int] = []
        self._timers: list[tuple[float, int]] = []
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes held, dead letters included."""
        return self._bytes + (self.dead_letters.size if self.dead_letters else 0)

    @property
    def has_ready(self) -> bool:
        """Whether `receive` may find a message."""
        return bool(self._ready)

    def send_all(self, contents: Sequence[Content]) -> list[int]:
        """Store all messages or none, each at once or for its scheduled time; their sequence numbers.

        Raises QueueFull, and NotAllowed on a dead-letter queue.
        """
        self.advance()
        if self.dead_letters is None:
            raise NotAllowed("a dead-letter queue takes messages from its queue only")
        if self.size + sum(content.size for content in contents) > self.settings.max_bytes:
            raise QueueFull("the queue has reached its maximum size")
        return [self._send(content) for content in contents]

    def _send(self, content: Content) -> int:
        now, number = self._now(), next(self._numbers)
        message = Message(number, number, content, enqueued_at=now)
        self._store(message)
        if content.scheduled_for is not None and content.scheduled_for > now:
            message.state = State.SCHEDULED
            self._watch(message, content.scheduled_for)
        else:
            self._make_ready(message)
        return number

    def receive(self, *, lock: bool = True) -> Message | None:
        """The next message, locked, or removed when `lock` is false; None when none is ready."""
        self.advance()
        while self._ready:
            message = self._messages.get(heapq.heappop(self._ready))
            if message is not None:
                return self._hand_out(message, lock=lock)
        return None

    def receive_deferred(self, numbers: Sequence[int], *, lock: bool = True) -> list[Message]:
        """All of the deferred messages, or none: raises MessageNotFound."""
        self.advance()
        found = [self._find(number, State.DEFERRED) for number in numbers]
        return [self._hand_out(message, lock=lock) for message in found]

    def cancel(self, numbers: Sequence[int]) -> None:
        """Remove scheduled messages. Raises MessageNotFound, and then removes none."""
        self.advance()
        for message in [self._find(number, State.SCHEDULED) for number in numbers]:
            self._remove(message)

    def peek(self, from_number: int, limit: int) -> list[Message]:
        """Up to `limit` messages in any state from a sequence number on, neither locked nor changed."""
        self.advance()
        return list(islice((m for m in self._messages.values() if m.number >= from_number), limit))

    def complete(self, lock: UUID) -> None:
        """Settle for good. This and every other method that takes a lock raises LockLost."""
        self._remove(self._locked_by(lock))

    def abandon(self, lock: UUID) -> None:
        self._unlock(self._locked_by(lock), failed=True)

    def release(self, lock: UUID) -> None:
        """Give back a message that nobody looked at: it does not count as a delivery."""
        self._unlock(self._locked_by(lock), failed=False)

    def defer(self, lock: UUID) -> None:
        message = self._locked_by(lock)
        message.state = State.DEFERRED
        self._unlock(message, failed=True)

    def dead_letter(self, lock: UUID, reason: str = "", description: str = "") -> None:
        self._bury(self._locked_by(lock), reason, description)

    def renew(self, lock: UUID) -> float:
        """When the renewed lock ends, in Unix seconds."""
        message = self._locked_by(lock)
        self._watch(message, self._now() + self.settings.lock_seconds)
        return message.due

    def advance(self) -> None:
        """Apply every activation, end of lock and expiry whose time has come."""
        now = self._now()
        while self._timers and self._timers[0][0] <= now:
            due, number = heapq.heappop(self._timers)
            message = self._messages.get(number)
            if message is not None and message.due == due:
                self._come_due(message)

    def _come_due(self, message: Message) -> None:
        if message.state is State.SCHEDULED:
            self._activate(message)
        elif message.lock is not None:
            self._unlock(message, failed=True)
        else:
            self._expire(message)

    def _activate(self, message: Message) -> None:
        # https://learn.microsoft.com/azure/service-bus-messaging/message-sequencing: a scheduled
        # message is enqueued anew at its time, with a new sequence number.
        self._remove(message)
        message.number = next(self._numbers)
        message.state = State.ACTIVE
        message.enqueued_at = self._now()
        self._store(message)
        self._make_ready(message)

    def _make_ready(self, message: Message) -> None:
        if self.dead_letters is not None:
            ttl = message.content.ttl_seconds
            limit = self.settings.ttl_seconds
            message.expires_at = message.enqueued_at + (limit if ttl is None else min(ttl, limit))
        self._watch(message, message.expires_at)
        heapq.heappush(self._ready, message.number)

    def _hand_out(self, message: Message, *, lock: bool) -> Message:
        if not lock:
            self._remove(message)
            return message
        message.lock = self._new_lock()
        self._locked[message.lock] = message
        self._watch(message, self._now() + self.settings.lock_seconds)
        return message

    def _unlock(self, message: Message, *, failed: bool) -> None:
        self._drop_lock(message)
        message.failed_deliveries += failed
        if message.state is State.DEFERRED:
            # https://learn.microsoft.com/azure/service-bus-messaging/message-deferral: it stays until asked for.
            self._watch(message, inf)
        elif self.dead_letters is not None and message.failed_deliveries >= self.settings.max_deliveries:
            sentence = (
                f"Message could not be consumed after {self.settings.max_deliveries} delivery attempts."
            )
            self._bury(message, "MaxDeliveryCountExceeded", sentence)
        elif message.expires_at <= self._now():
            self._expire(message)
        else:
            self._watch(message, message.expires_at)
            heapq.heappush(self._ready, message.number)

    def _expire(self, message: Message) -> None:
        self._bury(message, "TTLExpiredException", "The message expired and was dead lettered.")

    def _bury(self, message: Message, reason: str, description: str) -> None:
        if self.dead_letters is None:
            raise NotAllowed("a dead letter cannot be dead-lettered again")
        self._remove(message)
        self.dead_letters.bury(message, self.settings.name, reason, description)

    def bury(self, message: Message, source: str, reason: str, description: str) -> None:
        """Take over a message of the queue `source` as a dead letter."""
        told = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        message.content = with_application_properties(
            message.content, {name: text[:_MAX_REASON_CHARACTERS] for name, text in told.items() if text}
        )
        message.number = next(self._numbers)
        message.state, message.expires_at = State.ACTIVE, inf
        message.dead_letter_source = source
        self._store(message)
        self._make_ready(message)

    def _find(self, number: int, state: State) -> Message:
        message = self._messages.get(number)
        if message is None or message.state is not state or message.lock is not None:
            raise MessageNotFound(f"there is no {state.name.lower()} message with that sequence number")
        return message

    def _locked_by(self, lock: UUID) -> Message:
        self.advance()
        message = self._locked.get(lock)
        if message is None:
            raise LockLost("The lock supplied is invalid. Either the lock expired, or the message is gone.")
        return message

    def _drop_lock(self, message: Message) -> None:
        if message.lock is not None:
            del self._locked[message.lock]
            message.lock = None

    def _store(self, message: Message) -> None:
        self._messages[message.number] = message
        self._bytes += message.content.size

    def _remove(self, message: Message) -> None:
        self._drop_lock(message)
        del self._messages[message.number]
        self._bytes -= message.content.size

    def _watch(self, message: Message, due: float) -> None:
        message.due = due
        if due < inf:
            heapq.heappush(self._timers, (due, message.number))
        if len(self._timers) > 2 * len(self._messages) + 1000:
            self._forget_stale_timers()

    def _forget_stale_timers(self) -> None:
        # Completed messages leave their expiry behind, which may be two weeks away.
        self._timers = [(message.due, message.number) for message in self._messages.values()]
        heapq.heapify(self._timers)
