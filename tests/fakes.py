"""Small in-memory stand-ins for the ports; they pass the same contract tests as the real adapters."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil

from shared.azure.rows import entities_of, row_of
from shared.logs import FIELDS, Value
from shared.metrics import Metric
from shared.ports import (
    AccessToken,
    Answer,
    Clock,
    NoAnswer,
    Operation,
    Outgoing,
    Row,
    RowChanged,
    RowExists,
    SpanKind,
    Verb,
)
from shared.trace import Trace

Rows = dict[tuple[str, str], Row]
Measured = tuple[str, ...]
"""A metric's name, and the value of each of its attributes in their order."""

PAGE_ROWS = 1000
"""The real tables give at most so many rows an answer."""


class FakeTables:
    """Tables in a dictionary, with the limits of the real ones; `requests` counts what the real one would send."""

    def __init__(self) -> None:
        self.tables: dict[str, Rows] = {}
        self.requests = 0
        self._etags = count(1)

    async def get(self, table: str, pk: str, rk: str) -> Row | None:
        self.requests += 1
        return self._rows(table).get((pk, rk))

    async def insert(self, table: str, row: Row) -> None:
        await self.transact(table, [Operation(Verb.INSERT, row)])

    async def upsert(self, table: str, row: Row) -> None:
        await self.transact(table, [Operation(Verb.UPSERT, row)])

    async def replace(self, table: str, row: Row) -> str:
        await self.transact(table, [Operation(Verb.REPLACE, row)])
        return self._etag(table, row)

    async def merge(self, table: str, row: Row) -> str:
        await self.transact(table, [Operation(Verb.MERGE, row)])
        return self._etag(table, row)

    async def delete(self, table: str, pk: str, rk: str) -> None:
        self.requests += 1
        self._rows(table).pop((pk, rk), None)

    async def transact(self, table: str, operations: Sequence[Operation]) -> Sequence[str | None]:
        rows = dict(self._rows(table))
        entities = entities_of(operations)
        self.requests += bool(operations)
        for index, (operation, entity) in enumerate(zip(operations, entities, strict=True)):
            self._apply(rows, replace(operation, row=row_of(entity, operation.row.etag)), index)
        self.tables[table] = rows
        written = [rows.get((operation.row.pk, operation.row.rk)) for operation in operations]
        return [row.etag if row else None for row in written]

    async def range(
        self,
        table: str,
        pk: str,
        low: str = "",
        high: str | None = None,
        *,
        limit: int | None = None,
        select: Sequence[str] | None = None,
    ) -> AsyncIterator[Row]:
        if limit == 0:
            return
        rows = self._rows(table)
        found = sorted(rk for p, rk in rows if p == pk and rk >= low and (high is None or rk < high))[:limit]
        self.requests += max(1, ceil(len(found) / PAGE_ROWS))
        for row in [rows[pk, rk] for rk in found]:
            yield row

    async def scan(
        self, table: str, low: str = "", high: str | None = None, *, select: Sequence[str] | None = None
    ) -> AsyncIterator[Row]:
        rows = self._rows(table)
        found = sorted(place for place in rows if place[0] >= low and (high is None or place[0] < high))
        self.requests += max(1, ceil(len(found) / PAGE_ROWS))
        for row in [rows[place] for place in found]:
            yield row

    async def names(self) -> Sequence[str]:
        self.requests += 1
        return sorted(self.tables)

    def _rows(self, table: str) -> Rows:
        return self.tables.setdefault(table, {})

    def _etag(self, table: str, row: Row) -> str:
        return self._rows(table)[row.pk, row.rk].etag or ""

    def _apply(self, rows: Rows, operation: Operation, index: int) -> None:
        row, place = operation.row, (operation.row.pk, operation.row.rk)
        there = rows.get(place)
        if operation.verb is Verb.INSERT and there:
            raise RowExists(index)
        if operation.verb in (Verb.REPLACE, Verb.MERGE, Verb.DELETE) and (
            there is None or (row.etag is not None and row.etag != there.etag)
        ):
            raise RowChanged
        if operation.verb is Verb.DELETE:
            del rows[place]
            return
        values = {**there.values, **row.values} if operation.verb is Verb.MERGE and there else row.values
        rows[place] = replace(row, values=values, etag=f"v{next(self._etags)}")


class FakeBlobs:
    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    async def put(self, name: str, body: bytes) -> None:
        self.blobs[name] = body

    async def get(self, name: str) -> bytes | None:
        return self.blobs.get(name)

    async def delete(self, name: str) -> None:
        self.blobs.pop(name, None)

    async def names(self, prefix: str) -> AsyncIterator[str]:
        for name in sorted(name for name in self.blobs if name.startswith(prefix)):
            yield name


class FakeQueue:
    """Keeps what was sent: (queue, body, time or None)."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.sent: list[tuple[str, str, datetime | None]] = []
        self.clock = clock or FakeClock()
        self._ready_at: dict[tuple[str, str, datetime | None], datetime] = {}

    async def send(self, queue: str, bodies: Sequence[str], *, at: datetime | None = None) -> None:
        if at is not None and at.tzinfo is None:
            raise ValueError("the time of a scheduled message needs an offset")
        messages = [(queue, body, at) for body in bodies]
        self.sent += messages
        now = self.clock.now()
        self._ready_at.update(dict.fromkeys(messages, max(at or now, now)))

    async def waited(self, queue: str) -> timedelta:
        now = self.clock.now()
        times = (self._ready_at[one] for one in self.sent if one[0] == queue)
        return now - min((at for at in times if at <= now), default=now)

    async def reach(self, queue: str) -> None:
        assert queue


class FakeSeal:
    """Marks instead of encrypting, so that a test sees when a secret was not sealed."""

    key = "fake"

    def is_current(self, sealed: str) -> bool:
        return sealed.startswith("sealed:")

    def seal(self, context: str, secret: str) -> str:
        return f"sealed:{context}:{secret}"

    def unseal(self, context: str, sealed: str) -> str:
        return sealed.removeprefix(f"sealed:{context}:")


class FakeHttp:
    """Answers from a list, and keeps what was asked."""

    def __init__(self, *answers: Answer | NoAnswer) -> None:
        self.answers = list(answers)
        self.requests: list[Outgoing] = []

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        self.requests.append(request)
        return self.answers.pop(0)


class FakeIdentity:
    """Has a token for each scope that it knows."""

    def __init__(self, **tokens: AccessToken) -> None:
        self.tokens = tokens
        self.asked: list[str] = []

    async def token(self, scope: str) -> AccessToken | None:
        self.asked.append(scope)
        return self.tokens.get(scope)


class FakeClock:
    """Stands still until a test moves it."""

    def __init__(self, now: datetime = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        return self.time.timestamp()

    def pass_(self, **time: float) -> None:
        self.time += timedelta(**time)


class FakeMeter:
    """Remembers what it was told, and takes no value that is not on the list."""

    def __init__(self) -> None:
        self.sums: Counter[Measured] = Counter()
        self.gauges: dict[Measured, float] = {}
        self.values: dict[Measured, list[float]] = {}

    def count(self, metric: Metric, amount: float = 1, /, **of: str) -> None:
        self.sums[_measured(metric, "sum", of)] += amount  # type: ignore[assignment]

    def gauge(self, metric: Metric, value: float, /, **of: str) -> None:
        self.gauges[_measured(metric, "gauge", of)] = value

    def record(self, metric: Metric, value: float, /, **of: str) -> None:
        self.values.setdefault(_measured(metric, "histogram", of), []).append(value)


@dataclass(frozen=True, slots=True)
class Ended:
    """A span that is over."""

    name: str
    kind: SpanKind
    trace: Trace
    parent: Trace | None
    links: Sequence[Trace]
    fields: Mapping[str, Value]
    failed: bool


class FakeSpans:
    """Keeps every span that ends, and takes no field that is not on the list."""

    def __init__(self) -> None:
        self.ended: list[Ended] = []

    def wants(self, trace: Trace | None) -> bool:
        return trace is not None

    def start(
        self,
        name: str,
        kind: SpanKind,
        parent: Trace | None = None,
        links: Sequence[Trace] = (),
        *,
        at: int | None = None,
    ) -> "FakeSpan":
        return FakeSpan(self, name, kind, parent, links)


class FakeSpan:
    def __init__(
        self, spans: FakeSpans, name: str, kind: SpanKind, parent: Trace | None, links: Sequence[Trace]
    ) -> None:
        self.trace = parent.child() if parent else Trace.new()
        self._spans, self._begun = spans, (name, kind, self.trace, parent, links)

    def end(self, fields: Mapping[str, Value], *, failed: bool = False) -> None:
        assert fields.keys() <= FIELDS.keys(), f"{fields.keys() - FIELDS.keys()} are no fields"
        self._spans.ended.append(Ended(*self._begun, dict(fields), failed))


def _measured(metric: Metric, kind: str, of: Mapping[str, str]) -> Measured:
    assert metric.kind == kind, f"{metric.name} is a {metric.kind}"
    assert metric.closed(of) == of, f"{of} are no values of {metric.name}"
    return metric.name, *(of[name] for name in metric.attributes)
