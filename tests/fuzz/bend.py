"""Bends bodies: bytes anywhere, and values of JSON, so that some of it still reaches the rules behind the parser."""

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

TOKENS = (
    b"\x00", b"\x1f", b"\x7f", b"\x80", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80",
    b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"\\ud800", b"\\udc00", b"\\u0000", b"\\ud83d\\ude80", b"\\", b"\\x",
    b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b"//", b"/*", b"\r\n", b"\t", b" " * 50,
    b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"[]", b"{}", b'""', b"-", b"-0", b"-0.0", b"0x1", b"01",
    b"1e308", b"1e309", b"1e-400", b"1E+9999999999", b"9" * 63, b"9" * 400, b"0." + b"0" * 70 + b"1",
    b"[" * 31, b"[" * 40, b"]" * 40, b'{"a":' * 33, b'"a":1,"a":2', b'"__proto__":{}', b'"\xe2\x80\xa8":1',
    b"${jndi:ldap://canary}", b"'; drop table events; --", b"{{canary}}", b"%s%n", b"../../etc/passwd", b"<canary/>",
    b"canary@canary.example", b"+46701740699", b"canary-text-7f3a",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**63, -(2**63) - 1, 10**63, 1.5, -0.0, 1e-308, 1e22, "", " ", "\x00", "\u2028",
    "\ud83d\ude80", "a" * 256, "a" * 40_000, "é" * 300, "\u202ecanary", "canary@canary.example", "CANARY@EXÄMPLE.COM",
    "canary@" + "a" * 300 + ".example", '"canary"@canary.example', "+46701740699", "070-174 06 99", "+0", "00",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2026-11-22T10:15:00", "2026-02-30", "2026-11-22T10:15:00+24:00",
    "ver_0000000000000000", "storm.refused", "storm-out", "a.b", "*", "|", "~", "ffffffff-ffff-8000-8000-000000000000",
    "http://127.0.0.1:1/", "https://[::1]/", "https://user:canary@h/", "file:///etc/passwd", "https://canary.invalid/" + "a" * 3_000,
    "length(@)", "`1`", "a || b", "join(',', @)", "sort_by(@, &canary)", "[?a==`1`]", "to_number(canary)", "*.*.*", "@" * 900,
    [], [[]], [None], ["a"] * 200, {}, {"": ""}, {"a" * 200: "canary"}, {"canary": {"canary": "canary"}}, [{"event": 5}] * 5,
)  # fmt: skip
BOMB = gzip.compress(bytes(64 * 1024 * 1024), 9)

Rng = random.Random


def bent(rng: Rng, body: bytes, others: list[bytes]) -> bytes:
    """A body a few steps away from the one given."""
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
        body = rng.choice(STEPS)(rng, body, others)
    return body


def _flip(rng: Rng, body: bytes, _: list[bytes]) -> bytes:
    at = rng.randrange(len(body) or 1)
    return body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]


def _cut(rng: Rng, body: bytes, _: list[bytes]) -> bytes:
    low, high = sorted((rng.randrange(len(body) + 1), rng.randrange(len(body) + 1)))
    return body[:low] + body[high:] if rng.random() < 0.7 else body[:low]


def _repeat(rng: Rng, body: bytes, _: list[bytes]) -> bytes:
    low, high = sorted((rng.randrange(len(body) + 1), rng.randrange(len(body) + 1)))
    return body[:high] + body[low : low + 2_000] * rng.choice((1, 2, 20)) + body[high:]


def _insert(rng: Rng, body: bytes, _: list[bytes]) -> bytes:
    at = rng.randrange(len(body) + 1)
    return body[:at] + rng.choice(TOKENS) + body[at + rng.choice((0, 0, 1, 5)) :]


def _splice(rng: Rng, body: bytes, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    return body[: rng.randrange(len(body) + 1)] + other[rng.randrange(len(other) + 1) :]


def _value(rng: Rng, body: bytes, _: list[bytes]) -> bytes:
    """Change one value, if it is JSON still."""
    try:
        doc = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return json.dumps(_changed(rng, doc), ensure_ascii=rng.random() < 0.5).encode(errors="surrogatepass")


def _changed(rng: Rng, doc: Any) -> Any:
    if isinstance(doc, dict) and doc and rng.random() < 0.95:
        return _changed_object(rng, dict(doc))
    if isinstance(doc, list) and doc and rng.random() < 0.95:
        at = rng.randrange(len(doc))
        return [*doc[:at], _changed(rng, doc[at]), *doc[at + rng.choice((0, 1, 1)) :]]
    return rng.choice(VALUES)


def _changed_object(rng: Rng, doc: dict[str, Any]) -> dict[str, Any]:
    name = rng.choice(list(doc))
    match rng.randrange(10):
        case 0:
            del doc[name]
        case 1:
            doc[str(rng.choice(VALUES))[:300]] = rng.choice(VALUES)
        case 2:
            doc[name.swapcase()] = doc.pop(name)
        case _:
            doc[name] = _changed(rng, doc[name])
    return doc


STEPS: tuple[Callable[[Rng, bytes, list[bytes]], bytes], ...] = (
    _flip, _flip, _cut, _repeat, _insert, _insert, _splice, _value, _value, _value, _value, _value,
)  # fmt: skip
