"""Validate: a draft against its definition, every fault at once, into an event that can be stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import exact, times, trace
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.catalog import own
from shared.catalog.compiled import Catalog, Usable
from shared.documents import write_event, write_person
from shared.errors import Fault, Invalid
from shared.event import Draft, Event
from shared.ids import keyed_hash
from shared.killpoints import reached
from shared.people import identifiers
from shared.stages.record import Candidate

MAX_AHEAD = timedelta(days=365)
"""An event that claims to happen later than this is a mistake in the sender's clock or units."""


@dataclass(frozen=True, slots=True)
class Validator:
    """Checks drafts against the catalog."""

    catalog: Catalog

    async def validate(self, section: Section, caller: Caller, draft: Draft, now: datetime) -> Candidate:
        """The event with its idempotency marks. Raises UnknownEvent, UnknownVersion, Invalid, Forbidden."""
        caller.require_event(draft.event)
        own.require_sender(draft.event, caller.source_id)
        usable = await self.catalog.find(section.id, draft.event, draft.version)
        wrong = [
            *draft.faults,
            *_time_faults(draft, now),
            *identifiers.faults(draft.person, section.country),
            *usable.check(draft.properties),
        ]
        if wrong:
            raise Invalid(f"The event does not fit {draft.event} version {usable.number}.", faults=wrong)
        event = _event(caller, draft, usable, now)
        reached("validate.fits")
        marks = key_hash(section, caller, draft), fingerprint(section, draft)
        return Candidate(event, write_event(event), *marks)


def key_hash(section: Section, caller: Caller, draft: Draft) -> str | None:
    """The keyed hash of the idempotency key in its scope: section, source and trust class."""
    return None if draft.key is None else hash_of_key(section, caller, draft.key)


def hash_of_key(section: Section, caller: Caller, key: str) -> str:
    """The same for a key by itself."""
    return keyed_hash(section.hash_key, "key", section.id, caller.source_id, caller.trust, key)


def fingerprint(section: Section, draft: Draft) -> str:
    """A keyed hash of what the event says; numbers count by their text."""
    said = [draft.event, draft.occurred_at, write_person(draft.person), draft.properties]
    return keyed_hash(section.hash_key, "fingerprint", exact.dumps(said, sort_keys=True))


def _time_faults(draft: Draft, now: datetime) -> list[Fault]:
    if draft.occurred_at is None:
        return []
    try:
        at = times.parse(draft.occurred_at)
    except ValueError:
        detail = "Send a time with its offset, such as 2026-11-22T10:15:00+01:00."
        return [Fault("/occurredAt", detail, "RFC 3339 date-time", "text")]
    if at > now + MAX_AHEAD:
        return [
            Fault(
                "/occurredAt",
                "It is more than a year ahead. Check the clock or the unit.",
                "a time up to a year ahead",
            )
        ]
    return []


def _event(caller: Caller, draft: Draft, usable: Usable, now: datetime) -> Event:
    return Event(
        event=usable.event,
        version=usable.version,
        purpose=usable.purpose,
        retention_days=usable.retention_days,
        person=draft.person,
        properties=draft.properties,
        occurred_at=draft.occurred_at,
        received_at=now,
        source=draft.source or caller.source,
        source_id=caller.source_id,
        trust=caller.trust,
        key=draft.key,
        test=draft.test,
        starts=caller.trust == "server" or usable.browsers_start,
        stale_after_hours=usable.stale_after_hours,
        unique=usable.unique,
        backfill=draft.backfill,
        trace=trace.current(),
    )
