"""Logs: what is said of a step, as one wide line of fields from a closed list.

The words of makers (sections, definitions, destinations) and ids that we made may be said. What came in, went out or opens
anything may not: no identifier of a person, no property, no body, no key, no id of a hook, no URL, no text of an exception.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from shared import trace

Value = str | int | float | None
MAX_TEXT = 200
"""Characters of a field; the rest is cut off."""
FIELDS: Mapping[str, str] = {
    "step": "which part of the line it is about",
    "what": "what happened, where that is not the step's own end",
    "door": "method and route template of a request",
    "section": "the section's id",
    "event": "the definition's name",
    "id": "the event's id",
    "commit": "the id of the group that the events were stored in",
    "route": "the route's id",
    "destination": "the destination's id",
    "kind": "the kind of the destination or of the source",
    "source": "the label of the registered source",
    "queue": "the queue",
    "part": "the part of the tick, of a command or of Azure",
    "outcome": "what it came to",
    "reason": "why, from a closed list",
    "error": "the name of what went wrong, never its text",
    "status": "HTTP status",
    "attempt": "which try it was, from 1",
    "events": "how many events it is about",
    "accepted": "how many of them are stored now",
    "duplicate": "how many of them were stored before",
    "rejected": "how many of them are refused",
    "retry": "how many are to come again",
    "deliveries": "how many deliveries they come to",
    "delivered": "how many deliveries arrived",
    "held": "how many wait for a person",
    "dead": "how many are dead letters",
    "refused": "how many are not to go out",
    "parked": "how many wait for what is paused",
    "commits": "how many groups it is about",
    "did": "what a part of the tick did, as name=count",
    "ms": "how long it took, in milliseconds",
    "traceId": "the trace that it belongs to",
}
"""Every field that a line may have, in this order."""
_ORDER = {name: number for number, name in enumerate(FIELDS)}


@dataclass(frozen=True, slots=True)
class Said:
    """One line, as the message of a log record: JSON when it is written as text, fields for whoever wants these."""

    fields: Mapping[str, Value]

    def __str__(self) -> str:
        return json.dumps(self.fields, ensure_ascii=False, separators=(",", ":"))


def say(level: int, step: str, **fields: Value) -> None:
    """Write a line. What is None is left out. Raises KeyError for a field that is not on the list."""
    logger = _logger_of(step)
    if logger.isEnabledFor(level):
        found = trace.current()
        given = {"step": step, **({"traceId": found.id} if found else {}), **fields}
        kept = {name: _bounded(value) for name, value in given.items() if value is not None}
        said = Said(dict(sorted(kept.items(), key=lambda one: _ORDER[one[0]])))
        logger.handle(logger.makeRecord(logger.name, level, "", 0, said, (), None))


def is_wanted(level: int, step: str) -> bool:
    """Whether anybody would see such a line."""
    return _logger_of(step).isEnabledFor(level)


def warn(step: str, what: str, **fields: Value) -> None:
    """Something did not go as it should, and goes on all the same."""
    say(logging.WARNING, step, what=what, **fields)


def fail(step: str, what: str, **fields: Value) -> None:
    """Something broke, and somebody should look."""
    say(logging.ERROR, step, what=what, **fields)


def name_of(error: BaseException) -> str:
    """What an error is called: its text may hold what somebody sent."""
    return type(error).__name__


def told_of(error: BaseException) -> str:
    """The same, and where in the code it was raised, as `module:line`: all that is ever said of what broke."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    at = f"{place.tb_frame.f_globals.get('__name__')}:{place.tb_lineno}" if place else "nowhere"
    return f"{name_of(error)} at {at}"


@cache
def _logger_of(step: str) -> logging.Logger:
    return logging.getLogger(f"signalbox.{step}")


def _bounded(value: Value) -> Value:
    return value[:MAX_TEXT] if isinstance(value, str) else value
