"""Sends events to any HTTP endpoint, signed to Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from shared import exact, times
from shared.destinations import Parcel
from shared.destinations.outcomes import Ruling
from shared.destinations.settings import DestinationSettings, Url
from shared.documents import write_person
from shared.errors import Fault, Invalid
from shared.exact import Json
from shared.ports import Outgoing

KIND = "webhook"
DEDUPLICATES = True  # receivers use `webhook-id` as an idempotency key (spec, "Webhook metadata")
SECRETS = ("signingSecret", "previousSigningSecret")
FINAL: Mapping[int, Ruling] = {}
_PREFIX = "whsec_"


class Settings(DestinationSettings):
    """Where the webhook goes."""

    url: Url = Field(title="URL", description="Each event is sent here as a POST request.")


def generate_secrets(random: bytes) -> dict[str, str]:
    """A signing secret of 32 random bytes."""
    return {"signingSecret": _PREFIX + base64.b64encode(random[:32]).decode()}


def check_secrets(secrets: Mapping[str, str]) -> None:
    """Raises Invalid unless there is a signing secret and every secret given can sign."""
    faults = [] if secrets.get("signingSecret") else [_fault("signingSecret", "missing")]
    faults += [
        _fault(name, "text that is not such a secret")
        for name, secret in secrets.items()
        if secret and _key(secret) is None
    ]
    if faults:
        raise Invalid("The signing secret cannot be used.", faults=faults)


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, now: datetime) -> Outgoing:
    """A POST with one signature for each live secret. Raises Invalid if a secret cannot sign."""
    check_secrets(secrets)
    body = exact.dumps(_message(parcel)).encode()
    timestamp = int(now.timestamp())
    keys = [key for name in SECRETS if (key := _key(secrets.get(name, "")))]
    headers = {
        "content-type": "application/json",
        "user-agent": "Signalbox-Webhook/1.0",
        "webhook-id": parcel.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, parcel.id, timestamp, body) for key in keys),
    }
    return Outgoing("POST", settings.url, headers, body)


def signature(key: bytes, id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of id, Unix seconds and body (spec, "Signature scheme")."""
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes | None:
    """The 24 to 64 bytes that a `whsec_` secret stands for, or None. A pasted `v1,` in front is forgiven."""
    secret = secret.strip().removeprefix("v1,")
    encoded = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if secret.startswith(_PREFIX) and 24 <= len(key) <= 64 else None


def _fault(name: str, received: str) -> Fault:
    return Fault(
        f"/secrets/{name}",
        "Give a Standard Webhooks secret, or leave it out when creating and let Signalbox make one.",
        expected=f"{_PREFIX} and the base64 of 24 to 64 bytes",
        received=received,
    )


def _message(parcel: Parcel) -> Json:
    event = parcel.event.event
    received_at = times.text(event.received_at)
    return {
        "type": event.event,
        "timestamp": event.occurred_at or received_at,
        "data": {
            "id": parcel.event.id,
            "event": event.event,
            "version": event.version,
            "source": event.source,
            "occurredAt": event.occurred_at,
            "receivedAt": received_at,
            "person": write_person(event.person),
            "properties": dict(parcel.properties),
            "test": event.test,
        },
    }
