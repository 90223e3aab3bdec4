"""The operators of a route's condition: one row each, with the types that it compares and how it decides."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from shared import times
from shared.exact import Json

Takes = Literal["none", "one", "two", "several"]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

TEXT, NUMBER, BOOLEAN, DATE, TIMESTAMP = "text", "number", "boolean", "date", "timestamp"
EVERY = frozenset({TEXT, NUMBER, BOOLEAN, DATE, TIMESTAMP})
ORDERED = frozenset({NUMBER, DATE, TIMESTAMP})
ONLY_TEXT = frozenset({TEXT})


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: the types that it is for, how many values it `takes`, and what it says of what is there.

    Of a field that is not there it says what `missing` says.
    """

    types: frozenset[str]
    takes: Takes
    holds: Callable[[Any, Any], bool]
    missing: bool = False


OPERATORS: Mapping[str, Operator] = {
    "present": Operator(EVERY, "none", lambda _, __: True),
    "absent": Operator(EVERY, "none", lambda _, __: False, missing=True),
    "equals": Operator(EVERY, "one", lambda value, wanted: value == wanted),
    "not-equals": Operator(EVERY, "one", lambda value, wanted: value != wanted, missing=True),
    "one-of": Operator(EVERY - {BOOLEAN}, "several", lambda value, wanted: value in wanted),
    "none-of": Operator(
        EVERY - {BOOLEAN}, "several", lambda value, wanted: value not in wanted, missing=True
    ),
    "starts-with": Operator(ONLY_TEXT, "one", lambda value, wanted: value.startswith(wanted)),
    "ends-with": Operator(ONLY_TEXT, "one", lambda value, wanted: value.endswith(wanted)),
    "contains": Operator(ONLY_TEXT, "one", lambda value, wanted: wanted in value),
    "less": Operator(ORDERED, "one", lambda value, wanted: value < wanted),
    "at-most": Operator(ORDERED, "one", lambda value, wanted: value <= wanted),
    "more": Operator(ORDERED, "one", lambda value, wanted: value > wanted),
    "at-least": Operator(ORDERED, "one", lambda value, wanted: value >= wanted),
    "between": Operator(ORDERED, "two", lambda value, wanted: wanted[0] <= value <= wanted[1]),
}
"""Every operator by its name. `between` includes both ends; text is compared as it is, upper and lower case apart."""


def comparable(value: Json, type: str) -> Any:
    """A value as it is compared: text, number, truth value, date or moment; None for what is no value of the type."""
    match type, value:
        case "text", str():
            return value
        case "number", Decimal():
            return value
        case "boolean", bool():
            return value
        case "date", str():
            return _date(value)
        case "timestamp", str():
            return _moment(value)
    return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return times.parse(text)
    except ValueError:
        return None
