"""Steps: a part of the line while it is under way, which ends as one wide line and one span of its trace."""

import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from shared import logs, trace
from shared.errors import SignalboxError, Unavailable
from shared.logs import Value
from shared.ports import SpanKind, Spans
from shared.trace import Trace

_now: ContextVar["Step | None"] = ContextVar("step", default=None)


@dataclass(slots=True)
class Step:
    """What is known so far of the step. `level` is that of its line."""

    name: str
    trace: Trace
    fields: dict[str, Value]
    level: int = logging.INFO
    failed: bool = False
    began: int = field(default_factory=time.time_ns)

    def note(self, **fields: Value) -> None:
        """Say more of it."""
        self.fields.update(fields)

    def refused(self, error: SignalboxError) -> None:
        """It ended in a refusal, which is a warning where something of ours is away."""
        if isinstance(error, Unavailable):
            self.level, self.failed = logging.WARNING, True
        else:
            self.level = max(self.level, logging.INFO)
        self.note(reason=error.type)

    def stopped(self, error: BaseException) -> None:
        """It did not come to its end. What is only away for now is a warning."""
        away = isinstance(error, Unavailable)
        self.level = logging.WARNING if away else logging.ERROR
        self.failed = True
        reason = error.type if isinstance(error, SignalboxError) else "internal"
        self.note(outcome="retry" if away else "failed", reason=reason)
        if not isinstance(error, SignalboxError):
            self.note(error=logs.told_of(error))


class step:  # noqa: N801  (it is used as `with step(...)`, and as a class costs half of what a generator does)
    """Do something as a step of the line, within the trace that there is: what happens meanwhile belongs to its span.

    What it raises is told and goes on.
    """

    __slots__ = ("_began", "_inner", "_outer", "_span", "_step")

    def __init__(
        self,
        spans: Spans,
        name: str,
        kind: SpanKind = "internal",
        *,
        level: int = logging.INFO,
        **fields: Value,
    ) -> None:
        self._span = spans.start(name, kind, trace.current())
        self._step = Step(name, self._span.trace, fields, level)

    def __enter__(self) -> Step:
        self._began = time.perf_counter()
        self._outer, self._inner = _now.set(self._step), trace.enter(self._span.trace)
        return self._step

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        now = self._step
        if error is not None:
            now.stopped(error)
        self._span.end(now.fields, failed=now.failed)
        if logs.is_wanted(now.level, now.name):
            logs.say(
                now.level, now.name, **now.fields, ms=round((time.perf_counter() - self._began) * 1000, 1)
            )
        trace.leave(self._inner)
        _now.reset(self._outer)


def add(**counts: int) -> None:
    """Count something of the step that is under way, if one is."""
    now = _now.get()
    if now is not None:
        for name, count in counts.items():
            now.fields[name] = int(now.fields.get(name) or 0) + count


def warn() -> None:
    """Something came of the step that is under way that somebody should know of: its line is a warning at least."""
    now = _now.get()
    if now is not None:
        now.level = max(now.level, logging.WARNING)


def belongs(place: Trace | None) -> None:
    """The step that is under way is about an event of this trace: its line names it, if that holds of all its events."""
    now = _now.get()
    if now is not None and place is not None:
        told = now.fields.get("traceId", place.id)
        now.fields["traceId"] = place.id if told == place.id else now.trace.id


def place() -> Trace | None:
    """The place in a trace of the step that is under way."""
    now = _now.get()
    return now.trace if now else None


def note(**fields: Value) -> None:
    """Say more of the step that is under way, if one is."""
    now = _now.get()
    if now is not None:
        now.note(**fields)
