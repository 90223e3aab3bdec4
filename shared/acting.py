"""Who is acting: what changes state writes it into the audit.

It is set in one place, where a request is let in, and travels with its task. As an argument it would pass through every
method of every service, and the one that forgets to hand it on would leave a gap that nobody sees.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

COMMAND = "command"
"""Whoever runs a command of the deployer's, straight on storage."""
SYSTEM = "signalbox"
"""What Signalbox does by itself."""

_who: ContextVar[str] = ContextVar("who", default=COMMAND)


@contextmanager
def acting(who: str) -> Iterator[None]:
    """Within it, changes are this one's: the id of a key or of a client."""
    before = _who.set(who)
    try:
        yield
    finally:
        _who.reset(before)


def actor() -> str:
    """Who acts now."""
    return _who.get()
