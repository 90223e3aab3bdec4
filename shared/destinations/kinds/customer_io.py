"""Customer.io: an event of a person, by the Track API, which campaigns and segments listen to.

https://docs.customer.io/integrations/api/track/ (Track v2: "Make a single request")
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from shared import times
from shared.destinations import DestinationKind, Limits, Parcel, Secret, always
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.requests import basic, post_json
from shared.destinations.settings import BaseUrl, DestinationSettings, Identifier, PerMinute, rate
from shared.destinations.whole import happened_at
from shared.errors import Invalid
from shared.ports import Outgoing

_MOST_OF_A_NAME = 100
_MOST_OF_AN_ID = 150
"""Bytes: "Track API limits" of the same page."""
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The digits of a ULID: https://github.com/ulid/spec#encoding"""


class Settings(DestinationSettings):
    """Which workspace, and how its people are known."""

    api: BaseUrl = Field(
        "https://track.customer.io",
        title="API URL",
        description="https://track.customer.io in the United States, https://track-eu.customer.io in Europe.",
    )
    event: str | None = Field(
        None,
        title="Event",
        description="Its name in Customer.io. Left out, it is the event's own.",
        min_length=1,
        max_length=_MOST_OF_A_NAME,
    )
    person: Identifier = Field(
        "crmId",
        title="Person",
        description="The identifier that says who it is. Who is not known yet becomes a person.",
    )
    known_by: Literal["id", "email", "cio_id"] = Field(
        "id", title="Known by", description="What that identifier is in the workspace."
    )
    # "Track API limits" of the same page: fair use, which is not enforced.
    per_minute: PerMinute | None = rate(6_000, "100 a second are fair use.")


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """An event of a person, to the second. Raises Invalid for nobody, and for what is too long."""
    told = {
        "type": "person",
        "action": "event",
        "identifiers": {settings.known_by: _person(settings, parcel.identifiers)},
        "name": _name(settings.event or parcel.event.event.event),
        "id": ulid(parcel),
        "timestamp": int(times.parse(happened_at(parcel)).timestamp()),
        "attributes": dict(parcel.properties),
    }
    headers = {"authorization": basic(secrets["siteId"], secrets["apiKey"])}
    return post_json(f"{settings.api}/api/v2/entity", told, headers)


def ulid(parcel: Parcel) -> str:
    """The delivery's id as Customer.io takes one: a ULID of when the event came in and 80 bits of the id's hash."""
    milliseconds = int(parcel.event.event.received_at.timestamp() * 1_000)
    hashed = int.from_bytes(hashlib.sha256(parcel.id.encode()).digest()[:10], "big")
    number = (milliseconds & (1 << 48) - 1) << 80 | hashed
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def _person(settings: Settings, identifiers: Mapping[str, str]) -> str:
    if not (known := identifiers.get(settings.person)):
        raise Invalid(f"The person has no {settings.person}, so Customer.io cannot tell who it is.")
    if settings.known_by == "id" and len(known.encode()) > _MOST_OF_AN_ID:
        raise Invalid(
            f"The person's {settings.person} has more than the {_MOST_OF_AN_ID} bytes that Customer.io takes."
        )
    return known


def _name(event: str) -> str:
    if len(event.encode()) > _MOST_OF_A_NAME:
        raise Invalid(
            f"The event's name has more than the {_MOST_OF_A_NAME} bytes that Customer.io takes. Set another."
        )
    return event


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={
        "siteId": Secret("the site id of a Track API key"),
        "apiKey": Secret("the key of that Track API key"),
    },
    account=lambda settings, secrets: f"{settings.api}|{secrets.get('siteId', '')}",
    answers={401: NO_ACCESS},
    # An event with an `id` that it has had already is neither shown nor processed ("Track a customer event", `id`).
    deduplicates=always,
    # "v2 API Limits" of the same page: 32 kB a request.
    limits=Limits(body=32_000),
    looks_up=True,
)
