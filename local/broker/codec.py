"""Walks and writes AMQP encoded values byte by byte, so that nobody's message has to be decoded.

Source: OASIS AMQP 1.0 part 1, section 1.2 (constructors) and 1.6 (primitive types),
http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-types-v1.0-os.html
"""

import struct
from collections.abc import Iterable, Sequence

from local.broker.errors import Malformed

NULL = b"\x40"
TRUE = b"\x41"
FALSE = b"\x42"

_DESCRIBED = 0x00
_EMPTY_LIST = 0x45
_FIXED_WIDTH = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_SIZE_WIDTH = {0xA: 1, 0xB: 4, 0xC: 1, 0xD: 4, 0xE: 1, 0xF: 4}
_COUNT_WIDTH = {0xC0: 1, 0xC1: 1, 0xD0: 4, 0xD1: 4}
_MAPS = {0xC1, 0xD1}


def value_end(data: bytes, at: int) -> int:
    """Where the value that starts at `at` ends. Raises Malformed when it does not end inside `data`."""
    pending = 1
    try:
        while pending:
            if data[at] == _DESCRIBED:
                pending, at = pending + 1, at + 1
            else:
                pending, at = pending - 1, at + _width(data, at)
    except (IndexError, KeyError):
        raise Malformed("a value is cut short or of an unknown type") from None
    if at > len(data):
        raise Malformed("a value is cut short")
    return at


def _width(data: bytes, at: int) -> int:
    family = data[at] >> 4
    if family in _FIXED_WIDTH:
        return 1 + _FIXED_WIDTH[family]
    size_width = _SIZE_WIDTH[family]
    return 1 + size_width + int.from_bytes(data[at + 1 : at + 1 + size_width])


def elements(value: bytes) -> list[bytes]:
    """The encoded elements of a list, or the alternating keys and values of a map."""
    if value[0] == _EMPTY_LIST:
        return []
    width = _COUNT_WIDTH.get(value[0])
    if width is None:
        raise Malformed("expected a list or a map")
    found, at = [], 1 + 2 * width
    for _ in range(int.from_bytes(value[1 + width : at])):
        end = value_end(value, at)
        found.append(value[at:end])
        at = end
    return found


def pairs(value: bytes) -> list[tuple[bytes, bytes]]:
    """The encoded keys and values of a map."""
    flat = elements(value)
    if value[0] not in _MAPS or len(flat) % 2:
        raise Malformed("expected a map of keys and values")
    return list(zip(flat[::2], flat[1::2], strict=True))


def number(value: bytes) -> int | None:
    """An unsigned integer or a timestamp after 1970; null is None."""
    if value == NULL:
        return None
    if value[0] >> 4 not in _FIXED_WIDTH:
        raise Malformed("expected a number")
    return int.from_bytes(value[1:])


def payload(value: bytes) -> bytes:
    """The bytes inside a binary, string or symbol."""
    if value[0] >> 4 not in (0xA, 0xB):
        raise Malformed("expected a binary, string or symbol")
    return value[1 + _SIZE_WIDTH[value[0] >> 4] :]


def symbol(text: str) -> bytes:
    return bytes((0xA3, len(text))) + text.encode("ascii")


def string(text: str) -> bytes:
    data = text.encode()
    return b"\xb1" + struct.pack(">I", len(data)) + data


def uint(value: int) -> bytes:
    return struct.pack(">BI", 0x70, value)


def int32(value: int) -> bytes:
    return struct.pack(">Bi", 0x71, value)


def long(value: int) -> bytes:
    return struct.pack(">Bq", 0x81, value)


def timestamp(unix_seconds: float) -> bytes:
    return struct.pack(">Bq", 0x83, int(unix_seconds * 1000))


def described_list(descriptor: int, *fields: bytes) -> bytes:
    return _described(descriptor, 0xD0, fields)


def described_map(descriptor: int, items: Iterable[tuple[bytes, bytes]]) -> bytes:
    return _described(descriptor, 0xD1, [part for item in items for part in item])


def _described(descriptor: int, constructor: int, items: Sequence[bytes]) -> bytes:
    body = b"".join(items)
    head = struct.pack(">BBBBII", _DESCRIBED, 0x53, descriptor, constructor, len(body) + 4, len(items))
    return head + body
