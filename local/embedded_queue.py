"""A message queue with locks in one SQLite file, for machines where no AMQP broker can be built."""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar, TypeVarTuple

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

DEAD_LETTER_SUFFIX: Final = "/$DeadLetterQueue"
# The message size limit of Service Bus Standard, in bytes:
# https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
MAX_BODY_BYTES: Final = 256 * 1024
_BUSY_SECONDS: Final = 10.0

# visible_at: when the message may next be received; the end of its lock while a token is set.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS messages (
    sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body BLOB NOT NULL,
    message_id TEXT NOT NULL,
    enqueued_at REAL NOT NULL,
    visible_at REAL NOT NULL,
    delivery_count INTEGER NOT NULL DEFAULT 0,
    token TEXT
);
CREATE INDEX IF NOT EXISTS messages_in_order ON messages (queue, sequence_number);
"""
_INSERT: Final = (
    "INSERT INTO messages (queue, body, message_id, enqueued_at, visible_at) VALUES (?, ?, ?, ?, ?)"
)
_ANY_VISIBLE: Final = "SELECT 1 FROM messages WHERE queue = ? AND visible_at <= ? LIMIT 1"
_DEAD_LETTER_SPENT: Final = (
    "UPDATE messages SET queue = queue || ?, token = NULL "
    "WHERE queue = ? AND visible_at <= ? AND delivery_count >= ?"
)
_LEASE: Final = (
    "UPDATE messages SET token = ? || sequence_number, visible_at = ?, delivery_count = delivery_count + 1 "
    "WHERE sequence_number IN (SELECT sequence_number FROM messages "
    "WHERE queue = ? AND visible_at <= ? ORDER BY sequence_number LIMIT ?) "
    "RETURNING sequence_number, token, body, message_id, delivery_count, enqueued_at"
)
_COMPLETE: Final = "DELETE FROM messages WHERE sequence_number = ? AND token = ? AND visible_at > ?"
_RENEW: Final = (
    "UPDATE messages SET visible_at = ? WHERE sequence_number = ? AND token = ? AND visible_at > ?"
)
_ABANDON: Final = (
    "UPDATE messages SET token = NULL, visible_at = ?, "
    "queue = queue || CASE WHEN delivery_count >= ? AND queue NOT LIKE ? THEN ? ELSE '' END "
    "WHERE sequence_number = ? AND token = ? AND visible_at > ?"
)
_COUNTS: Final = (
    "SELECT count(*) FILTER (WHERE queue = :queue AND (token IS NOT NULL OR visible_at <= :now)), "
    "count(*) FILTER (WHERE queue = :queue AND token IS NULL AND visible_at > :now), "
    "count(*) FILTER (WHERE queue = :dead) FROM messages WHERE queue IN (:queue, :dead)"
)
_OLDEST: Final = (
    "SELECT min(enqueued_at) FROM messages WHERE queue = ? AND (token IS NOT NULL OR visible_at <= ?)"
)


class LeaseLost(Exception):
    """The lock of a received message has ended: it was settled before, or its time ran out."""


@dataclass(frozen=True, slots=True)
class Leased:
    """One received message, locked for this receiver until it is settled or its lock ends."""

    token: str
    body: bytes
    message_id: str
    delivery_count: int
    enqueued_at: datetime
    sequence_number: int


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Messages of one queue: active ones include those that are locked."""

    active: int
    scheduled: int
    dead_lettered: int


class EmbeddedQueue:
    """Any number of named queues in one file, shared safely by several processes.

    A message is delivered at least once: it comes back `lock_seconds` after it was received, or when
    it is abandoned, and moves to `<queue>/$DeadLetterQueue` after `max_deliveries` deliveries.
    `clock` answers Unix seconds and must be one that all the processes share.
    """

    def __init__(
        self,
        path: str,
        *,
        lock_seconds: float = 60,
        max_deliveries: int = 10,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lock_seconds = lock_seconds
        self._max_deliveries = max_deliveries
        self._clock = clock
        # One thread, so that the connection never has two users and the event loop never waits for a disk.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-queue")
        self._connection = self._thread.submit(_connect, path).result()

    async def send(self, queue: str, bodies: Sequence[str | bytes], *, at: datetime | None = None) -> None:
        """Store all the bodies, text as UTF-8, in one transaction; `at` (with an offset) schedules them.

        Raises ValueError for a body over MAX_BODY_BYTES or a naive `at`.
        """
        encoded = [body.encode() if isinstance(body, str) else body for body in bodies]
        if any(len(body) > MAX_BODY_BYTES for body in encoded):
            raise ValueError(f"a message holds at most {MAX_BODY_BYTES} bytes")
        if at is not None and at.tzinfo is None:
            raise ValueError("the time of a scheduled message needs an offset")
        await self._run(self._send, queue, encoded, at)

    async def receive(self, queue: str, count: int) -> list[Leased]:
        """Lock and return up to `count` visible messages, oldest first; none is an empty list at once."""
        return await self._run(self._receive, queue, count)

    async def complete(self, lease: Leased) -> None:
        """Remove a received message. Raises LeaseLost when its lock has ended."""
        await self._run(self._complete, lease)

    async def abandon(self, lease: Leased) -> None:
        """Give a received message back at once. Raises LeaseLost when its lock has ended."""
        await self._run(self._abandon, lease)

    async def renew(self, lease: Leased) -> None:
        """Let the lock of a received message last its whole time again. Raises LeaseLost when it has ended."""
        await self._run(self._renew, lease)

    async def waited(self, queue: str) -> timedelta:
        """How long the oldest message that is not scheduled has waited, locked or not; zero when there is none."""
        return await self._run(self._waited, queue)

    async def reach(self, queue: str) -> None:
        """The file is there, or nothing would be."""
        await self._run(self._waited, queue)

    async def counts(self, queue: str) -> QueueCounts:
        return await self._run(self._counts, queue)

    async def close(self) -> None:
        """Close the file; messages that are still locked come back when their locks end."""
        await self._run(self._connection.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[*Arguments], Result], *args: *Arguments) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _send(self, queue: str, bodies: Sequence[bytes], at: datetime | None) -> None:
        now = self._clock()
        due = max(now, at.timestamp()) if at else now
        with self._connection:
            self._connection.executemany(
                _INSERT, [(queue, body, uuid.uuid4().hex, due, due) for body in bodies]
            )

    def _receive(self, queue: str, count: int) -> list[Leased]:
        now = self._clock()
        # A read takes no write lock, so idle pollers do not get in the way of senders.
        if not self._connection.execute(_ANY_VISIBLE, (queue, now)).fetchone():
            return []
        with self._connection:
            if not queue.endswith(DEAD_LETTER_SUFFIX):
                self._connection.execute(
                    _DEAD_LETTER_SPENT, (DEAD_LETTER_SUFFIX, queue, now, self._max_deliveries)
                )
            lease = (uuid.uuid4().hex, now + self.lock_seconds, queue, now, count)
            rows = self._connection.execute(_LEASE, lease).fetchall()
        return [_leased(row) for row in sorted(rows)]

    def _complete(self, lease: Leased) -> None:
        self._settle(_COMPLETE, (lease.sequence_number, lease.token, self._clock()))

    def _renew(self, lease: Leased) -> None:
        now = self._clock()
        self._settle(_RENEW, (now + self.lock_seconds, lease.sequence_number, lease.token, now))

    def _abandon(self, lease: Leased) -> None:
        now = self._clock()
        dead_letter = (self._max_deliveries, "%" + DEAD_LETTER_SUFFIX, DEAD_LETTER_SUFFIX)
        self._settle(_ABANDON, (now, *dead_letter, lease.sequence_number, lease.token, now))

    def _settle(self, statement: str, values: tuple[object, ...]) -> None:
        with self._connection:
            settled = self._connection.execute(statement, values).rowcount
        if not settled:
            raise LeaseLost("the lock of this message has ended; it will be delivered again")

    def _waited(self, queue: str) -> timedelta:
        now = self._clock()
        oldest: float | None = self._connection.execute(_OLDEST, (queue, now)).fetchone()[0]
        return timedelta(seconds=0 if oldest is None else max(0, now - oldest))

    def _counts(self, queue: str) -> QueueCounts:
        names = {"queue": queue, "dead": queue + DEAD_LETTER_SUFFIX, "now": self._clock()}
        return QueueCounts(*self._connection.execute(_COUNTS, names).fetchone())


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level="IMMEDIATE")
    connection.execute("PRAGMA journal_mode = WAL")
    # WAL with NORMAL survives the death of a process; only a power cut may lose the last commits.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_SCHEMA)
    return connection


def _leased(row: tuple[int, str, bytes, str, int, float]) -> Leased:
    sequence_number, token, body, message_id, delivery_count, enqueued_at = row
    return Leased(
        token=token,
        body=body,
        message_id=message_id,
        delivery_count=delivery_count,
        enqueued_at=datetime.fromtimestamp(enqueued_at, UTC),
        sequence_number=sequence_number,
    )
