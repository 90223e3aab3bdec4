"""Everything that can be wrong with an event as it is posted, and what the door must say to it: one table."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.exact import MAX_DEPTH, MAX_DIGITS
from shared.stages.receive import MAX_BODY_BYTES
from tests.functions.conftest import EVENT

PERSONAL = "ada.lovelace@example.com"
"""Stands wherever a wrong value may stand: no refusal repeats it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One bad request and its refusal."""

    status: int
    type: str
    body: bytes
    pointers: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def _event(*without: str, **members: Any) -> bytes:
    """An event that fits, but for these members."""
    good = {"event": EVENT, "id": PERSONAL, "properties": {"text": PERSONAL, "decimal": 1}}
    return json.dumps({name: v for name, v in {**good, **members}.items() if name not in without}).encode()


def _fields(*without: str, **properties: Any) -> bytes:
    """The same with some of its properties."""
    good = {"text": PERSONAL, "decimal": 1}
    return _event(properties={n: v for n, v in {**good, **properties}.items() if n not in without})


def _text(properties: str) -> bytes:
    """The same with the properties as JSON text that no writer would write."""
    return b'{"event":"%s","properties":%s}' % (EVENT.encode(), properties.encode())


def _decimal(text: str) -> bytes:
    return _text(f'{{"text":"{PERSONAL}","decimal":{text}}}')


def _malformed(body: bytes, **headers: str) -> Case:
    return Case(400, "malformed-body", body, headers=headers)


def _invalid(body: bytes, *pointers: str) -> Case:
    return Case(422, "invalid", body, pointers)


def _value(name: str, value: Any) -> Case:
    return _invalid(_fields(**{name: value}), f"/properties/{name}")


def _member(name: str, value: Any) -> Case:
    return _invalid(_event(**{name: value}), f"/{name}")


def _person(member: str, value: Any) -> Case:
    return _invalid(_event(person={member: value}), f"/person/{member}")


def _media(**headers: str) -> Case:
    return Case(415, "unsupported-media-type", _event(), headers=headers)


def _too_large(body: bytes, **headers: str) -> Case:
    return Case(413, "body-too-large", body, headers=headers)


def _named(event: str) -> Case:
    return Case(422, "unknown-event", _event(event=event), ("/event",))


_GZIP = {"Content_Encoding": "gzip"}
_PACKED = gzip.compress(_event())

CASES: Mapping[str, Case] = {
    # it cannot be read
    "not JSON": _malformed(PERSONAL.encode()),
    "JSON that breaks off": _malformed(_event()[:-1]),
    "JSON and more": _malformed(_event() + b"{}"),
    "a form": _malformed(b"event=" + EVENT.encode()),
    "single quotes": _malformed(b"{'event': 'a.b'}"),
    "empty": _malformed(b""),
    "only space": _malformed(b" \r\n\t"),
    "UTF-16": _malformed(_event().decode().encode("utf-16")),
    "bytes that are no UTF-8": _malformed(_event().replace(b"ada", b"\xff\xfe")),
    "NaN": _malformed(_decimal("NaN")),
    "Infinity": _malformed(_decimal("Infinity")),
    "-Infinity": _malformed(_decimal("-Infinity")),
    "1e999": _malformed(_decimal("1e999")),
    "1e-999": _malformed(_decimal("1e-999")),
    "an exponent of twenty digits": _malformed(_decimal("1e99999999999999999999")),
    "zero with an exponent of twenty digits": _malformed(_decimal("0e-99999999999999999999")),
    "a number that is too long": _malformed(_decimal("1" * (MAX_DIGITS + 1))),
    "a number as no JSON has it": _malformed(_decimal("+1")),
    "a number in hex": _malformed(_decimal("0x10")),
    "a number with a leading zero": _malformed(_decimal("01")),
    "a name twice": _malformed(_text('{"text":"a","text":"b","decimal":1}')),
    "half of a surrogate pair in a value": _malformed(_text('{"text":"\\ud800","decimal":1}')),
    "half of a surrogate pair in a name": _malformed(_text('{"\\udc00":1}')),
    "a control character in a text": _malformed(_text('{"text":"\n","decimal":1}')),
    "one level too deep": _malformed(b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2)),
    "deeper than any stack": _malformed(b'{"a":' * 100_000),
    "gzip that is none": _malformed(_event(), **_GZIP),
    "gzip that breaks off": _malformed(_PACKED[:-9], **_GZIP),
    "gzip that goes on": _malformed(_PACKED + _PACKED, **_GZIP),
    "gzip of nothing at all": _malformed(b"", **_GZIP),
    # it is too large
    "too large": _too_large(_event(id="x" * MAX_BODY_BYTES)),
    "too large once unpacked": _too_large(gzip.compress(b" " * (MAX_BODY_BYTES + 1)), **_GZIP),
    # it is not what the door takes
    "text": _media(Content_Type="text/plain"),
    "a form's content type": _media(Content_Type="application/x-www-form-urlencoded"),
    "JSON in disguise": _media(Content_Type="application/jsonx"),
    "no content type": _media(Content_Type=""),
    "brotli": _media(Content_Encoding="br"),
    "gzip twice": _media(Content_Encoding="gzip, gzip"),
    # a value is not of its field's type
    "decimal as text": _value("decimal", "42.50"),
    "integer as text": _value("integer", "42"),
    "text as integer": _value("text", 42),
    "text as decimal": _value("text", 42.5),
    "integer with a fraction": _value("integer", 42.5),
    "integer with a zero fraction": _invalid(
        _text('{"text":"a","decimal":1,"integer":42.0}'), "/properties/integer"
    ),
    "integer with an exponent": _invalid(
        _text('{"text":"a","decimal":1,"integer":1e3}'), "/properties/integer"
    ),
    "integer beyond 64 bits": _value("integer", 2**63),
    "decimal with too many digits": _invalid(_decimal("1." + "1" * 38), "/properties/decimal"),
    "decimal as true": _invalid(_fields(decimal=True), "/properties/decimal"),
    "boolean as text": _value("boolean", "true"),
    "boolean as a number": _value("boolean", 1),
    "date with a time": _value("date", "2026-11-22T00:00:00Z"),
    "date that does not exist": _value("date", "2026-02-30"),
    "date as a number": _value("date", 20261122),
    "timestamp without an offset": _value("timestamp", "2026-11-22T10:15:00"),
    "timestamp without a time": _value("timestamp", "2026-11-22"),
    "timestamp as a number": _value("timestamp", 1763802900),
    "text as null": _value("text", None),
    "text as a list": _value("text", [PERSONAL]),
    "text as an object": _value("text", {"a": PERSONAL}),
    "text that is too long": _value("text", "x" * 32_769),
    # the definition has it otherwise
    "a field that is missing": _invalid(_fields("text"), "/properties/text"),
    "a field that is unknown": _value("colour", PERSONAL),
    "a field in another case": _value("Integer", 1),
    "an event that is unknown": _named("tests.nothing"),
    "an event that is no name": _named("../../" + PERSONAL),
    "an event as a storage key": _named(EVENT + "|000001"),
    "an event in upper case": _named(EVENT.upper()),
    "an event that is too long": _named("a." + "b" * 100_000),
    "a version that is unknown": Case(422, "unknown-version", _event(version="ver_0"), ("/version",)),
    # the envelope is not one
    "a list": _invalid(b"[]", ""),
    "a text": _invalid(b'"a.b"', ""),
    "null": _invalid(b"null", ""),
    "no event": _invalid(_event("event"), "/event"),
    "event as a number": _member("event", 5),
    "event as null": _member("event", None),
    "a member that is unknown": _member("colour", PERSONAL),
    "a member in snake case": _member("occurred_at", "2026-11-22T10:15:00Z"),
    "properties as a list": _invalid(
        _event(properties=[PERSONAL]), "/properties", "/properties/text", "/properties/decimal"
    ),
    "test as text": _member("test", "true"),
    "version as a number": _member("version", 1),
    "an id as a number": _member("id", 1001),
    "an empty id": _member("id", ""),
    "an id that is too long": _member("id", "x" * 256),
    "a source that is too long": _member("source", "x" * 101),
    "a time without an offset": _member("occurredAt", "2026-11-22T10:15:00"),
    "a time as a number": _member("occurredAt", 1763802900),
    "a time that does not exist": _member("occurredAt", "2026-02-30T10:15:00Z"),
    "a time before all times": _member("occurredAt", "0001-01-01T00:00:00+14:00"),
    "a time that is far ahead": _member("occurredAt", "9999-12-31T23:59:59Z"),
    "person as text": _member("person", PERSONAL),
    "person as a list": _member("person", [{"email": PERSONAL}]),
    "an identifier that is unknown": _person("phone", PERSONAL),
    "an e-mail address as a number": _person("email", 5),
    "an e-mail address that is none": _person("email", PERSONAL.replace("@", " at ")),
    "a domain that is none": _person("email", "ada@xn--\u0000"),
    "a phone number that is none": _person("mobile", PERSONAL),
    "a phone number as a number": _person("mobile", 46701740605),
    "external ids as a list": _person("externalIds", [PERSONAL]),
    "too many external ids": _person("externalIds", {str(n): PERSONAL for n in range(21)}),
    # all at once
    "all of it": _invalid(
        _event(
            colour=PERSONAL,
            occurredAt="yesterday",
            person={"email": PERSONAL[:3]},
            properties={"decimal": "1", "integer": "2", "size": PERSONAL},
        ),
        "/colour",
        "/occurredAt",
        "/person/email",
        "/properties/text",
        "/properties/decimal",
        "/properties/integer",
        "/properties/size",
    ),
}
