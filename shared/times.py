"""RFC 3339 times: read strictly (an offset is required), written in UTC with milliseconds."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def parse(text: str) -> datetime:
    """Read an RFC 3339 date-time. Raises ValueError for anything else, a missing offset included."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not an RFC 3339 date-time with an offset")
    at = datetime.fromisoformat(text.upper())
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the years that UTC counts here") from None
    return at


def is_time(value: object) -> bool:
    """Whether a JSON value is the text of an RFC 3339 date-time."""
    try:
        return isinstance(value, str) and bool(parse(value))
    except ValueError:
        return False


def text(at: datetime) -> str:
    """Write a time as `2026-11-22T09:15:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_unix(value: object, per_second: int = 1) -> str | None:
    """A count of seconds (or milliseconds: 1000 `per_second`) since 1970, written; None for what is no such count."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        return text(EPOCH + timedelta(milliseconds=int(value * 1000 / per_second)))
    except (OverflowError, ArithmeticError):
        return None


def milliseconds(at: datetime) -> str:
    """A time as rows are ordered by it."""
    return f"{int(at.timestamp() * 1000):013d}"
