"""Plays HubSpot's API as far as sending an occurrence of a custom event goes.

What it takes, and the limits, are those of
https://developers.hubspot.com/docs/api-reference/legacy/events/send-event-data/guide ; errors have the members and categories of
https://developers.hubspot.com/docs/api-reference/error-handling , and the text of a missing token is that of
https://developers.hubspot.com/changelog/improvements-to-authentication-errors-for-v3-endpoints-in-developer-preview-program .
"""

import re
from collections.abc import Iterator, Mapping

from local.standins import Asked, Taken, Told
from shared import exact, times
from shared.exact import Json

PATH = "/events/v3/send"
REFUSED_TOKEN = "wrong-token"  # noqa: S105
"""Any other token is right."""
NARROW_TOKEN = "token-without-scope"  # noqa: S105
"""A token that may not send events."""
UNKNOWN_EVENT = "pe1234567_unknown"
"""An event that nobody has defined."""
MOST_PROPERTIES, MAX_NAME, MAX_TEXT, MAX_URL = 50, 50, 256, 1_024
_LONGER = ("hs_url", "hs_referrer")
_NAME = re.compile("[a-z][a-z0-9_]*")
_QUALIFIED = re.compile(r"pe\d+_[a-z][a-z0-9_]*")


def answer(asked: Asked) -> Told:
    """204 for an occurrence that is taken."""
    if refusal := next(_refusals(asked), None):
        return refusal
    doc = exact.members(asked.body)
    if doc is None:
        return _invalid("Invalid input JSON")
    return next(_wrongs(doc), None) or Told(204, taken=Taken(doc))


def _refusals(asked: Asked) -> Iterator[Told]:
    if asked.path != PATH:
        yield _error(404, "OBJECT_NOT_FOUND", "resource not found")
    if asked.method != "POST":
        yield _error(405, "METHOD_NOT_ALLOWED", f"{asked.method} is not allowed here")
    scheme, _, key = asked.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or key in ("", REFUSED_TOKEN):
        yield _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
    if key == NARROW_TOKEN:
        yield _error(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.")
    if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        yield _error(415, "VALIDATION_ERROR", "The content type must be application/json")


def _wrongs(doc: Mapping[str, Json]) -> Iterator[Told]:
    name, properties = doc.get("eventName"), doc.get("properties")
    if not isinstance(name, str):
        yield _invalid("Some required fields were not set: [eventName]")
    elif not _QUALIFIED.fullmatch(name) or name == UNKNOWN_EVENT:
        yield _invalid(f"There is no event with the name {name}")
    if not isinstance(properties, dict):
        yield _invalid("Some required fields were not set: [properties]")
        return
    if not any(isinstance(doc.get(known), str) for known in ("objectId", "email", "utk")) and not properties:
        yield _invalid("Nothing says which record the event belongs to")
    if "occurredAt" in doc and not times.is_time(doc["occurredAt"]):
        yield _invalid("occurredAt must be an ISO 8601 time")
    if len(properties) > MOST_PROPERTIES:
        yield _invalid(f"An event has at most {MOST_PROPERTIES} properties")
    for property_name, value in properties.items():
        yield from _wrong_property(property_name, value)


def _wrong_property(name: str, value: Json) -> Iterator[Told]:
    if len(name) > MAX_NAME:
        yield _invalid(f"A property's name has at most {MAX_NAME} characters")
    if not _NAME.fullmatch(name):
        yield _invalid("A property's name starts with a letter, and has only a-z, 0-9 and _")
    if not isinstance(value, str):
        yield _invalid(f"{name} must be a string")
    elif len(value) > (most := MAX_URL if name in _LONGER else MAX_TEXT):
        yield _invalid(f"{name} has at most {most} characters")


def _invalid(message: str) -> Told:
    return _error(400, "VALIDATION_ERROR", message)


def _error(status: int, category: str, message: str) -> Told:
    told = {"status": "error", "message": message, "correlationId": "standin", "category": category}
    return Told(status, told)
