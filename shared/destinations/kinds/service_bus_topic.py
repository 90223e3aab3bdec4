"""A topic of Azure Service Bus: a CloudEvent, with properties that subscriptions filter by.

https://learn.microsoft.com/rest/api/servicebus/send-message-to-queue and
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self
from urllib.parse import quote, quote_plus, urlencode

from pydantic import Field, StringConstraints, model_validator

from shared import exact
from shared.destinations import DestinationKind, Limits, Parcel, Secret
from shared.destinations.access import OwnIdentity
from shared.destinations.outcomes import NO_ACCESS, Cause, Meaning, Ruling
from shared.destinations.settings import BaseUrl, DestinationSettings
from shared.destinations.whole import happened_at, whole
from shared.exact import Json
from shared.faults import refusal
from shared.ports import Outgoing

_OF_SERVICE_BUS = re.compile(
    r"https://[A-Za-z0-9-]+\.servicebus\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)"
)
_SIGNED_FOR = timedelta(minutes=15)
"""Longer than an attempt lasts, by what clocks may differ."""
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace('"', "").replace("%", "").replace("\\", "")


class Settings(DestinationSettings):
    """Which topic, and by what it lets us in: a key's name, or else this app's managed identity."""

    namespace: BaseUrl = Field(
        title="Namespace", description="Its URL, such as https://contoso.servicebus.windows.net."
    )
    topic: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,259}$")] = Field(
        title="Topic", description="Its name."
    )
    key_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")] | None = Field(
        None,
        title="Shared access policy",
        description="The policy, with the right to send, whose key is the secret. Left out, it is the managed identity, "
        "which needs the role Azure Service Bus Data Sender.",
    )
    duplicate_detection: bool = Field(
        default=False,
        title="Detects duplicates",
        description="Whether the topic does, over 4 days or more. Only then is a message sent again when it is not "
        "known whether it arrived: attempts go on for 75 hours.",
    )

    @model_validator(mode="after")
    def _token_stays_with_service_bus(self) -> Self:
        """The identity's token opens every namespace that lets the app in, so it goes to no other host."""
        if self.key_name is None and not _OF_SERVICE_BUS.fullmatch(self.namespace):
            raise refusal(
                "Send the URL of a Service Bus namespace, or name a shared access policy.",
                "namespace like https://contoso.servicebus.windows.net",
            )
        return self


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, now: datetime) -> Outgoing:
    """One message, whose MessageId is the delivery's id."""
    topic = f"{settings.namespace}/{settings.topic}"
    headers = {
        "brokerproperties": exact.dumps(_broker_properties(parcel)),
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": "Signalbox/1.0",
        **_filterable(parcel),
    }
    if settings.key_name is not None:
        until = int((now + _SIGNED_FOR).timestamp())
        headers["authorization"] = signature(
            topic, settings.key_name, secrets.get("sharedAccessKey", ""), until
        )
    return Outgoing("POST", f"{topic}/messages", headers, exact.dumps(_cloud_event(parcel)).encode())


def signature(resource: str, name: str, key: str, until: int) -> str:
    """A token of a shared access policy for a resource, until that Unix second.

    https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas
    """
    signed = hmac.digest(key.encode(), f"{quote_plus(resource)}\n{until}".encode(), hashlib.sha256)
    parts = {"sr": resource, "sig": base64.b64encode(signed).decode(), "se": until, "skn": name}
    return "SharedAccessSignature " + urlencode(parts)


def _broker_properties(parcel: Parcel) -> Json:
    return {"MessageId": parcel.id, "CorrelationId": parcel.event.id, "Label": parcel.event.event.event}


def _filterable(parcel: Parcel) -> Mapping[str, str]:
    """Application properties, each in a header; text stands in double quotes.

    https://learn.microsoft.com/rest/api/servicebus/message-headers-and-properties . Other characters than printable ASCII
    are written with percent signs, as in a binary CloudEvent (HTTP protocol binding, section 3.1.3.2).
    """
    event = parcel.event.event
    texts = {"event": event.event, "version": event.version, "purpose": event.purpose, "source": event.source}
    quoted = {name: f'"{quote(text, safe=_PRINTABLE)}"' for name, text in texts.items() if text}
    return {**quoted, "test": "true" if event.test else "false"}


def _cloud_event(parcel: Parcel) -> Json:
    event = parcel.event.event
    return {
        "specversion": "1.0",
        "id": parcel.event.id,
        "source": f"/signalbox/{quote(event.source or event.source_id, safe='')}",
        "type": event.event,
        "time": happened_at(parcel),
        "datacontenttype": "application/json",
        "data": whole(parcel),
    }


def access(settings: Settings, _secrets: Mapping[str, str]) -> OwnIdentity | None:
    """The app's own identity, where no policy is named."""
    return None if settings.key_name else OwnIdentity("https://servicebus.azure.net/.default")


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={"sharedAccessKey": Secret("the key of the shared access policy", required=False)},
    access=access,
    answers={
        401: NO_ACCESS,
        403: Ruling(
            Meaning.RETRY, Cause.THROTTLED
        ),  # the topic is full; a message too large is not sent at all
    },
    deduplicates=lambda settings: settings.duplicate_detection,
    # 256 KB in the Standard tier, properties included. https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
    limits=Limits(body=256 * 1024 - 4096),
)
