"""A kept webhook: as data, as operators see it, and as the rows of one transaction.

Beside its own row, one for each identifier that it mentions: `~{keyed hash}|{id}`, behind all ids of the partition. They
come and go with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared import exact
from shared.errors import SignalboxError
from shared.exact import Json
from shared.ports import Row, Value, bytes_of

MAX_FAULTS = 20
MENTIONED = "~"
"""Sorts after every id: what begins so is the index by identifiers."""
SHOWN = ("doc", "bytes", "blob", "mentions")
"""What a list reads of a row: all but the body."""


class Cause(StrEnum):
    """Why a genuine webhook is not an event. The names are those of the problems that it would have been."""

    MALFORMED_BODY = "malformed-body"
    UNKNOWN_TYPE = "unknown-type"
    UNKNOWN_EVENT = "unknown-event"
    UNKNOWN_VERSION = "unknown-version"
    INVALID = "invalid"
    BODY_TOO_LARGE = "body-too-large"
    BROKEN_SOURCE = "broken-source"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Item:
    """One kept request with what was wrong with it. `body` is None where only the list was read.

    `mentions`: the keyed hashes of the identifiers that were seen in it.
    """

    id: str
    cause: Cause
    source: str
    at: str
    detail: str
    faults: tuple[Mapping[str, Json], ...]
    headers: Mapping[str, str]
    size: int
    blob: str | None = None
    body: bytes | None = None
    mentions: tuple[str, ...] = ()
    events: Mapping[str, int] = field(default_factory=dict)
    """How many events of which definition it was to be, as far as its types said so when it came."""

    def shown(self) -> dict[str, Json]:
        """As operators see it in a list: never the body, which may hold anything."""
        return {
            "id": self.id,
            "cause": self.cause.value,
            "source": self.source,
            "at": self.at,
            "detail": self.detail,
            "errors": list(self.faults),
            "bytes": self.size,
        }


def cause_of(refusal: SignalboxError) -> Cause:
    """What a refusal makes of a request that is kept."""
    return Cause(refusal.type) if refusal.type in set(Cause) else Cause.INVALID


def faults_of(refusal: SignalboxError) -> tuple[Mapping[str, Json], ...]:
    """What was wrong, as it is kept: the first MAX_FAULTS."""
    return tuple(fault.shown() for fault in refusal.faults[:MAX_FAULTS])


def place_of(section: str, cause: Cause) -> str:
    """The partition of a cause."""
    return f"{section}|{cause}"


def rows_of(section: str, item: Item) -> Sequence[Row]:
    """All rows of a request, its own first. A body that lies in a blob is not in it."""
    pk = place_of(section, item.cause)
    about: dict[str, Json] = {
        "source": item.source,
        "at": item.at,
        "detail": item.detail,
        "errors": list(item.faults),
    }
    about |= {"events": dict(item.events)} if item.events else {}
    values: dict[str, Value] = {
        "doc": exact.dumps({**about, "headers": dict(item.headers)}).encode(),
        "bytes": item.size,
        "blob": item.blob,
        "mentions": " ".join(item.mentions) or None,
        "schema": 1,
    }
    own = Row(pk, item.id, values if item.blob else {**values, "body": item.body})
    return [own, *(Row(pk, f"{MENTIONED}{one}|{item.id}", {"schema": 1}) for one in item.mentions)]


def item_in(row: Row) -> Item:
    """The request that a row is of, without its body."""
    doc = exact.read(bytes_of(row, "doc"))
    blob = row.values.get("blob")
    return Item(
        id=row.rk,
        cause=Cause(row.pk.partition("|")[2]),
        source=doc["source"],
        at=doc["at"],
        detail=doc["detail"],
        faults=tuple(doc["errors"]),
        headers=doc["headers"],
        size=int(row.values["bytes"] or 0),
        blob=blob if isinstance(blob, str) else None,
        mentions=tuple(str(row.values.get("mentions") or "").split()),
        events={event: int(count) for event, count in doc.get("events", {}).items()},
    )
