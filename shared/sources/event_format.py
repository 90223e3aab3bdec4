"""CloudEvents 1.0 over HTTP in its three modes, and the handshake before them, for every kind that speaks it.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md and http-webhook.md.
"""

import base64
import re
from collections.abc import Sequence
from urllib.parse import unquote

from shared import exact
from shared.errors import Invalid, MalformedBody
from shared.exact import Json
from shared.sources import Facts, Greeting, Received, delivery_of

HEADERS = ("ce-*",)
WORDS = ("1.0",)
_ORIGIN = re.compile(r"[A-Za-z0-9.:/_-]{1,253}")
_JSON = re.compile(r"(application|text)/([\w.+-]+\+)?json", re.IGNORECASE)
_NEEDED = ("id", "source", "type")


def read_events(received: Received) -> Sequence[Facts]:
    """The facts of one event (binary or structured mode) or of several (batched mode).

    The payload is the event in the structured form, whichever mode it came in. Raises MalformedBody, Invalid.
    """
    media = _media(received)
    if media == "application/cloudevents-batch+json":
        events = exact.loads(received.body)
        if not isinstance(events, list):
            raise Invalid("A batch of CloudEvents is a list.")
        return [facts_of(event) for event in events]
    if media.startswith("application/cloudevents"):
        if media != "application/cloudevents+json":
            raise Invalid("Send CloudEvents in the JSON format.")
        return [facts_of(exact.loads(received.body))]
    return [facts_of(_binary(received, media))]


def facts_of(event: Json) -> Facts:
    """The facts of one event in the structured form. An event is identified by its source and its id together."""
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise Invalid("Send CloudEvents of specversion 1.0.")
    missing = [name for name in _NEEDED if not (isinstance(event.get(name), str) and event[name])]
    if missing:
        raise Invalid(f"The CloudEvent has no {missing[0]}.")
    time = event.get("time")
    return Facts(
        type=event["type"],
        delivery_id=delivery_of(event["source"], event["id"]),
        payload=event,
        occurred_at=time if isinstance(time, str) else None,
    )


def allowed(received: Received) -> Greeting | None:
    """The answer to `OPTIONS` with `WebHook-Request-Origin` (http-webhook.md, section 4): whoever asks may send.

    That grants nothing here: each request is checked.
    """
    origin = received.header("webhook-request-origin")
    if received.method != "OPTIONS" or origin is None or not _ORIGIN.fullmatch(origin):
        return None
    return Greeting(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


def _media(received: Received) -> str:
    return received.headers.get("content-type", "").partition(";")[0].strip().lower()


def _binary(received: Received, media: str) -> dict[str, Json]:
    """Attributes stand in headers, percent-encoded (http-protocol-binding.md, section 3.1.3); the body is the data."""
    attributes: dict[str, Json] = {
        name.removeprefix("ce-"): _decoded(value)
        for name, value in received.headers.items()
        if name.startswith("ce-")
    }
    if media:
        attributes["datacontenttype"] = media
    if not received.body:
        return attributes
    if not media or _JSON.fullmatch(media):
        return {**attributes, "data": exact.loads(received.body)}
    return {**attributes, "data_base64": base64.b64encode(received.body).decode()}


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise MalformedBody("A ce- header is not percent-encoded UTF-8.") from None
