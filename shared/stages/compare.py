"""Compare: whether an event says the same as an earlier one under another id, by what its definition calls unique."""

from datetime import datetime, timedelta

from shared import exact
from shared.access.sections import Section
from shared.event import Event, Stored
from shared.ids import keyed_hash
from shared.killpoints import reached
from shared.stages.record import bucket_of
from shared.stages.route import stopped
from shared.stores.firsts import Claim, Firsts


async def earlier(firsts: Firsts, section: Section, stored: Stored, now: datetime) -> str | None:
    """The event that started what this one would have; None for one that is the first, or is compared with nothing.

    Asking again gives the same answer, so an event that is processed twice starts what it started. Raises Unavailable.
    """
    event = stored.event
    mark = mark_of(section, event)
    # What starts nothing anyway must not keep another from starting something.
    if event.unique is None or mark is None or stopped(event, now):
        return None
    claim = Claim(stored.id, mark, event.received_at, timedelta(hours=event.unique.hours))
    first = await firsts.claim(section.id, bucket_of(section, mark), claim)
    reached("compare.claimed")
    return None if first == stored.id else first


def mark_of(section: Section, event: Event) -> str | None:
    """A keyed hash of what the event says in its unique fields, numbers by their text; None where one is missing.

    The trust class is part of it: what anybody can send from a browser never stands in the way of a server's event.
    """
    if event.unique is None or any(name not in event.properties for name in event.unique.by):
        return None
    said = exact.dumps([[name, event.properties[name]] for name in event.unique.by])
    return keyed_hash(section.hash_key, "alike", section.id, event.event, event.trust, said)
