"""Build: the request of one attempt, or why there can be none."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared import documents, mapping
from shared.destinations import DestinationKind, DestinationSettings, Parcel
from shared.destinations.limits import body_exceeded, exceeded
from shared.destinations.outcomes import Cause
from shared.errors import Invalid, SignalboxError
from shared.ports import Outgoing
from shared.stages.gate import Sending
from shared.stores.trail import Delivery

HASH_BYTES = 8
"""Of a request's fingerprint."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why an event can never become a request, for the person who reads the receipt."""

    cause: Cause
    reason: str


def attempt(delivery: Delivery, sending: Sending, now: datetime) -> Outgoing | Unfit:
    """The request of a delivery's attempt. Whatever breaks is the end of this delivery alone."""
    target = sending.target
    try:
        request = request_of(
            sending.plugin, target.settings, target.secrets, parcel_of(delivery, sending), now
        )
    except SignalboxError as error:
        return Unfit(Cause.MAPPING, error.detail)
    except Exception as error:  # noqa: BLE001  (a plug-in or a mapping may break in any way)
        return Unfit(Cause.MAPPING, f"It broke: {type(error).__name__}.")
    return request if isinstance(request, Unfit) else _authorized(request, sending.token)


def request_of(
    plugin: DestinationKind[Any],
    settings: DestinationSettings,
    secrets: Mapping[str, str],
    parcel: Parcel,
    now: datetime,
) -> Outgoing | Unfit:
    """The request for a parcel, which the destination's limits allow. Raises whatever the plug-in raises."""
    if reason := exceeded(plugin.limits, parcel.properties):
        return Unfit(Cause.LIMITS, reason)
    try:
        request: Outgoing = plugin.build(settings, secrets, parcel, now)
    except Invalid as error:
        return Unfit(Cause.MAPPING, error.detail)
    reason = body_exceeded(plugin.limits, request.body)
    return Unfit(Cause.LIMITS, reason) if reason else request


def fitting(plugin: DestinationKind[Any], requests: Sequence[Outgoing]) -> list[int]:
    """How many of the requests, one after the other, may be joined each time for the destination to take it."""
    most, sizes, bytes_ = plugin.limits.body, [0], 0
    for size in (len(one.body) for one in requests):
        if sizes[-1] and most is not None and bytes_ + size > most:
            sizes.append(0)
            bytes_ = 0
        sizes[-1] += 1
        bytes_ += size
    return sizes


def joined(plugin: DestinationKind[Any], requests: Sequence[Outgoing]) -> Outgoing | None:
    """The requests as one, or None where they do not become one: whatever breaks, each can go by itself."""
    if len(requests) == 1 or plugin.join is None:
        return requests[0]
    try:
        request = plugin.join(requests)
    except Exception:  # noqa: BLE001  (a plug-in may break in any way)
        return None
    return None if body_exceeded(plugin.limits, request.body) else request


def parcel_of(delivery: Delivery, sending: Sending) -> Parcel:
    """What a delivery brings, its properties after the route's mapping. Raises whatever a mapping raises."""
    properties = sending.stored.event.properties
    if sending.route.mapping is not None:
        compiled = mapping.compiled(sending.route.mapping)
        properties = mapping.apply(compiled, documents.envelope(sending.stored))
    return Parcel(delivery.sent_as, sending.stored, properties, delivery.attempt, sending.identifiers)


def fingerprint(key: bytes, request: Outgoing) -> str:
    """64 bits that tell whether another request is the same, and nothing of what is in it to who has no key.

    Of method, URL and body: a signature, a token and the time of signing differ each time.
    """
    parts = (request.method.encode(), request.url.encode(), request.body)
    told = b"".join(len(part).to_bytes(8) + part for part in parts)
    return hmac.digest(key, b"request\0" + told, hashlib.sha256)[:HASH_BYTES].hex()


def _authorized(request: Outgoing, token: str | None) -> Outgoing:
    if token is None:
        return request
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})
