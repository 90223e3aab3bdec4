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

from shared import exact
from shared.destinations import DestinationKind, Parcel, Secret, always
from shared.destinations.settings import DestinationSettings, Url
from shared.destinations.whole import message
from shared.ports import Outgoing

_PREFIX = "whsec_"
_SECRETS = ("signingSecret", "previousSigningSecret")


class Settings(DestinationSettings):
    """Where the webhook goes."""

    url: Url = Field(title="URL", description="Each event is sent here as a POST request.")


def build(settings: Settings, secrets: Mapping[str, str], parcel: Parcel, now: datetime) -> Outgoing:
    """A POST with one signature for each live secret."""
    body = exact.dumps(message(parcel)).encode()
    timestamp = int(now.timestamp())
    keys = [key for name in _SECRETS if (key := _key(secrets.get(name, "")))]
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


def _new_secret(random: bytes) -> str:
    return _PREFIX + base64.b64encode(random).decode()


def _can_sign(secret: str) -> bool:
    return _key(secret) is not None


_EXPECTED = f"{_PREFIX} and the base64 of 24 to 64 bytes"

DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={
        "signingSecret": Secret(_EXPECTED, _can_sign, sent=False, make=_new_secret),
        "previousSigningSecret": Secret(_EXPECTED, _can_sign, required=False, sent=False),
    },
    deduplicates=always,  # receivers use `webhook-id` as an idempotency key (spec, "Webhook metadata")
)
