"""Dynamics 365 Customer Insights - Journeys: raises a custom trigger by its custom API in Dataverse.

https://learn.microsoft.com/dynamics365/customer-insights/journeys/real-time-marketing-custom-actions
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from shared import exact, times
from shared.destinations import DestinationKind, Limits, Parcel
from shared.destinations.dataverse import JSON_HEADERS, DataverseSettings, access, account
from shared.destinations.entra import ENTRA_SECRETS
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.whole import happened_at
from shared.errors import Invalid
from shared.exact import Json
from shared.ports import Outgoing

_PREFIX = "msdynmkt_"
_TYPE = "@odata.type"


class Settings(DataverseSettings):
    """Which trigger, and which identifier names its contact or lead."""

    trigger: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$")] = Field(
        title="Trigger",
        description="The unique name of the custom trigger, such as msdynmkt_orderplaced_123456789.",
    )
    profile: Annotated[str, StringConstraints(pattern=r"^(crmId|external:.{1,64})$")] = Field(
        "crmId",
        title="Identifier of the contact or lead",
        description="crmId, or external: and the name of an external id. Its value is the record's GUID.",
    )


def build(settings: Settings, _secrets: Mapping[str, str], parcel: Parcel, now: datetime) -> Outgoing:
    """A call of the trigger's custom API. Raises Invalid without a contact's id, or for what is no attribute."""
    profile = _profile(settings, parcel)
    members: dict[str, Json] = {
        f"{_PREFIX}signaltimestamp": happened_at(parcel),
        f"{_PREFIX}signalingestiontimestamp": times.text(now),
        f"{_PREFIX}signaluserauthid": profile,
        f"{_PREFIX}profileid": profile,
    }
    for name, value in _attributes(parcel.properties):
        if name in members:
            raise Invalid(f"{name} is there twice. The trigger's attributes have small letters only.")
        members[name] = value
    url = f"{settings.organization}/api/data/v9.2/{settings.trigger}"
    return Outgoing("POST", url, JSON_HEADERS, exact.dumps(members).encode())


def _profile(settings: Settings, parcel: Parcel) -> str:
    value = parcel.identifiers.get(settings.profile, "")
    try:
        return str(UUID(value))
    except ValueError:
        raise Invalid(f"The person has no {settings.profile} that is a record's GUID.") from None


def _attributes(properties: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name, value in properties.items():
        if isinstance(value, list) or (isinstance(value, dict) and _TYPE not in value):
            raise Invalid(f"{name} is no text, number, truth value, time or reference. Map it to one.")
        yield _PREFIX + name.lower().removeprefix(_PREFIX), value


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets=ENTRA_SECRETS,
    access=access,
    account=account,
    answers={401: NO_ACCESS},
    # Fair use limits: 29 attributes, 2,500 triggers a minute. A null attribute fails when the journey runs (known issues).
    # https://learn.microsoft.com/dynamics365/customer-insights/journeys/fair-use-policy
    limits=Limits(
        properties=29,
        nulls=False,
        names=re.compile(r"[A-Za-z][A-Za-z0-9_]{0,90}"),
        names_are="letters, digits and _",
        per_minute=2_500,
    ),
    looks_up=True,
)
