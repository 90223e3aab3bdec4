"""Mail by Azure Communication Services, to people who are to know that something happened.

https://learn.microsoft.com/rest/api/communication/email/send (version 2023-03-31)
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import NAMESPACE_URL, uuid5

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from shared import exact
from shared.destinations import DestinationKind, Limits, Parcel
from shared.destinations.access import Access
from shared.destinations.entra import ENTRA_SECRETS, EntraSettings, access_to
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.requests import post_json
from shared.destinations.settings import BaseUrl, PerMinute, PropertyName, rate
from shared.destinations.whole import happened_at
from shared.faults import refusal
from shared.ports import Outgoing

_MOST_RECIPIENTS = 50
"""Of one mail. https://learn.microsoft.com/azure/communication-services/concepts/service-limits#email"""
_VERSION = "2023-03-31"
_OF_THE_SERVICE = re.compile(r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)?\.communication\.azure\.(com|us)")

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>\",;]{1,64}@[A-Za-z0-9.-]{1,190}$")]
Subject = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Settings(EntraSettings):
    """Which resource sends, from whom and to whom."""

    endpoint: BaseUrl = Field(
        title="Endpoint", description="The resource's, such as https://contoso.communication.azure.com."
    )
    sender: Address = Field(
        title="Sender", description="An address of a domain that is connected to the resource."
    )
    recipients: Annotated[
        tuple[Address, ...], Field(min_length=1, max_length=_MOST_RECIPIENTS), BeforeValidator(_listed)
    ] = Field(
        title="Recipients", description="Whom each event is told by mail. All see each other's addresses."
    )
    subject: Subject | None = Field(
        None, title="Subject", description="Left out, it is the name of the event."
    )
    text: PropertyName = Field(
        "summary", title="Text", description="The property, if there is one, that the mail begins with."
    )
    # https://learn.microsoft.com/azure/communication-services/concepts/email/sdk-features (throttling)
    per_minute: PerMinute | None = rate(30, "A new resource may send 30 a minute, and 100 an hour.")

    @model_validator(mode="after")
    def _token_stays_with_the_service(self) -> Self:
        """The identity's token opens every resource that lets the app in, so it goes to no other host."""
        if self.is_own_identity and not _OF_THE_SERVICE.fullmatch(self.endpoint):
            raise refusal(
                "Send the endpoint of a Communication Services resource, or tenant and client.",
                "endpoint like https://contoso.communication.azure.com",
            )
        return self


def build(settings: Settings, _secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """A mail in plain text with the event's properties, and nothing else of the person.

    Its operation's id is made of the delivery's, so that whoever holds the delivery can ask the resource for what became of
    it. No page says that a second request under one id sends nothing.
    """
    mail = {
        "senderAddress": settings.sender,
        "recipients": {"to": [{"address": address} for address in settings.recipients]},
        "content": {
            "subject": settings.subject or parcel.event.event.event,
            "plainText": "\n".join(_lines(settings, parcel)),
        },
        "userEngagementTrackingDisabled": True,
    }
    headers = {"operation-id": str(uuid5(NAMESPACE_URL, f"signalbox/deliveries/{parcel.id}"))}
    url = f"{settings.endpoint}/emails:send?api-version={_VERSION}"
    return post_json(url, mail, headers)


def _lines(settings: Settings, parcel: Parcel) -> Iterator[str]:
    event, properties = parcel.event.event, dict(parcel.properties)
    if isinstance(said := properties.pop(settings.text, None), str):
        yield from (said, "")
    yield f"{event.event}, {happened_at(parcel)}" + (" (a test)" if event.test else "")
    for name, value in properties.items():
        yield f"{name}: {value if isinstance(value, str) else exact.dumps(value)}"
    yield from ("", f"Event {parcel.event.id} of Signalbox")


def access(settings: Settings, secrets: Mapping[str, str]) -> Access:
    """A token for Communication Services: https://learn.microsoft.com/rest/api/communication/authentication"""
    return access_to("https://communication.azure.com/.default", settings, secrets)


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets=ENTRA_SECRETS,
    access=access,
    account=lambda settings, _: settings.endpoint,
    # 403 is what a role answers that was given minutes ago, or is still to be given.
    answers={401: NO_ACCESS, 403: NO_ACCESS},
    # 10 MB with attachments. https://learn.microsoft.com/azure/communication-services/concepts/service-limits#email
    limits=Limits(body=10_000_000),
)
