"""Rows as Table Storage entities: what fits, and how long bytes are split over members and joined again.

Limits: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
The emulators check few of them, so they are checked here, before anything is sent.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from shared.ports import MAX_OPERATIONS, Operation, Row, RowTooLarge, Value, Verb

MAX_ROW_BYTES: Final = 1024 * 1024
MAX_PART_BYTES: Final = 64 * 1024
MAX_TEXT_UNITS: Final = 32 * 1024
MAX_KEY_UNITS: Final = 512
MAX_MEMBERS: Final = 252
MAX_TRANSACTION_BYTES: Final = 4 * 1024 * 1024
INT32: Final = range(-(2**31), 2**31)

# What the SDK's multipart writing adds to an operation besides its keys and members: under 700 bytes measured.
_OPERATION_BYTES: Final = 800
_KEYS: Final = frozenset({"PartitionKey", "RowKey", "Timestamp"})
_FORBIDDEN_IN_KEYS: Final = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_PART: Final = re.compile(r"(.+)_(\d+)")

Entity = dict[str, str | int | bool | bytes]
"""What azure-data-tables writes: the members, PartitionKey and RowKey."""


def legal_key(key: str) -> bool:
    """Whether a partition or row key may exist at all; ids that come out of a URL may be anything."""
    return _units(key) <= MAX_KEY_UNITS and not _FORBIDDEN_IN_KEYS.search(key)


def entity_of(row: Row) -> Entity:
    """The entity to write; members that are None are left out.

    Bytes longer than 64 KiB are split over `name`, `name_1`, `name_2` …: the last part is always shorter than
    64 KiB (empty if need be), so that parts which an earlier, longer value left behind are never read.
    Raises RowTooLarge, and ValueError for keys and names that no row can have (`name_1` is one of them).
    """
    for key in (row.pk, row.rk):
        if not legal_key(key):
            raise ValueError("a key is too long or holds a character that Table Storage forbids")
    members: Entity = {}
    for name, value in row.values.items():
        if value is not None:
            members.update(_parts(name, value))
    if len(members) > MAX_MEMBERS or _row_bytes(row, members) > MAX_ROW_BYTES:
        raise RowTooLarge
    return {"PartitionKey": row.pk, "RowKey": row.rk, **members}


def row_of(entity: Mapping[str, Any], etag: str | None) -> Row:
    """The row that was read; members of types that a row cannot hold (another tool's) are left out."""
    values: dict[str, Value] = {}
    for name, found in entity.items():
        if name in _KEYS or _is_part(name):
            continue
        # azure.data.tables.EntityProperty: (value, type), as for 64-bit integers
        value = found[0] if isinstance(found, tuple) else found
        if isinstance(value, bytes):
            values[name] = value if len(value) < MAX_PART_BYTES else _joined(name, value, entity)
        elif isinstance(value, (str, int)):
            values[name] = value
    return Row(entity["PartitionKey"], entity["RowKey"], values, etag)


def entities_of(operations: Sequence[Operation]) -> list[Entity]:
    """The entities of a transaction, of deletions the keys only.

    Raises RowTooLarge over 100 operations or 4 MiB as sent, ValueError for rows that cannot go together.
    """
    rows = [operation.row for operation in operations]
    if len(rows) > MAX_OPERATIONS:
        raise RowTooLarge
    if len({row.pk for row in rows}) > 1 or len({row.rk for row in rows}) < len(rows):
        raise ValueError("a transaction takes different rows of one partition")
    entities = [
        entity_of(Row(row.pk, row.rk) if operation.verb is Verb.DELETE else row)
        for operation, row in zip(operations, rows, strict=True)
    ]
    # Counting to the byte costs more than writing what is far from the limit, as nearly everything is.
    for size in (_at_most, _json_bytes):
        if sum(_sent_bytes(entity, size) for entity in entities) <= MAX_TRANSACTION_BYTES:
            return entities
    raise RowTooLarge


def _parts(name: str, value: str | int | bytes) -> Iterator[tuple[str, str | int | bytes]]:
    if not name.isidentifier() or name in _KEYS or _is_part(name):
        raise ValueError(f"a member cannot be named {name}")
    if isinstance(value, bytes):
        for number in range(len(value) // MAX_PART_BYTES + 1):
            start = number * MAX_PART_BYTES
            yield _part_name(name, number), value[start : start + MAX_PART_BYTES]
    elif _units(value) > MAX_TEXT_UNITS if isinstance(value, str) else value not in INT32:
        raise RowTooLarge
    else:
        yield name, value


def _joined(name: str, first: bytes, members: Mapping[str, Any]) -> bytes:
    parts, number = [first], 0
    while len(parts[-1]) == MAX_PART_BYTES:
        number += 1
        parts.append(members.get(_part_name(name, number), b""))
    return b"".join(parts)


def _is_part(name: str) -> bool:
    return name[-1].isdigit() and _PART.fullmatch(name) is not None


def _part_name(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def _row_bytes(row: Row, members: Entity) -> int:
    keys = 4 + 2 * (_units(row.pk) + _units(row.rk))
    return keys + sum(8 + 2 * len(name) + _stored_bytes(value) for name, value in members.items())


def _stored_bytes(value: str | int | bytes) -> int:
    if isinstance(value, bytes):
        return 4 + len(value)
    return 4 + 2 * _units(value) if isinstance(value, str) else 4


def _sent_bytes(entity: Entity, size: Callable[[str | int | bytes], int]) -> int:
    """At most what one operation takes: JSON, where bytes are Base64, and the keys in the URL, percent-encoded."""
    keys = 3 * sum(len(str(entity[name]).encode()) for name in ("PartitionKey", "RowKey"))
    members = sum(50 + 2 * len(name) + size(value) for name, value in entity.items())
    return _OPERATION_BYTES + keys + members


def _at_most(value: str | int | bytes) -> int:
    """What a value takes in JSON, if every character has to be escaped."""
    return 2 * len(value) + 4 if isinstance(value, bytes) else 12 * len(str(value)) + 2


def _json_bytes(value: str | int | bytes) -> int:
    return 4 * (len(value) // 3 + 1) if isinstance(value, bytes) else len(json.dumps(value))


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
