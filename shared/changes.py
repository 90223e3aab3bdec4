"""One change as an audit row tells it: who, when, what, and the members that are other than before.

Row key `~{inverted milliseconds}|{hash}`: behind every document of its partition, newest first, never written again. Of
sections, which share one partition, `~{section}|{inverted milliseconds}|{hash}`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared import exact, times
from shared.acting import actor
from shared.exact import Json
from shared.ports import Row, Value, bytes_of
from shared.times import EPOCH

FIRST = "~"
"""Where the audit rows of a partition begin; no id has it."""
LARGEST_TOLD = 16_384
"""Bytes of a member that are told; of a larger one its size and its hash."""
_LATEST = 10**13
_PLACE = len("0123456789012|0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one document, or what was started: then `before` and `after` say with what."""

    what: str
    id: str
    before: Mapping[str, Json]
    after: Mapping[str, Json]


def change(what: str, id: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Change:
    """The members that differ, without what is secret in them."""
    kept = {name for name in before.keys() & after.keys() if before[name] == after[name]} | {"schema"}
    told = [{name: _told(name, doc[name]) for name in doc if name not in kept} for doc in (before, after)]
    return Change(what, id, *told)


def row_of(pk: str, change: Change, at: datetime, etag: str | None = None, *, prefix: str = FIRST) -> Row:
    """The row of a change; `etag` is that of the document that it replaces, so that no two changes share a row."""
    doc = exact.dumps({"before": change.before, "after": change.after}).encode()
    same = hashlib.sha256("|".join((pk, change.id, change.what, str(etag), actor())).encode() + doc)
    rk = f"{prefix}{newest_of(at)}|{same.hexdigest()[:16]}"
    values: dict[str, Value] = {
        "at": times.text(at),
        "by": actor(),
        "what": change.what,
        "id": change.id,
        "doc": doc,
    }
    return Row(pk, rk, values)


def newest_of(at: datetime) -> str:
    """Where the changes of that time begin: behind all later ones, before all earlier ones."""
    return f"{_LATEST - (at - EPOCH) // timedelta(milliseconds=1):013d}"


def place_of(row: Row) -> str:
    """Where a change stands among all of its section, whichever partition it lies in."""
    return row.rk[-_PLACE:]


def cursor_of(place: str) -> str:
    """A place in the form of an id, as callers have it."""
    inverted, _, same = place.partition("|")
    return str(UUID(f"{int(inverted):012x}0000{same}"))


def place_at(cursor: str) -> str:
    """The place that a cursor names."""
    text = UUID(cursor).hex
    return f"{min(int(text[:12], 16), _LATEST - 1):013d}|{text[16:]}"


def shown(row: Row) -> dict[str, Json]:
    """A change as the API answers it."""
    told = exact.read(bytes_of(row, "doc"))
    return {**{name: row.values[name] for name in ("at", "by", "what", "id")}, **told}


def _told(name: str, value: Json) -> Json:
    if name == "hashKey":
        return "sealed"
    if name == "secrets":
        return _secrets(value)
    text = exact.dumps(value).encode()
    if len(text) > LARGEST_TOLD:
        return {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    return value


def _secrets(value: Json) -> Json:
    """Which there are: the numbers of a key's, the names of a destination's, how many of a source's."""
    if isinstance(value, dict):
        return sorted(value)
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return [{"number": one.get("number"), "revokedAt": one.get("revokedAt")} for one in value]
    return len(value) if isinstance(value, list) else "sealed"
