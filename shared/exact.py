"""JSON whose number text survives: what came in as `42.50` goes out as `42.50`.

Strict where RFC 8259 lets parsers be lax: no NaN or Infinity, no duplicate member names, no lone surrogates
(section 8.2), no number beyond IEEE 754 double range (section 6), bounded depth and digits.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, Self

import simplejson

from shared.errors import MalformedBody

MAX_DEPTH = 32
MAX_DIGITS = 64
MAX_EXPONENT = 308
MAX_VALUES = 100_000
"""Members and items in one body, roughly: reading a million of them would hold up everybody else for seconds."""

Json = Any
"""A JSON value: dict, list, str, bool, None or Number."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAYBE_SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")
"""Half of a pair as it is, or as an escape, which half of a good pair is too."""


class Number(Decimal):
    """A JSON number that remembers its text. Compares as a Decimal; prints exactly as it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __reduce__(self) -> tuple[type["Number"], tuple[str]]:
        return Number, (self.text,)

    def __deepcopy__(self, memo: object) -> "Number":
        return self

    @property
    def is_integer_text(self) -> bool:
        """Whether it is written without fraction and exponent."""
        return self.text.lstrip("-").isdigit()


def loads(body: bytes | str) -> Json:
    """Parse JSON text (UTF-8, a leading byte order mark is ignored).

    Raises MalformedBody with the position for a person to find it, never with the content.
    """
    text = _text(body)
    if text.count(",") + text.count(":") > 2 * MAX_VALUES:
        raise MalformedBody(f"The body holds more than about {MAX_VALUES} values. Send it in parts.")
    try:
        value = json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    # Walking through every value costs as much as parsing them: most texts cannot hold what it looks for.
    if text.count("[") + text.count("{") > MAX_DEPTH or _MAYBE_SURROGATE.search(text):
        _check(value, MAX_DEPTH)
    return value


def members(body: bytes) -> dict[str, Json] | None:
    """The members of an object; None for another value, and for what is no JSON."""
    try:
        doc = loads(body)
    except MalformedBody:
        return None
    return doc if isinstance(doc, dict) else None


def read(text: bytes | str) -> Json:
    """Parse JSON that `dumps` wrote: numbers keep their text, and what was checked then is not checked again."""
    return json.loads(text, parse_float=Number, parse_int=Number)


def dumps(value: Json, *, sort_keys: bool = False) -> str:
    """Write JSON compactly, numbers by their own text."""
    return simplejson.dumps(
        value,
        use_decimal=True,
        sort_keys=sort_keys,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def _text(body: bytes | str) -> str:
    if isinstance(body, str):
        return body
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8 (byte {error.start}). Send JSON in UTF-8.") from None


def _number(text: str) -> Number:
    if len(text) > MAX_DIGITS:
        raise MalformedBody(
            f"A number has more than {MAX_DIGITS} characters. Send it as text if it is a code."
        )
    try:
        number = Number(text)
    except InvalidOperation:  # an exponent that not even a Decimal holds
        raise _beyond() from None
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise _beyond()
    return number


def _beyond() -> MalformedBody:
    return MalformedBody(f"A number is beyond 10^±{MAX_EXPONENT}, which most JSON readers cannot hold.")


def _constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is not a JSON number. Leave the member out or send null.")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedBody("An object names the same member twice. Send each name once.")
    return members


def _check(value: Json, depth: int) -> None:
    if depth == 0 and isinstance(value, dict | list):
        raise _too_deep()
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise MalformedBody("A text holds half of a surrogate pair. Send whole Unicode characters.")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check(name, depth)
            _check(member, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)


def _too_deep() -> MalformedBody:
    return MalformedBody(f"The body is nested deeper than {MAX_DEPTH} levels. Flatten it.")
