"""Apsis One: posts a custom event to a profile.

https://help.apsis.one/en/articles/6104988-post-custom-events-to-profiles-with-the-apsis-one-api

Events of a profile that meet go in one request. A profile may have 10 requests a second: nothing counts them, but an instance
has one under way at a time. One that comes too soon is answered with 429, and sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import Field, StringConstraints, model_validator

from shared import exact, times
from shared.destinations import DestinationKind, Limits, Parcel, Secret
from shared.destinations.access import TokenRequest
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.requests import post_json
from shared.destinations.settings import BaseUrl, DestinationSettings, Identifier
from shared.destinations.whole import happened_at
from shared.errors import Invalid
from shared.faults import refusal
from shared.ports import Outgoing

_KEYS = {
    "com.apsis1.keyspaces.email": "email",
    "com.apsis1.keyspaces.mobile": "mobile",
    "com.apsis1.keyspaces.crm-id": "crmId",
}
"""The keyspaces that every account can write to, and the identifier that is the key in each."""

Discriminator = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class Settings(DestinationSettings):
    """Which event of which section, and how a profile is found."""

    api: BaseUrl = Field(
        "https://api.apsis.one",
        title="API URL",
        description="https://api.apsis.one in Europe, https://api-apac.apsis.one in Asia and the Pacific.",
    )
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        title="Client", description="The client id of an API key of the account."
    )
    section: Discriminator = Field(
        title="Section", description="Its discriminator, such as usercreated.sections.shop-h4h3dpu3qi."
    )
    version_id: Discriminator = Field(
        title="Version of the event",
        description="The id of the custom event's version whose deprecated_at is null. A change of the event in "
        "Apsis One makes a new version.",
    )
    keyspace: Discriminator = Field(
        "com.apsis1.keyspaces.email", title="Keyspace", description="Where the profile's key is looked up."
    )
    profile: Identifier | None = Field(
        None,
        title="Profile key",
        description="The identifier that is the key. Left out, it is the one of the keyspace.",
    )

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        if self.profile is None and self.keyspace not in _KEYS:
            raise refusal(
                "Say which identifier is the profile's key.", "profile, as this keyspace has no own"
            )
        return self


def build(settings: Settings, _secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """The event of a profile, with the time when it happened. Raises Invalid for a person without the key."""
    kind = settings.profile or _KEYS[settings.keyspace]
    if not (key := parcel.identifiers.get(kind)):
        raise Invalid(f"The person has no {kind}, so Apsis One cannot find the profile.")
    item = {
        "event_time": happened_at(parcel),
        "version_id": settings.version_id,
        "data": dict(parcel.properties),
    }
    of = f"keyspaces/{settings.keyspace}/profiles/{quote(key, safe='')}/sections/{settings.section}"
    url = f"{settings.api}/audience/{of}/events"
    return post_json(url, {"items": [item]}, {})


def join(requests: Sequence[Outgoing]) -> Outgoing:
    """The events of all, in the order in which they happened."""
    items = [item for one in requests for item in exact.loads(one.body)["items"]]
    items.sort(key=lambda item: times.parse(item["event_time"]))
    return replace(requests[0], body=exact.dumps({"items": items}).encode())


def access(settings: Settings, secrets: Mapping[str, str]) -> TokenRequest:
    """A token for an API key: https://developer.apsis.com/reference/authentication-1 ; its `exp` says how long it lasts."""
    asked = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": secrets["clientSecret"],
    }
    url = f"{settings.api}/oauth/token"
    return TokenRequest(post_json(url, asked, {}))


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={"clientSecret": Secret("the secret of the API key")},
    access=access,
    account=lambda settings, _: f"{settings.api}|{settings.client_id}",
    answers={401: NO_ACCESS, 403: NO_ACCESS},  # both mean a new token to the vendor's own module for Magento
    # 100 kB, and 100 requests a second of an account. https://developer.apsis.com/reference/limits
    limits=Limits(body=100_000, per_minute=6_000),
    looks_up=True,
    join=join,
)
