"""What lies on the bus: references only, never a body or an identifier of a person."""

from dataclasses import dataclass
from typing import Any

from shared import exact, ids
from shared.ids import Commit

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class CommitMessage:
    """On queue `events`: one stored commit to process."""

    section: str
    commit: Commit

    def write(self) -> str:
        return exact.dumps({"schema": SCHEMA, "section": self.section, "commit": self.commit.id})


@dataclass(frozen=True, slots=True)
class DeliveryMessage:
    """On queue `deliveries`: events to take to one route's destination.

    `whole`: they are of one commit, and nothing else of it has to be delivered. `waits`: how often its message has been
    put off.
    """

    section: str
    route: str
    events: tuple[str, ...]
    whole: bool = False
    waits: int = 0

    def write(self) -> str:
        doc = {"schema": SCHEMA, "section": self.section, "route": self.route, "events": list(self.events)}
        more = {"whole": self.whole, "waits": self.waits}
        return exact.dumps({**doc, **{name: value for name, value in more.items() if value}})


def read_commit(body: bytes) -> CommitMessage:
    """Raises KeyError, ValueError or MalformedBody for what is no such message."""
    doc = _read(body)
    return CommitMessage(doc["section"], ids.commit_of(doc["commit"]))


def read_delivery(body: bytes) -> DeliveryMessage:
    """Raises KeyError, ValueError or MalformedBody for what is no such message."""
    doc = _read(body)
    return DeliveryMessage(
        doc["section"], doc["route"], tuple(doc["events"]), doc.get("whole", False), int(doc.get("waits", 0))
    )


def _read(body: bytes) -> dict[str, Any]:
    doc: dict[str, Any] = exact.loads(body)
    if int(doc["schema"]) > SCHEMA:
        raise ValueError("the message is of a newer version of this software")
    return doc
