"""Klaviyo: creates an event of a profile, which flows and segments listen to.

https://developers.klaviyo.com/en/reference/create_event (revision 2026-07-15)
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from shared.destinations import DestinationKind, Limits, Parcel, Secret, always
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.requests import post_json
from shared.destinations.settings import BaseUrl, DestinationSettings, Identifier, PropertyName
from shared.destinations.whole import happened_at
from shared.errors import Invalid
from shared.exact import Json, Number
from shared.ports import Outgoing

_REVISION = "2026-07-15"
"""Served for two years, then a 410: https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy"""
_MOST_OF_A_NAME = 127
"""Characters: a metric's name has fewer than 128."""
_ATTRIBUTES = {"email": "email", "mobile": "phone_number", "deviceId": "anonymous_id"}
"""What an identifier is in a profile. Any other is what another system calls it by: `external_id`."""


class Settings(DestinationSettings):
    """Which metric of the account, and how its profiles are known."""

    api: BaseUrl = Field("https://a.klaviyo.com", title="API URL", description="Where the API is reached.")
    metric: str | None = Field(
        None,
        title="Metric",
        description="Its name in Klaviyo. Left out, it is the event's own name.",
        min_length=1,
        max_length=_MOST_OF_A_NAME,
    )
    profile: Identifier = Field(
        "email",
        title="Profile",
        description="The identifier that a profile is known by. Who is not known yet becomes a profile.",
    )
    contact: bool = Field(
        default=False,
        title="Send addresses",
        description="Whether e-mail address and phone number go along, for Klaviyo to keep.",
    )
    value: PropertyName | None = Field(
        None, title="Value", description="The property that holds what the event is worth, a number."
    )
    currency: PropertyName | None = Field(
        None, title="Currency", description="The property that holds the value's currency (ISO 4217)."
    )


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """An event with the time when it happened. Raises Invalid for nobody, and for a value that is no number."""
    attributes = {
        "properties": dict(parcel.properties),
        "time": happened_at(parcel),
        **_worth(settings, parcel.properties),
        "unique_id": parcel.id,
        "metric": _resource("metric", {"name": _name(settings.metric or parcel.event.event.event)}),
        "profile": _resource("profile", _profile(settings, parcel.identifiers)),
    }
    headers = {
        "accept": "application/vnd.api+json",
        "authorization": f"Klaviyo-API-Key {secrets['apiKey']}",
        "content-type": "application/vnd.api+json",
        "revision": _REVISION,
    }
    return post_json(f"{settings.api}/api/events", _resource("event", attributes), headers)


def _resource(type: str, attributes: Json) -> dict[str, Json]:
    """A resource of JSON:API."""
    return {"data": {"type": type, "attributes": attributes}}


def _worth(settings: Settings, properties: Mapping[str, Json]) -> dict[str, Json]:
    wanted = {"value": settings.value, "value_currency": settings.currency}
    told = {member: properties.get(name) for member, name in wanted.items() if name}
    known = {member: value for member, value in told.items() if value is not None}
    if not isinstance(known.get("value", Number("0")), Number):
        raise Invalid(f"{settings.value} is no number, so it cannot be what the event is worth.")
    if not isinstance(known.get("value_currency", ""), str):
        raise Invalid(f"{settings.currency} is no text, so it cannot be a currency.")
    return known


def _profile(settings: Settings, identifiers: Mapping[str, str]) -> dict[str, Json]:
    """The identifier that it is known by, first, and the addresses if they go along."""
    if not (known := identifiers.get(settings.profile)):
        raise Invalid(f"The person has no {settings.profile}, so Klaviyo cannot tell who it is.")
    along = ("email", "mobile") if settings.contact else ()
    addresses = {_ATTRIBUTES[kind]: key for kind in along if (key := identifiers.get(kind))}
    return {_ATTRIBUTES.get(settings.profile, "external_id"): known, **addresses}


def _name(event: str) -> str:
    if len(event) > _MOST_OF_A_NAME:
        raise Invalid(
            f"The event's name has more than the {_MOST_OF_A_NAME} characters that Klaviyo takes. Set a metric."
        )
    return event


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={"apiKey": Secret("a private API key with the scope events:write")},
    account=lambda settings, secrets: f"{settings.api}|{secrets.get('apiKey', '')}",
    answers={401: NO_ACCESS, 403: NO_ACCESS},
    # Of one profile and metric only the first event with a unique_id is recorded (`unique_id`, of the same page).
    deduplicates=always,
    # `properties` of the same page, and its rate limits of an account.
    limits=Limits(properties=400, text=100_000, body=5_000_000, per_minute=3_500),
    looks_up=True,
)
