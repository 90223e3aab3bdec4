"""An event as a JSON document: how it lies in storage, and what a receipt shows of it."""

from datetime import datetime, timedelta

from shared import exact, times, trace
from shared.event import Event, Person, Stored, Unique
from shared.exact import Json

SCHEMA = 1
"""Version N reads N-1: readers take every number up to their own."""


def write_event(event: Event) -> bytes:
    """The document of an event, in UTF-8, numbers by their own text."""
    return exact.dumps(
        {
            "event": event.event,
            "version": event.version,
            "purpose": event.purpose,
            "retentionDays": event.retention_days,
            "person": write_person(event.person),
            "properties": event.properties,
            "occurredAt": event.occurred_at,
            "receivedAt": event.received_at.isoformat(),
            "source": event.source,
            "sourceId": event.source_id,
            "trust": event.trust,
            "key": event.key,
            "test": event.test,
            **({} if event.starts else {"starts": False}),
            **({} if event.stale_after_hours is None else {"staleAfterHours": event.stale_after_hours}),
            **({} if event.unique is None else {"unique": _unique_written(event.unique)}),
            **({"backfill": True} if event.backfill else {}),
            **({} if event.trace is None else {"trace": str(event.trace)}),
        }
    ).encode()


def read_event(document: bytes) -> Event:
    """The event that `write_event` wrote."""
    doc = exact.read(document)
    days, hours = doc["retentionDays"], doc.get("staleAfterHours")
    return Event(
        event=doc["event"],
        version=doc["version"],
        purpose=doc["purpose"],
        retention_days=None if days is None else int(days),
        person=read_person(doc["person"]),
        properties=doc["properties"],
        occurred_at=doc["occurredAt"],
        received_at=datetime.fromisoformat(doc["receivedAt"]),
        source=doc["source"],
        source_id=doc["sourceId"],
        trust=doc["trust"],
        key=doc["key"],
        test=doc["test"],
        starts=doc.get("starts", True),
        stale_after_hours=None if hours is None else int(hours),
        unique=read_unique(doc.get("unique")),
        backfill=doc.get("backfill", False),
        trace=trace.read(doc.get("trace")),
    )


def read_unique(doc: Json) -> Unique | None:
    """What a definition or a stored event says of being alike."""
    return None if doc is None else Unique(tuple(doc["by"]), int(doc["hours"]))


def _unique_written(unique: Unique) -> dict[str, Json]:
    return {"by": [*unique.by], "hours": unique.hours}


def write_person(person: Person) -> dict[str, Json]:
    """The identifiers that are there, under their names on the wire."""
    members: dict[str, Json] = {
        "email": person.email,
        "mobile": person.mobile,
        "crmId": person.crm_id,
        "externalIds": dict(person.external_ids) or None,
        "deviceId": person.device_id,
    }
    return {name: value for name, value in members.items() if value is not None}


def read_person(doc: dict[str, Json]) -> Person:
    """The person of an envelope or a stored document that has been checked."""
    return Person(
        email=doc.get("email"),
        mobile=doc.get("mobile"),
        crm_id=doc.get("crmId"),
        external_ids=doc.get("externalIds") or {},
        device_id=doc.get("deviceId"),
    )


def occurred(event: Event) -> datetime:
    """When it happened: the sender's time, or else when it was received."""
    return times.parse(event.occurred_at) if event.occurred_at else event.received_at


def is_stale(event: Event, now: datetime) -> bool:
    """Whether it happened too long ago to start anything, as its definition says."""
    hours = event.stale_after_hours
    return hours is not None and now - occurred(event) > timedelta(hours=hours)


def envelope(stored: Stored) -> dict[str, Json]:
    """An event as mappings and readers see it: the members of the envelope, with its id and times."""
    event = stored.event
    return {
        "id": stored.id,
        "event": event.event,
        "version": event.version,
        "source": event.source,
        "occurredAt": event.occurred_at or times.text(event.received_at),
        "receivedAt": times.text(event.received_at),
        "person": write_person(event.person),
        "properties": event.properties,
        "test": event.test,
    }
