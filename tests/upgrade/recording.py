"""What a version has written, as one file that a reviewer can read: raw rows, blobs, messages, and what is known of them."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.ports import Row, Value
from tests.crash import Message
from tests.fakes import Rows

FOLDER = Path(__file__).parents[1] / "fixtures/upgrade"


@dataclass(frozen=True, slots=True)
class Recording:
    """The stores and the bus of a line at one moment. `known` is what its users know and expect."""

    version: str
    at: datetime
    tables: Mapping[str, Rows]
    blobs: Mapping[str, bytes]
    messages: tuple[Message, ...]
    known: Mapping[str, Any]


def write(recording: Recording) -> str:
    """The file's text: a line for each row, each message and each thing that is known, in a fixed order."""
    doc = {
        "version": recording.version,
        "at": recording.at.isoformat(),
        "known": {name: list(found) for name, found in recording.known.items()},
        "messages": [[one.queue, one.at and one.at.isoformat(), one.body] for one in recording.messages],
        "blobs": [[name, _written(body)] for name, body in sorted(recording.blobs.items())],
        "tables": {name: list(_rows(rows)) for name, rows in sorted(recording.tables.items()) if rows},
    }
    return (
        "{\n" + ",\n".join(f"{json.dumps(name)}: {_spread(value)}" for name, value in doc.items()) + "\n}\n"
    )


def read(path: Path) -> Recording:
    """What `write` has written."""
    doc = json.loads(path.read_text())
    return Recording(
        version=doc["version"],
        at=datetime.fromisoformat(doc["at"]),
        tables={
            name: {(pk, rk): _row(pk, rk, values) for pk, rk, values in rows}
            for name, rows in doc["tables"].items()
        },
        blobs={name: _bytes(body) for name, body in doc["blobs"]},
        messages=tuple(
            Message(queue, body, at and datetime.fromisoformat(at)) for queue, at, body in doc["messages"]
        ),
        known=doc["known"],
    )


def _rows(rows: Rows) -> Iterator[list[Any]]:
    for pk, rk in sorted(rows):
        yield [pk, rk, {name: _written(value) for name, value in sorted(rows[pk, rk].values.items())}]


def _row(pk: str, rk: str, values: Mapping[str, Any]) -> Row:
    return Row(
        pk,
        rk,
        {name: _bytes(one) if isinstance(one, dict) else one for name, one in values.items()},
        "recorded",
    )


def _written(value: Value) -> Any:
    """Bytes that are text stay readable."""
    if not isinstance(value, bytes):
        return value
    try:
        return {"utf8": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _bytes(doc: Mapping[str, str]) -> bytes:
    return doc["utf8"].encode() if "utf8" in doc else base64.b64decode(doc["base64"])


def _spread(value: Any) -> str:
    """JSON with each item of a list on a line of its own."""
    if isinstance(value, dict):
        return (
            "{\n" + ",\n".join(f" {json.dumps(name)}: {_spread(one)}" for name, one in value.items()) + "\n}"
        )
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in value) + "\n]"
    return json.dumps(value)
