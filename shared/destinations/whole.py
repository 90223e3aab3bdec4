"""The whole event, as receivers get it who take all of it."""

from shared import times
from shared.destinations import Parcel
from shared.documents import write_person
from shared.exact import Json


def happened_at(parcel: Parcel) -> str:
    """When it happened (RFC 3339); if nobody said so, when it came in."""
    event = parcel.event.event
    return event.occurred_at or times.text(event.received_at)


def whole(parcel: Parcel) -> dict[str, Json]:
    """What is known of the event, with the properties after the mapping and the identifiers that came with it."""
    event = parcel.event.event
    return {
        "id": parcel.event.id,
        "event": event.event,
        "version": event.version,
        "source": event.source,
        "occurredAt": event.occurred_at,
        "receivedAt": times.text(event.received_at),
        "person": write_person(event.person),
        "properties": dict(parcel.properties),
        "test": event.test,
    }


def message(parcel: Parcel) -> dict[str, Json]:
    """It in the members that Standard Webhooks 1.0.0 suggests ("Payload structure")."""
    return {"type": parcel.event.event.event, "timestamp": happened_at(parcel), "data": whole(parcel)}
