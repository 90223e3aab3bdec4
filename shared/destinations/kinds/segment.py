"""Segment: tracks an event of a user, which Segment passes on to whatever is connected there.

https://www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from shared.destinations import DestinationKind, Limits, Parcel, Secret
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.requests import basic, post_json
from shared.destinations.settings import BaseUrl, DestinationSettings, Identifier, Waits
from shared.destinations.whole import happened_at
from shared.errors import Invalid
from shared.exact import Json
from shared.ports import Outgoing

_REMEMBERED = 86_400
"""Seconds for which Segment knows a messageId, at least. https://www.twilio.com/docs/segment/guides/duplicate-data"""
_JITTERED = 1.2
"""What a wait may become (outcomes.JITTER)."""


class Settings(DestinationSettings):
    """Which source, and how its users are known."""

    api: BaseUrl = Field(
        "https://api.segment.io",
        title="API URL",
        description="https://events.eu1.segmentapis.com for a workspace in Europe: the other drops its events in silence.",
    )
    event: str | None = Field(
        None,
        title="Event",
        description="Its name in Segment. Left out, it is the event's own.",
        min_length=1,
        max_length=300,
    )
    user: Identifier = Field("crmId", title="User", description="The identifier that is the userId.")
    anonymous: Identifier = Field(
        "deviceId",
        title="Visitor",
        description="The identifier that is the anonymousId. It goes along, and is enough where there is no userId.",
    )
    contact: bool = Field(
        default=False,
        title="Send addresses",
        description="Whether e-mail address and phone number go along, in the context's traits.",
    )
    retry_seconds: Waits = Field(
        (5, 300, 1_800, 7_200, 18_000, 36_000),
        title="Waits",
        description="Seconds before each repeat of an attempt that failed. Up to 20 hours together, a repeat finds "
        "Segment knowing the event yet; over that, an attempt that may have arrived is held.",
    )


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """A track call with the time when it happened. Raises Invalid for nobody."""
    told: dict[str, Json] = {
        "type": "track",
        "messageId": parcel.id,
        "event": settings.event or parcel.event.event.event,
        **_user(settings, parcel.identifiers),
        "timestamp": happened_at(parcel),
        "properties": dict(parcel.properties),
    }
    if settings.contact and (traits := _traits(parcel.identifiers)):
        told["context"] = {"traits": traits}
    return post_json(f"{settings.api}/v1/track", told, {"authorization": basic(secrets["writeKey"], "")})


def _user(settings: Settings, identifiers: Mapping[str, str]) -> dict[str, Json]:
    """Who it was: Segment takes no call without at least one of the two ("Errors", of the same page)."""
    wanted = {"userId": settings.user, "anonymousId": settings.anonymous}
    known = {name: key for name, kind in wanted.items() if (key := identifiers.get(kind))}
    if not known:
        raise Invalid(
            f"The person has neither {settings.user} nor {settings.anonymous}, so Segment cannot tell who it is."
        )
    return dict(known)


def _traits(identifiers: Mapping[str, str]) -> dict[str, Json]:
    wanted = {"email": identifiers.get("email"), "phone": identifiers.get("mobile")}
    return {name: address for name, address in wanted.items() if address}


def deduplicates(settings: Settings) -> bool:
    """Whether all attempts fall into the time for which Segment knows the first one's messageId."""
    return sum(settings.retry_seconds) * _JITTERED <= _REMEMBERED


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={"writeKey": Secret("the write key of a source of the kind HTTP API")},
    account=lambda settings, _: settings.api,
    answers={401: NO_ACCESS},
    deduplicates=deduplicates,
    # 32 kB a call, and 1,000 a second of a workspace: "Max request size" and "Rate limits" of the same page.
    limits=Limits(body=32_000, per_minute=60_000),
    looks_up=True,
)
