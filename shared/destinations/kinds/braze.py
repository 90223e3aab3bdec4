"""Braze: tracks a custom event of a user, which campaigns and Canvases listen to.

https://www.braze.com/docs/api/endpoints/user_data/post_user_track and
https://www.braze.com/docs/api/objects_filters/event_object
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.destinations import DestinationKind, Limits, Parcel, Secret
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.requests import post_json
from shared.destinations.settings import BaseUrl, DestinationSettings, Identifier, PerMinute, rate
from shared.destinations.whole import happened_at
from shared.errors import Invalid
from shared.exact import Json
from shared.ports import Outgoing

_MEMBERS = {"email": "email", "mobile": "phone"}
"""What an identifier is in an event. Any other is what the company calls the user by: `external_id`."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Settings(DestinationSettings):
    """Which workspace, and how its users are known."""

    api: BaseUrl = Field(
        title="API URL",
        description="The REST endpoint of the workspace's cluster, such as https://rest.fra-01.braze.eu.",
    )
    event: Name | None = Field(
        None, title="Event", description="Its name in Braze. Left out, it is the event's own."
    )
    app_id: Name | None = Field(
        None, title="App", description="The identifier of the app that the event is counted for."
    )
    user: Identifier = Field(
        "crmId",
        title="User",
        description="The identifier that a user is known by, as external_id if it is no address.",
    )
    alias_label: Name | None = Field(
        None, title="Alias", description="The label of the alias that this identifier is, where it is one."
    )
    existing_only: bool = Field(
        default=False,
        title="Existing users only",
        description="Whether events of somebody whom Braze does not know are dropped there, or make a user.",
    )
    # https://www.braze.com/docs/api/api_limits
    per_minute: PerMinute | None = rate(
        60_000, "3,000 in three seconds is what a workspace may send, unless its plan says another rate."
    )


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """A custom event with the time when it happened. Raises Invalid for nobody."""
    event = {
        **_user(settings, parcel.identifiers),
        **({"app_id": settings.app_id} if settings.app_id else {}),
        "name": settings.event or parcel.event.event.event,
        "time": happened_at(parcel),
        "properties": dict(parcel.properties),
        # Without it, a user with nothing but an alias would never be made.
        "_update_existing_only": settings.existing_only,
    }
    headers = {"authorization": f"Bearer {secrets['apiKey']}"}
    return post_json(f"{settings.api}/users/track", {"events": [event]}, headers)


def _user(settings: Settings, identifiers: Mapping[str, str]) -> dict[str, Json]:
    if not (known := identifiers.get(settings.user)):
        raise Invalid(f"The person has no {settings.user}, so Braze cannot tell who it is.")
    if settings.alias_label:
        return {"user_alias": {"alias_name": known, "alias_label": settings.alias_label}}
    return {_MEMBERS.get(settings.user, "external_id"): known}


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={"apiKey": Secret("a REST API key with the permission users.track")},
    account=lambda settings, secrets: f"{settings.api}|{secrets.get('apiKey', '')}",
    # 404 is an API key that is unknown there. https://www.braze.com/docs/api/errors
    answers={401: NO_ACCESS, 403: NO_ACCESS, 404: NO_ACCESS},
    # "Event properties object" of the same page: no nulls, and 50 kB where there are objects and lists.
    limits=Limits(
        nulls=False,
        names=re.compile(r"[^$].{0,254}", re.DOTALL),
        names_are="1 to 255 characters, and no dollar sign before them",
        text=255,
        body=50_000,
    ),
    looks_up=True,
)
