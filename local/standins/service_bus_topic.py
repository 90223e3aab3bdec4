"""Plays the REST API of Azure Service Bus as far as sending one message to a topic goes.

The statuses are those of https://learn.microsoft.com/rest/api/servicebus/send-message-to-queue ; errors are XML with a code and
a detail, whose words are ours. A token is checked as https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas
says, but for the time: a stand-in has no clock.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, quote_plus

from local.standins import Asked, Taken, Told
from local.standins.parts.entra import lets_in
from shared import exact
from shared.exact import Json

KEY_NAME = "send"
KEY = "c3RhbmRpbi1zZXJ2aWNlLWJ1cy1rZXk="
UNKNOWN_TOPIC = "unknown"
FULL_TOPIC = "full"
DETECTING_TOPIC = "detecting"
"""A topic that detects duplicates."""
MAX_BYTES = 256 * 1024
MAX_ID = 128
_LONG_AGO = 1_700_000_000
_XML = {"Content-Type": "application/xml; charset=utf-8"}


def answer(asked: Asked) -> Told:
    """201 for a message that is taken."""
    topic = asked.path.strip("/").removesuffix("/messages")
    if refused := _unauthorized(asked, topic):
        return refused
    if not asked.path.endswith("/messages") or topic == UNKNOWN_TOPIC:
        return _error(410, f"The topic {topic} does not exist.")
    if asked.method != "POST":
        return _error(405, f"{asked.method} is not allowed here.")
    if topic == FULL_TOPIC:
        return _error(403, "The maximum entity size has been reached.")
    return next(_wrongs(asked), None) or Told(201, taken=_taken(asked, topic))


def _unauthorized(asked: Asked, topic: str) -> Told | None:
    scheme, _, given = asked.headers.get("authorization", "").partition(" ")
    if lets_in(asked):
        return None
    if scheme != "SharedAccessSignature":
        return _error(401, "MissingToken: The token is missing.")
    parts = {name: values[0] for name, values in parse_qs(given).items()}
    resource, until = parts.get("sr", ""), parts.get("se", "")
    signed = hmac.digest(KEY.encode(), f"{quote_plus(resource)}\n{until}".encode(), hashlib.sha256)
    if parts.get("skn") != KEY_NAME or not hmac.compare_digest(
        base64.b64encode(signed), parts.get("sig", "").encode()
    ):
        return _error(401, "InvalidSignature: The token has an invalid signature.")
    if not resource.endswith(f"/{topic}"):
        return _error(401, "InvalidAudience: The token is for another resource.")
    return None if int(until) > _LONG_AGO else _error(401, "ExpiredToken: The token is expired.")


def _wrongs(asked: Asked) -> Iterator[Told]:
    if len(asked.body) + sum(len(name) + len(value) for name, value in asked.headers.items()) > MAX_BYTES:
        yield _error(413, "The message is larger than 256 KB.")
    properties = exact.members(asked.headers.get("brokerproperties", "{}").encode())
    if properties is None:
        yield _error(400, "BrokerProperties is no JSON object.")
    elif len(str(properties.get("MessageId", ""))) > MAX_ID:
        yield _error(400, "The MessageId has more than 128 characters.")
    if asked.headers.get("content-type", "").startswith("application/cloudevents+json"):
        yield from _wrong_event(exact.members(asked.body) or {})


def _wrong_event(event: Mapping[str, Json]) -> Iterator[Told]:
    """The broker reads no body. Whoever subscribes does, and wants a CloudEvent to be one."""
    for name in ("specversion", "id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            yield _error(400, f"The CloudEvent has no {name}.")


def _taken(asked: Asked, topic: str) -> Taken:
    """A second message under one MessageId is dropped where the topic looks for it."""
    properties = exact.members(asked.headers.get("brokerproperties", "{}").encode()) or {}
    known = properties.get("MessageId") if topic == DETECTING_TOPIC else None
    return Taken(exact.members(asked.body), None if known is None else str(known))


def _error(status: int, detail: str) -> Told:
    return Told(status, f"<Error><Code>{status}</Code><Detail>{detail}</Detail></Error>", _XML)
