"""Plays Segment's HTTP API as far as a track call goes.

Segment answers 200 to nearly all that it gets, also where it drops it: only a body that is too large or no JSON is a 400, as
https://www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api ("Errors", "Rate limits") says.
What it drops, it tells its own users by the codes of
https://www.twilio.com/docs/segment/connections/delivery-overview , which stand beside each rule here. The texts of its 400
are from https://github.com/segment-boneyard/segment-docs/pull/7422 and https://github.com/segmentio/analytics-ruby/pull/147 .
"""

import base64
import binascii
from collections.abc import Iterator, Mapping

from local.standins import Asked, Taken, Told
from shared import exact
from shared.exact import Json

PATH = "/v1/track"
MAX_BODY_BYTES = 32_000
MAX_MESSAGE_ID = 99
REFUSED_KEY = "wrong-key"
"""Any other write key is a source's."""
BUSY_KEY = "key-of-a-busy-workspace"
"""The write key of a source whose workspace has sent more than it may, for ever."""


def answer(asked: Asked) -> Told:
    """200 for all that is a JSON object; `taken` only for what Segment would keep."""
    if asked.path != PATH or asked.method != "POST":
        return Told(404)
    if len(asked.body) > MAX_BODY_BYTES:
        return Told(400, "Exceed payload limit")
    doc = exact.members(asked.body)
    if doc is None or asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        return Told(400, "Bad Request")
    key = _write_key(asked.headers.get("authorization", ""), doc)
    if key == BUSY_KEY:
        return Told(429, headers={"Retry-After": "5", "X-RateLimit-Reset": "5"})
    dropped = next(_reasons(key, doc), None)
    return Told(200, {"success": True}, taken=None if dropped else Taken(doc, doc.get("messageId")))


def _write_key(authorization: str, doc: Mapping[str, Json]) -> Json:
    """The write key: the user name of basic authentication, else a member of the body."""
    scheme, _, told = authorization.partition(" ")
    if scheme != "Basic":
        return doc.get("writeKey")
    try:
        return base64.b64decode(told, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _reasons(key: Json, doc: Mapping[str, Json]) -> Iterator[str]:
    """Why Segment drops a call."""
    if not key or key == REFUSED_KEY:
        yield "project_not_found"
    if not doc.get("userId") and not doc.get("anonymousId"):
        yield "no_user_anon_id"
    if not doc.get("event"):
        yield "event_not_defined"
    if not isinstance(doc.get("event"), str):
        yield "event_not_string"
    if not isinstance(doc.get("properties", {}), dict):
        yield "properties_not_object"
    if len(str(doc.get("messageId", ""))) > MAX_MESSAGE_ID:
        yield "a messageId has fewer than 100 characters"
