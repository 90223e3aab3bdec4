"""A trace: the id that all which happens to one event has in common, as W3C Trace Context has it.

It says nothing of anybody: both its parts are random. An event is stored with the trace that it came by, so that a queue
message needs to carry none, and what happens hours later still belongs to it.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Self

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-[0-9a-f]{2}")
_WRITTEN = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace: the trace's id (32 hex digits), and that of one span in it (16)."""

    id: str
    span: str

    @classmethod
    def new(cls) -> Self:
        """The beginning of a trace of its own."""
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    def child(self) -> Self:
        """Another span of the same trace."""
        return type(self)(self.id, secrets.token_hex(8))

    def __str__(self) -> str:
        return f"{self.id}-{self.span}"


def of_header(traceparent: str | None) -> Trace | None:
    """What a `traceparent` says (https://www.w3.org/TR/trace-context/#traceparent-header); None where it is none.

    Whether its sender samples the trace is not asked: that is for us to say, not for whoever sends a request.
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return Trace(*found.groups()) if found else None


def read(text: str | None) -> Trace | None:
    """What `str` wrote of a trace; None where it is none."""
    found = _WRITTEN.fullmatch(text or "")
    return Trace(*found.groups()) if found else None


_now: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def within(trace: Trace) -> Iterator[None]:
    """Within it, what happens belongs to this place in a trace."""
    before = enter(trace)
    try:
        yield
    finally:
        leave(before)


def enter(trace: Trace) -> Token[Trace | None]:
    """From now on what happens belongs there, until it is left with what this answers."""
    return _now.set(trace)


def leave(before: Token[Trace | None]) -> None:
    """What happens belongs again to where it did before."""
    _now.reset(before)


def current() -> Trace | None:
    """The place in a trace that what happens now belongs to."""
    return _now.get()
