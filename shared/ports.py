"""What the line needs of the world: tables, blobs, a queue, a seal for secrets, outbound HTTP, an identity,
a meter, spans, a clock.

Adapters live in `shared.azure`; small fakes that pass the same contract tests live in `tests.fakes`.
Every port raises `shared.errors.Unavailable` when its part is away, and nothing else but what it names here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol

from shared.metrics import Metric
from shared.trace import Trace

Value = str | int | bool | bytes | None
"""What a row's member holds. int is 32 bits; bytes may be as long as a row (the adapter splits them)."""


MAX_OPERATIONS = 100
"""Operations in a transaction."""


class RowExists(Exception):
    """An insert met a row with the same key. In a transaction, `index` says which insert."""

    def __init__(self, index: int = 0) -> None:
        super().__init__(f"row {index} exists")
        self.index = index


class RowChanged(Exception):
    """The row is not what was read: it changed, or it is gone."""


class RowTooLarge(Exception):
    """The rows do not fit the table's limits (1 MiB a row, 4 MiB and 100 rows a transaction)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: partition key, row key, members, and the version tag that came with a read."""

    pk: str
    rk: str
    values: Mapping[str, Value] = field(default_factory=dict)
    etag: str | None = None


def bytes_of(row: Row, name: str) -> bytes:
    """A binary member that every row of its kind has."""
    value = row.values[name]
    if not isinstance(value, bytes):
        raise TypeError(f"{name} of row {row.rk} is not binary")
    return value


class Verb(StrEnum):
    """What one operation of a transaction does."""

    INSERT = "insert"
    UPSERT = "upsert"
    MERGE = "merge"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Operation:
    verb: Verb
    row: Row


class Tables(Protocol):
    """Rows in named tables. A table comes into being on first use."""

    async def get(self, table: str, pk: str, rk: str) -> Row | None: ...

    async def insert(self, table: str, row: Row) -> None:
        """Raises RowExists, also for a row of this very call that was committed and then answered with an error:
        whoever must tell the two apart puts a mark of its own in the row and reads it back.
        """

    async def upsert(self, table: str, row: Row) -> None:
        """Write the row whole, whether it exists or not."""

    async def replace(self, table: str, row: Row) -> str:
        """Write the row whole if it is still as `row.etag` says; answers the new etag. Raises RowChanged."""

    async def merge(self, table: str, row: Row) -> str:
        """Write the named members of an existing row (under `row.etag` if there is one); answers the new etag.

        Raises RowChanged, also when there is no such row.
        """

    async def delete(self, table: str, pk: str, rk: str) -> None:
        """Delete the row; that it is gone already is success."""

    async def transact(self, table: str, operations: Sequence[Operation]) -> Sequence[str | None]:
        """All or nothing, within one partition, at most MAX_OPERATIONS; answers the etag of each row that was written.

        Raises RowExists, RowChanged, RowTooLarge.
        """

    def range(
        self,
        table: str,
        pk: str,
        low: str = "",
        high: str | None = None,
        *,
        limit: int | None = None,
        select: Sequence[str] | None = None,
    ) -> AsyncIterator[Row]:
        """The rows of a partition with low <= row key < high, ascending, read page by page.

        `select` names the members to read, keys apart; it is not for bytes that may be longer than 64 KiB.
        """

    def scan(
        self, table: str, low: str = "", high: str | None = None, *, select: Sequence[str] | None = None
    ) -> AsyncIterator[Row]:
        """Every row with low <= partition key < high, by partition key and row key, read page by page.

        For what is about a table or a section as a whole, never for the line. What is written meanwhile may be among
        them or not. `select` as in `range`.
        """

    async def names(self) -> Sequence[str]:
        """The tables that exist."""


class Blobs(Protocol):
    """Bodies too large for a row, by name."""

    async def put(self, name: str, body: bytes) -> None:
        """Write a blob; one of that name is replaced."""

    async def get(self, name: str) -> bytes | None: ...

    async def delete(self, name: str) -> None: ...

    def names(self, prefix: str) -> AsyncIterator[str]:
        """The names that begin with this, in order, read page by page."""


class Queue(Protocol):
    """Hand-off between the line's stages. Bodies are small: references, never a body or an identifier."""

    async def send(self, queue: str, bodies: Sequence[str], *, at: datetime | None = None) -> None:
        """Put messages on a queue, all or none seen as sent; with `at` they become visible then."""

    async def waited(self, queue: str) -> timedelta:
        """How long the oldest message has waited to be worked off; zero when there is none.

        One that somebody has in hand counts, one that is scheduled for later does not.
        """

    async def reach(self, queue: str) -> None:
        """Ask for nothing but whether the queue answers. Raises Unavailable."""


class Seal(Protocol):
    """Keeps secrets that must be read again (destination and source secrets) unreadable at rest."""

    def seal(self, context: str, secret: str) -> str: ...

    def unseal(self, context: str, sealed: str) -> str:
        """Raises Unavailable when the master key that sealed it is not there."""

    @property
    def key(self) -> str:
        """The id of the master key that seals now."""

    def is_current(self, sealed: str) -> bool:
        """Whether that is the key which sealed this."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP request to a destination."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a destination answered: status, headers (lower-case names), and the first bytes of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Failure = Literal["refused_address", "unresolved", "connect", "tls", "timeout", "broken", "bad_url"]
"""Why there is no answer. Of these only `timeout` and `broken` may have reached the destination."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    failure: Failure


class Http(Protocol):
    """Outbound HTTP: no redirects, no address that is not global, everything bounded."""

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer: ...


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token, and until when it may be used."""

    text: str = field(repr=False)
    until: datetime


class Identity(Protocol):
    """The app's own identity."""

    async def token(self, scope: str) -> AccessToken | None:
        """A token for a resource; None where this app has no identity, or is given none."""


class Meter(Protocol):
    """Takes measures of the closed list (`shared.metrics`), a value for each attribute of the metric.

    It never waits, and what becomes of a measure is no concern of whoever gives it: only an attribute that the metric
    has not is an error, a ValueError.
    """

    def count(self, metric: Metric, amount: float = 1, /, **of: str) -> None:
        """Add to a sum."""

    def gauge(self, metric: Metric, value: float, /, **of: str) -> None:
        """Say how it stands now. It is told once: where nobody says it again, nothing is known."""

    def record(self, metric: Metric, value: float, /, **of: str) -> None:
        """Add one value to a histogram."""


SpanKind = Literal["server", "consumer", "client", "internal"]
"""What begins a span: a request to us, a message, a request of ours, or something else of ours."""


class Span(Protocol):
    """A span of a trace that is under way."""

    @property
    def trace(self) -> Trace:
        """Its place in the trace: what it brings about names this as its parent."""

    def end(self, fields: Mapping[str, str | int | float | None], *, failed: bool = False) -> None:
        """It is over. `fields` are those of its line (`shared.logs.FIELDS`), and all that is kept of it."""


class Spans(Protocol):
    """Keeps the spans of the traces that are wanted. It never waits."""

    def wants(self, trace: Trace | None) -> bool:
        """Whether spans of this trace are kept: the same for all of them, whoever asks."""

    def start(
        self,
        name: str,
        kind: SpanKind,
        parent: Trace | None = None,
        links: Sequence[Trace] = (),
        *,
        at: int | None = None,
    ) -> Span:
        """Begin a span, which has a place in its trace even if nobody wants it.

        Without a parent it begins a trace of its own. `at` is when it began, in nanoseconds since 1970: else now.
        """


class Clock(Protocol):
    def now(self) -> datetime:
        """The time now, in UTC."""

    def seconds(self) -> float:
        """Seconds that only grow: how long something lasts, whatever is done to the clock meanwhile."""
