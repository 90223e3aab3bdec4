"""What a destination takes, as data, and what of an event does not fit it, in plain words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.exact import Json

MOST_TOLD = 5
"""Faults that a receipt names."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the properties after the mapping, of the request's body, and of requests. None and True limit nothing.

    `names` is the form of a property's name, with `names_are` for people; `text` is in characters, `body` in bytes.
    `per_minute` is how many requests it takes: what has to wait is sent later.
    """

    properties: int | None = None
    nested: bool = True
    nulls: bool = True
    names: re.Pattern[str] | None = None
    names_are: str = ""
    text: int | None = None
    body: int | None = None
    per_minute: int | None = None


def exceeded(limits: Limits, properties: Mapping[str, Json]) -> str | None:
    """What of the properties the destination does not take; None when it takes all. No value is named."""
    return _told([*_faults(limits, properties)])


def body_exceeded(limits: Limits, body: bytes) -> str | None:
    """The same for a request's body."""
    if limits.body is None or len(body) <= limits.body:
        return None
    return f"The request has {len(body):,} bytes, and the destination takes {limits.body:,}."


def _told(faults: list[str]) -> str | None:
    if not faults:
        return None
    more = [f"{len(faults) - MOST_TOLD} more"] if len(faults) > MOST_TOLD else []
    return f"The destination does not take this: {'; '.join(faults[:MOST_TOLD] + more)}."


def _faults(limits: Limits, properties: Mapping[str, Json]) -> Iterator[str]:
    if limits.properties is not None and len(properties) > limits.properties:
        yield f"{len(properties)} properties, where {limits.properties} are the most"
    for name, value in properties.items():
        if limits.names is not None and not limits.names.fullmatch(name):
            yield f"{name} is no name for it ({limits.names_are})"
        if value is None and not limits.nulls:
            yield f"{name} is null"
        if isinstance(value, dict | list) and not limits.nested:
            yield f"{name} is an object or a list"
        if isinstance(value, str) and limits.text is not None and len(value) > limits.text:
            yield f"{name} has {len(value):,} characters, where {limits.text:,} are the most"
