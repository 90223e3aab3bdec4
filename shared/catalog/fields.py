"""The types that a field can have: one row each, with what people call it and how a value is checked.

A value comes from `exact.loads` and is checked as it is: nothing is coerced, trimmed or rounded.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, StrictStr

from shared import times
from shared.exact import Json, Number
from shared.faults import refusal

MAX_TEXT = 32_768
MAX_SIGNIFICANT_DIGITS = 38
"""What a decimal column holds exactly in Azure SQL, Dataverse and most warehouses."""

LOWEST_INTEGER, HIGHEST_INTEGER = -(2**63), 2**63 - 1

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldType:
    """One type: `label` and `expected` are for people, `annotation` is for pydantic, `json_schema` for others."""

    name: str
    label: str
    expected: str
    annotation: Any
    json_schema: Mapping[str, Json]


def _number(accepts: Callable[[Number], bool], detail: str, expected: str) -> Any:
    def check(value: Json) -> Json:
        if not isinstance(value, Number):
            raise refusal("Send a number, without quotes.", expected)
        if not accepts(value):
            raise refusal(detail, expected)
        return value

    return Annotated[Any, AfterValidator(check)]


def _written(read: Callable[[str], object], detail: str, expected: str) -> Any:
    def check(value: str) -> str:
        try:
            read(value)
        except ValueError:
            raise refusal(detail, expected) from None
        return value

    return Annotated[StrictStr, AfterValidator(check)]


def _is_integer(number: Number) -> bool:
    return number.is_integer_text and LOWEST_INTEGER <= number <= HIGHEST_INTEGER


def _is_decimal(number: Number) -> bool:
    # text this short cannot hold too many digits, and as_tuple is ten times the cost
    return len(number.text) <= MAX_SIGNIFICANT_DIGITS or (
        len(number.as_tuple().digits) <= MAX_SIGNIFICANT_DIGITS
    )


def _read_date(text: str) -> date:
    if not _DATE.fullmatch(text):  # fromisoformat also takes week dates and dates without hyphens
        raise ValueError("not a full-date")
    return date.fromisoformat(text)


_TEXT = f"text of at most {MAX_TEXT} characters"
_INTEGER = "whole number within 64 bits, without fraction and exponent, such as 42"
_DECIMAL = f"number of at most {MAX_SIGNIFICANT_DIGITS} significant digits, such as 42.50"
_DATE_FORM = "date as YYYY-MM-DD, such as 2026-11-22"
_TIMESTAMP = "RFC 3339 time with an offset, such as 2026-11-22T10:15:00+01:00"

FIELD_TYPES: Mapping[str, FieldType] = {
    row.name: row
    for row in (
        FieldType(
            "text",
            "Text",
            _TEXT,
            Annotated[StrictStr, Field(max_length=MAX_TEXT)],
            {"type": "string", "maxLength": MAX_TEXT},
        ),
        FieldType(
            "integer",
            "Number",
            _INTEGER,
            _number(_is_integer, "Send a whole number. Choose the type decimal for others.", _INTEGER),
            {"type": "integer", "minimum": LOWEST_INTEGER, "maximum": HIGHEST_INTEGER},
        ),
        FieldType(
            "decimal",
            "Number with decimals",
            _DECIMAL,
            _number(_is_decimal, "Send fewer digits. Send it as text if it is a code.", _DECIMAL),
            {"type": "number"},
        ),
        FieldType("boolean", "True or false", "true or false", StrictBool, {"type": "boolean"}),
        FieldType(
            "date",
            "Date",
            _DATE_FORM,
            _written(_read_date, "Send a date that exists, as YYYY-MM-DD.", _DATE_FORM),
            {"type": "string", "format": "date"},
        ),
        FieldType(
            "timestamp",
            "Time stamp",
            _TIMESTAMP,
            _written(times.parse, "Send a date and time that exist, with an offset.", _TIMESTAMP),
            {"type": "string", "format": "date-time"},
        ),
    )
}
"""Every field type by its name."""
