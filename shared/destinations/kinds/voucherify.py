"""Voucherify: tracks a custom event of a customer, which earning rules, referrals and distributions listen to.

https://docs.voucherify.io/api-reference/events/track-custom-event
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from shared.destinations import DestinationKind, Limits, Parcel, Secret
from shared.destinations.outcomes import NO_ACCESS, Cause, Meaning, Ruling
from shared.destinations.requests import post_json
from shared.destinations.settings import (
    BaseUrl,
    DestinationSettings,
    Identifier,
    PerMinute,
    PropertyName,
    rate,
)
from shared.errors import Invalid
from shared.exact import Json
from shared.ports import Outgoing


class Settings(DestinationSettings):
    """Which project, and how its customers are known."""

    api: BaseUrl = Field(
        "https://api.voucherify.io",
        title="API URL",
        description="The project's cluster: https://api.voucherify.io in Europe, https://us1.api.voucherify.io, or "
        "https://as1.api.voucherify.io.",
    )
    event: str | None = Field(
        None,
        title="Event",
        description="Its name in the project's event schemas. Left out, it is the event's own.",
        min_length=1,
        max_length=300,
    )
    customer: Identifier = Field(
        "crmId",
        title="Customer",
        description="The identifier that is the customer's source_id. Who is not known yet becomes a customer.",
    )
    customer_id: Identifier | None = Field(
        None,
        title="Voucherify's own id",
        description="The identifier that holds the id that Voucherify gave the customer, where there is one.",
    )
    contact: bool = Field(
        default=False,
        title="Send addresses",
        description="Whether e-mail address and phone number go along, for Voucherify to keep.",
    )
    loyalty_code: PropertyName | None = Field(
        None, title="Loyalty card", description="The property that holds the code of a loyalty card."
    )
    referral_code: PropertyName | None = Field(
        None, title="Referral", description="The property that holds the code that somebody was referred by."
    )
    # https://docs.voucherify.io/docs/limits
    per_minute: PerMinute | None = rate(
        100, "The plan Business has 100, Organization 2,000, Enterprise its own."
    )


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """A custom event. Its metadata are the properties; the API knows no time of an event. Raises Invalid for nobody."""
    codes = {"loyalty": settings.loyalty_code, "referral": settings.referral_code}
    told: dict[str, Json] = {
        "event": settings.event or parcel.event.event.event,
        "customer": _customer(settings, parcel.identifiers),
        **{of: {"code": code} for of, name in codes.items() if (code := parcel.properties.get(name or ""))},
        "metadata": {name: value for name, value in parcel.properties.items() if name not in codes.values()},
    }
    headers = {"x-app-id": secrets["appId"], "x-app-token": secrets["appToken"]}
    return post_json(f"{settings.api}/v1/events", told, headers)


def _customer(settings: Settings, identifiers: Mapping[str, str]) -> dict[str, Json]:
    """Voucherify's own id goes before a source_id, and a source_id never changes (Customer, of the same reference)."""
    wanted = {"id": settings.customer_id, "source_id": settings.customer}
    known = {name: identifiers[kind] for name, kind in wanted.items() if kind and kind in identifiers}
    if not known:
        raise Invalid(f"The person has no {settings.customer}, so Voucherify cannot tell who it is.")
    if settings.contact:
        addresses = {"email": identifiers.get("email"), "phone": identifiers.get("mobile")}
        known |= {name: address for name, address in addresses.items() if address}
    return dict(known)


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={
        "appId": Secret("the application id of a server-side key"),
        "appToken": Secret("the secret of that key"),
    },
    account=lambda settings, secrets: f"{settings.api}|{secrets.get('appId', '')}",
    answers={
        401: NO_ACCESS,
        # Another request has the customer or card in hand.
        423: Ruling(Meaning.RETRY, Cause.THROTTLED),
    },
    # A schema, so an event's metadata, has 100 definitions at most. https://docs.voucherify.io/prepare/metadata
    limits=Limits(properties=100),
    looks_up=True,
)
