"""A trail: what became of one event, step by step, and each of its deliveries; as data, and as rows."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared import times
from shared.ports import Row, Value, bytes_of

MAX_ATTEMPTS = 20
"""Attempts that a receipt keeps, the newest."""


class Status(StrEnum):
    """The states of a delivery (docs/design-notes.md draws them)."""

    PENDING = "pending"
    SENDING = "sending"
    RETRYING = "retrying"
    PARKED = "parked"
    DELIVERED = "delivered"
    REFUSED = "refused"
    HELD = "held"
    DEAD = "dead"


OPEN = frozenset({Status.PENDING, Status.SENDING, Status.RETRYING})
"""Somebody still has to do something, without being told to."""

JUDGED = ("doc", "destination", "purpose", "status", "cause", "replays", "doneAt", "took")
"""What is read of a trail's rows to say how it ended, and how long that took: all but attempts."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: no outcome means that it was begun and its end is not known."""

    number: int
    at: str
    outcome: str | None = None
    status_code: int | None = None
    reason: str | None = None
    answer: str | None = None
    """The beginning of what came back, where it was no success."""
    request: str | None = None
    """A short keyed hash of what was sent (`build.fingerprint`)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one route's destination; `closed_since`, while that cannot be opened, is since when."""

    event_id: str
    route: str
    destination: str
    purpose: str
    person: str | None = None
    status: Status = Status.PENDING
    cause: str | None = None
    attempt: int = 0
    due_at: datetime | None = None
    claim_until: datetime | None = None
    closed_since: datetime | None = None
    replays: int = 0
    copy: int = 0
    """Which of its replays gave it another id, the last one that did; 0: none."""
    done_at: datetime | None = None
    """When it was delivered."""
    took: int | None = None
    """Milliseconds that its destination took to answer, the last time."""
    attempts: tuple[Attempt, ...] = ()
    etag: str | None = None

    @property
    def id(self) -> str:
        """Stable over all attempts and replays."""
        return f"{self.event_id}_{self.route}"

    @property
    def sent_as(self) -> str:
        """What a receiver deduplicates by: stable over all attempts, and over replays that do not ask for another one."""
        return f"{self.id}_r{self.copy}" if self.copy else self.id


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the line did with an event."""

    name: str
    at: str
    outcome: str
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Trail:
    """Everything known of an event after it was stored; `steps` is empty until it has been processed.

    `written`: the steps were read from storage.
    """

    person: str | None = None
    steps: tuple[Step, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    repeat_differs: bool = False
    written: bool = False

    def delivery(self, route: str) -> Delivery | None:
        """The delivery of a route, if the event has one."""
        return next((one for one in self.deliveries if one.route == route), None)

    @property
    def consent_at(self) -> datetime | None:
        """When consent was asked as the event was processed."""
        return next((times.parse(step.at) for step in self.steps if step.name == "consent"), None)

    @property
    def open(self) -> bool:
        """Whether something of it still has to happen by itself."""
        return not self.steps or self.open_deliveries > 0

    @property
    def open_deliveries(self) -> int:
        """How many of its deliveries somebody still has to do something about."""
        return sum(delivery.status in OPEN for delivery in self.deliveries)

    @property
    def starts_nothing(self) -> bool:
        """Whether it was decided just now that nothing goes anywhere: nobody can have begun to replay it."""
        return all(one.etag is None and one.status not in OPEN for one in self.deliveries)


def extended(trail: Trail, kind: str, row: Row) -> Trail:
    """The trail with what one more of its rows says; `kind` is what stands behind the event's id."""
    if kind == "!":
        return replace(trail, repeat_differs=True)
    if kind:
        return replace(trail, deliveries=(*trail.deliveries, delivery_in(row)))
    doc = json.loads(bytes_of(row, "doc"))
    steps = tuple(Step(**step) for step in doc["steps"])
    return replace(trail, person=doc["person"], steps=steps, written=True)


def steps_row(pk: str, id: str, trail: Trail) -> Row:
    steps = [_members(step) for step in trail.steps]
    doc = _written({"person": trail.person, "steps": steps})
    return Row(pk, f"{id}|", {"doc": doc, "schema": 1})


def delivery_row(pk: str, delivery: Delivery) -> Row:
    attempts = [_members(attempt) for attempt in delivery.attempts[-MAX_ATTEMPTS:]]
    values: dict[str, Value] = {
        "destination": delivery.destination,
        "purpose": delivery.purpose,
        "person": delivery.person,
        "status": delivery.status.value,
        "cause": delivery.cause,
        "attempt": delivery.attempt,
        "dueAt": times.text(delivery.due_at) if delivery.due_at else None,
        "claimUntil": times.text(delivery.claim_until) if delivery.claim_until else None,
        "closedSince": times.text(delivery.closed_since) if delivery.closed_since else None,
        "replays": delivery.replays,
        "copy": delivery.copy,
        "doneAt": times.text(delivery.done_at) if delivery.done_at else None,
        "took": delivery.took,
        "attempts": _written(attempts),
        "schema": 1,
    }
    return Row(pk, f"{delivery.event_id}|{delivery.route}", values, delivery.etag)


def delivery_in(row: Row) -> Delivery:
    values = row.values
    id, _, route = row.rk.partition("|")
    return Delivery(
        event_id=id,
        route=route,
        destination=str(values["destination"]),
        purpose=str(values["purpose"]),
        person=_text(values.get("person")),
        status=Status(str(values["status"])),
        cause=_text(values.get("cause")),
        attempt=int(values.get("attempt") or 0),
        due_at=_time(values.get("dueAt")),
        claim_until=_time(values.get("claimUntil")),
        closed_since=_time(values.get("closedSince")),
        replays=int(values.get("replays") or 0),
        copy=int(values.get("copy") or 0),
        done_at=_time(values.get("doneAt")),
        took=_number(values.get("took")),
        attempts=_attempts(row),
        etag=row.etag,
    )


def _attempts(row: Row) -> tuple[Attempt, ...]:
    """None where they were not read."""
    if "attempts" not in row.values:
        return ()
    return tuple(_attempt(doc) for doc in json.loads(bytes_of(row, "attempts")))


def _attempt(doc: dict[str, Any]) -> Attempt:
    code = doc.get("status_code")
    return Attempt(
        **{**doc, "number": int(doc["number"]), "status_code": None if code is None else int(code)}
    )


def _written(doc: object) -> bytes:
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False).encode()


def _members(item: Step | Attempt) -> dict[str, Any]:
    return {name: value for name in item.__slots__ if (value := getattr(item, name)) is not None}


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _time(value: Value) -> datetime | None:
    return times.parse(value) if isinstance(value, str) else None
