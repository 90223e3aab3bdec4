"""Receipts: what became of each event, step by step, and each of its deliveries with every attempt.

Table `receipts`: a commit's events share a partition, `{id}|` holds the steps, `{id}|{route}` one delivery, `{id}|!`
a note. One range read is a whole receipt, and one transaction writes what processing a commit decided.
What is asked for or saved at the same time in one partition is read or written together.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared import exact, ids, times
from shared.errors import Unavailable
from shared.gather import Gather
from shared.ids import Commit
from shared.ports import Operation, Row, RowChanged, RowTooLarge, Tables, Value, Verb, bytes_of
from shared.storage import RECEIPTS

MAX_ATTEMPTS = 20
"""Attempts that a receipt keeps, the newest."""
MAX_OPERATIONS = 100
MAX_WAITING = 1_000
"""Reads of one commit, or deliveries to save in one partition, that wait for those under way."""


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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: no outcome means that it was begun and its end is not known."""

    number: int
    at: str
    outcome: str | None = None
    status_code: int | None = None
    reason: str | None = None


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
    attempts: tuple[Attempt, ...] = ()
    etag: str | None = None

    @property
    def id(self) -> str:
        """Stable over all attempts and replays: what a receiver deduplicates by."""
        return f"{self.event_id}_{self.route}"


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
        return not self.steps or any(delivery.status in OPEN for delivery in self.deliveries)

    @property
    def starts_nothing(self) -> bool:
        """Whether it was decided just now that nothing goes anywhere: nobody can have begun to replay it."""
        return all(one.etag is None and one.status not in OPEN for one in self.deliveries)


class Receipts:
    """Reads and writes the receipts table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._reads = Gather(self._read, most=ids.MAX_EVENTS_A_COMMIT, most_waiting=MAX_WAITING)
        self._saves = Gather(self._save, most=MAX_OPERATIONS, most_waiting=MAX_WAITING)

    async def trail(self, section: str, id: str) -> Trail:
        """The trail of one event. Raises ValueError for what is no event id."""
        return await self._reads.add((section, ids.commit_of(id)), id)

    async def trails(self, section: str, commit: Commit) -> dict[str, Trail]:
        """The trails of a commit's events, by id: one range read."""
        return await self._trails(section, commit, f"{commit.id}|", f"{commit.last}|~")

    async def write(self, section: str, commit: Commit, trails: Mapping[str, Trail]) -> None:
        """Write what processing decided: deliveries and steps where there are none yet.

        Steps say that an event is processed, so they come last: many routes take more than one transaction.
        Raises RowExists when somebody has written some of it before: read and decide again.
        """
        pk = _pk(section, commit)
        operations = [
            Operation(Verb.INSERT, _delivery_row(pk, delivery))
            for trail in trails.values()
            for delivery in trail.deliveries
            if delivery.etag is None
        ]
        operations += [
            Operation(Verb.INSERT, _steps_row(pk, id, trail))
            for id, trail in trails.items()
            if not trail.written
        ]
        for start in range(0, len(operations), MAX_OPERATIONS):
            await self._tables.transact(RECEIPTS.name, operations[start : start + MAX_OPERATIONS])

    async def delivery(self, section: str, id: str, route: str) -> Delivery | None:
        """One delivery. A `route` that is none may name another row of the event: that is no delivery."""
        row = await self._tables.get(RECEIPTS.name, _pk(section, ids.commit_of(id)), f"{id}|{route}")
        return _delivery(row) if row is not None and "destination" in row.values else None

    async def save(self, section: str, delivery: Delivery) -> Delivery:
        """Write a delivery that was read before. Raises RowChanged when someone else changed it."""
        saved = await self._saves.add(_pk(section, ids.commit_of(delivery.event_id)), delivery)
        if isinstance(saved, Exception):
            raise saved
        return saved

    async def note_difference(self, section: str, id: str) -> None:
        """Note that a sender repeated this event with another content under the same delivery id."""
        await self._tables.upsert(
            RECEIPTS.name, Row(_pk(section, ids.commit_of(id)), f"{id}|!", {"schema": 1})
        )

    async def remove(self, section: str, ids_: Iterable[str]) -> None:
        """Delete everything about some events."""
        for id in ids_:
            commit = ids.commit_of(id)
            async for row in self._rows(section, commit, f"{id}|", f"{id}|~"):
                await self._tables.delete(RECEIPTS.name, row.pk, row.rk)

    async def _read(self, place: tuple[str, Commit], wanted: Sequence[str]) -> Sequence[Trail]:
        found = await self._trails(*place, f"{min(wanted)}|", f"{max(wanted)}|~")
        return [found.get(id, Trail()) for id in wanted]

    async def _save(self, pk: str, deliveries: Sequence[Delivery]) -> Sequence[Delivery | Exception]:
        """All in one transaction; when one of them stands in its way, each by itself."""
        rows = [_delivery_row(pk, one) for one in deliveries]
        if len({row.rk for row in rows}) == len(rows) > 1:
            try:
                etags = await self._tables.transact(
                    RECEIPTS.name, [Operation(Verb.REPLACE, row) for row in rows]
                )
            except (RowChanged, RowTooLarge):
                pass
            else:
                return [replace(one, etag=etag) for one, etag in zip(deliveries, etags, strict=True)]
        return await asyncio.gather(*(self._save_one(pk, one) for one in deliveries))

    async def _save_one(self, pk: str, delivery: Delivery) -> Delivery | Exception:
        try:
            etag = await self._tables.replace(RECEIPTS.name, _delivery_row(pk, delivery))
        except (RowChanged, RowTooLarge, Unavailable) as error:
            return error
        return replace(delivery, etag=etag)

    def _rows(self, section: str, commit: Commit, low: str, high: str) -> AsyncIterator[Row]:
        return self._tables.range(RECEIPTS.name, _pk(section, commit), low, high)

    async def _trails(self, section: str, commit: Commit, low: str, high: str) -> dict[str, Trail]:
        trails: dict[str, Trail] = {}
        async for row in self._rows(section, commit, low, high):
            id, _, kind = row.rk.partition("|")
            trails[id] = _extended(trails.get(id, Trail()), kind, row)
        return trails


def _extended(trail: Trail, kind: str, row: Row) -> Trail:
    if kind == "!":
        return replace(trail, repeat_differs=True)
    if kind:
        return replace(trail, deliveries=(*trail.deliveries, _delivery(row)))
    doc = exact.loads(bytes_of(row, "doc"))
    steps = tuple(Step(**step) for step in doc["steps"])
    return replace(trail, person=doc["person"], steps=steps, written=True)


def _pk(section: str, commit: Commit) -> str:
    return f"{section}|{commit.id[24:26]}"


def _steps_row(pk: str, id: str, trail: Trail) -> Row:
    steps = [_members(step) for step in trail.steps]
    doc = exact.dumps({"person": trail.person, "steps": steps}).encode()
    return Row(pk, f"{id}|", {"doc": doc, "schema": 1})


def _delivery_row(pk: str, delivery: Delivery) -> Row:
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
        "attempts": exact.dumps(attempts).encode(),
        "schema": 1,
    }
    return Row(pk, f"{delivery.event_id}|{delivery.route}", values, delivery.etag)


def _delivery(row: Row) -> Delivery:
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
        attempt=int(values["attempt"] or 0),
        due_at=_time(values.get("dueAt")),
        claim_until=_time(values.get("claimUntil")),
        closed_since=_time(values.get("closedSince")),
        replays=int(values["replays"] or 0),
        attempts=tuple(_attempt(doc) for doc in exact.loads(bytes_of(row, "attempts"))),
        etag=row.etag,
    )


def _attempt(doc: dict[str, Any]) -> Attempt:
    code = doc.get("status_code")
    return Attempt(
        **{**doc, "number": int(doc["number"]), "status_code": None if code is None else int(code)}
    )


def _members(item: Step | Attempt) -> dict[str, Any]:
    return {name: value for name in item.__slots__ if (value := getattr(item, name)) is not None}


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Value) -> datetime | None:
    return times.parse(value) if isinstance(value, str) else None
