"""The file of a backup: gzipped JSON lines that say at their end what they should have been.

    {"backup": "signalbox", "format": 1, "at": "2026-11-22T09:15:00.000Z", "tables": ["people", ...]}
    {"table": "people", "pk": "demo|3f", "rk": "i|3f...|c|marketing", "values": {"state": "opted_out", ...}}
    {"rows": {"people": 1, ...}, "sha256": "..."}

Text, whole numbers, true and false are what JSON has for them; bytes are `{"bytes": "<Base64>"}`. The SHA-256 covers
every line before the last: it tells a file that was cut short or altered by accident, not one that somebody forged.
"""

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from shared import times
from shared.ports import Row, Value

SCHEMA = 1
"""Of the file, its `format`; a version reads every number up to its own."""
LONGEST_LINE = 8 * 1024 * 1024
"""A row of 1 MiB is under 4 MiB as a line: what is longer is no row, and is not read into memory."""

Counts = Mapping[str, int]
"""Rows, by table."""


class Unreadable(Exception):
    """The file is no whole and unaltered backup that this version can read; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a file, the table that it belongs to, and how long its line is."""

    table: str
    row: Row
    size: int


class Writer:
    """Writes a file from its header on; it is whole once `end` has been called. Raises OSError."""

    def __init__(self, file: BinaryIO, at: datetime, tables: Sequence[str]) -> None:
        self.counts = dict.fromkeys(tables, 0)
        self._packed = gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0)
        self._digest = hashlib.sha256()
        self._put({"backup": "signalbox", "format": SCHEMA, "at": times.text(at), "tables": list(tables)})

    def add(self, table: str, row: Row) -> None:
        """Write a row, and count it."""
        values = {name: _written(value) for name, value in row.values.items()}
        self._put({"table": table, "pk": row.pk, "rk": row.rk, "values": values})
        self.counts[table] += 1

    def end(self) -> None:
        """Write the last line."""
        self._put({"rows": self.counts, "sha256": self._digest.hexdigest()})
        self._packed.close()

    def _put(self, doc: Mapping[str, Any]) -> None:
        line = json.dumps(doc, separators=(",", ":")).encode() + b"\n"
        self._digest.update(line)
        self._packed.write(line)


class Reader:
    """Reads a file from its beginning. Raises Unreadable; what its end says is known only once it is there."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._lines = _lines(file)
        first = next(self._lines, b"")
        self._digest = hashlib.sha256(first)
        match _document(first):
            case {"backup": "signalbox", "format": int(number)} if number > SCHEMA:
                raise Unreadable("A newer version of Signalbox made this backup. Restore it with that one.")
            case {"backup": "signalbox", "format": int(), "at": str(at), "tables": [*tables]}:
                self.at = at
                self.counts = {str(name): 0 for name in tables}
            case _:
                raise Unreadable("This is no backup of Signalbox.")

    def entries(self) -> Iterator[Entry]:
        """The rows, once, counted as they come."""
        for line in self._lines:
            doc = _document(line)
            if "sha256" in doc:
                return self._require_end(doc)
            self._digest.update(line)
            entry = _entry(doc, len(line))
            if entry.table not in self.counts:
                raise Unreadable("The file has been altered: it holds a table that its header does not name.")
            self.counts[entry.table] += 1
            yield entry
        raise Unreadable("The file ends too early: a part of it is missing.")

    def _require_end(self, doc: Mapping[str, Any]) -> None:
        if doc != {"rows": self.counts, "sha256": self._digest.hexdigest()}:
            raise Unreadable(
                "The file has been altered or damaged: its rows are not those that its end tells."
            )
        if next(self._lines, b""):
            raise Unreadable("The file has been altered: something follows its end.")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            while line := unpacked.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise Unreadable("The file has been altered: a line is longer than any row.")
                yield line
    except EOFError:
        raise Unreadable("The file ends too early: a part of it is missing.") from None
    except (gzip.BadGzipFile, zlib.error):
        raise Unreadable("The file is no backup, or it is damaged: it cannot be unpacked.") from None


def _document(line: bytes) -> dict[str, Any]:
    try:
        doc = json.loads(line)
    except ValueError:
        doc = None
    if not isinstance(doc, dict):
        raise Unreadable("The file is no backup, or it is damaged: a line cannot be read.")
    return doc


def _entry(doc: Mapping[str, Any], size: int) -> Entry:
    try:
        match doc:
            case {"table": str(table), "pk": str(pk), "rk": str(rk), "values": dict(values)}:
                read = {name: _read(value) for name, value in values.items()}
                return Entry(table, Row(pk, rk, read), size)
    except ValueError:
        pass
    raise Unreadable("The file is no backup, or it is damaged: a row cannot be read.")


def _written(value: Value) -> Any:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _read(value: Any) -> Value:
    match value:
        case {"bytes": str(text)}:
            return base64.b64decode(text, validate=True)
        case str() | int():
            return value
    raise ValueError("no value that a row holds")
