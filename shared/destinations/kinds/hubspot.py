"""HubSpot: sends an occurrence of a custom event, which workflows and reports listen to.

https://developers.hubspot.com/docs/api-reference/legacy/events/send-event-data/guide
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field, StringConstraints

from shared import exact, times
from shared.destinations import DestinationKind, Limits, Parcel, Secret
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.requests import post_json
from shared.destinations.settings import BaseUrl, DestinationSettings, Identifier
from shared.destinations.whole import happened_at
from shared.errors import Invalid
from shared.exact import Json
from shared.ports import Outgoing

_MOST_OF_A_TEXT = 256
_LONGER = ("hs_url", "hs_referrer")
"""HubSpot's own properties that hold 1,024 characters ("Limits", of the same page)."""

QualifiedName = Annotated[str, StringConstraints(pattern=r"^pe\d{1,20}_[a-z][a-z0-9_]{0,99}$")]


class Settings(DestinationSettings):
    """Which event of the account, and how its records are known."""

    api: BaseUrl = Field(
        "https://api.hubapi.com",
        title="API URL",
        description="https://api-eu1.hubapi.com keeps to the European data center.",
    )
    event: QualifiedName = Field(
        title="Event", description="Its fully qualified name, such as pe1234567_order_placed."
    )
    record: Identifier = Field(
        "email", title="Record", description="The identifier that a record is known by."
    )
    known_by: Literal["email", "objectId", "utk", "property"] = Field(
        "email",
        title="Known by",
        description="What that identifier is in HubSpot: a contact's e-mail address, a record's id, or a visitor's "
        "token. By a property, the event's definition says which one matches, and no identifier is sent.",
    )


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """An occurrence, to the millisecond. Its properties are texts, as the API takes them.

    Raises Invalid for nobody, for a text that is too long, and for a property that is there twice.
    """
    told = {
        "eventName": settings.event,
        **_record(settings, parcel.identifiers),
        "occurredAt": times.text(times.parse(happened_at(parcel))),
        "properties": _properties(parcel.properties),
        "uuid": str(uuid5(NAMESPACE_URL, f"signalbox/deliveries/{parcel.id}")),
    }
    headers = {"authorization": f"Bearer {secrets['accessToken']}"}
    return post_json(f"{settings.api}/events/v3/send", told, headers)


def _record(settings: Settings, identifiers: Mapping[str, str]) -> dict[str, Json]:
    if settings.known_by == "property":
        return {}
    if not (known := identifiers.get(settings.record)):
        raise Invalid(f"The person has no {settings.record}, so HubSpot cannot tell who it is.")
    return {settings.known_by: known}


def _properties(properties: Mapping[str, Json]) -> dict[str, Json]:
    """By their names in small letters, as HubSpot has no others."""
    told: dict[str, Json] = {}
    for name, value in properties.items():
        if (small := name.lower()) in told:
            raise Invalid(f"{small} is there twice. HubSpot's properties have small letters only.")
        told[small] = _text(small, value)
    return told


def _text(name: str, value: Json) -> str:
    """A value as text: a number as it came, a boolean as `true` or `false`."""
    if not isinstance(value, str):
        return exact.dumps(value)
    if len(value) > _MOST_OF_A_TEXT and name not in _LONGER:
        raise Invalid(f"{name} has {len(value):,} characters, where {_MOST_OF_A_TEXT} are the most.")
    return value


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={"accessToken": Secret("an access token with the scope analytics.behavioral_events.send")},
    account=lambda settings, _: f"{settings.api}|{settings.event.partition('_')[0]}",
    # https://developers.hubspot.com/docs/api-reference/error-handling
    answers={401: NO_ACCESS, 403: NO_ACCESS},
    # "Limits" of the same page; 1,250 requests a second.
    limits=Limits(
        properties=50,
        nested=False,
        nulls=False,
        names=re.compile("[A-Za-z][A-Za-z0-9_]{0,49}"),
        names_are="1 to 50 letters, digits and underscores, a letter first",
        text=1_024,
        per_minute=75_000,
    ),
    looks_up=True,
)
