"""Plays Klaviyo's API as far as creating an event goes.

What it takes is as https://developers.klaviyo.com/en/reference/create_event and the vendor's OpenAPI description of it have
it. Its errors are the objects of JSON:API that the description shows, with the codes and titles of
https://community.klaviyo.com/marketing-30/authentication-problem-for-new-api-i-am-using-correct-api-7403 and
https://community.klaviyo.com/developer-group-64/is-creation-by-profile-email-still-allowed-in-the-latest-api-version-9268 .
"""

import re
from collections.abc import Iterator, Mapping

from local.standins import Asked, Taken, Told
from shared import exact, times
from shared.exact import Json, Number

PATH = "/api/events"
REFUSED_KEY = "wrong-key"
"""Any other private key is right."""
NARROW_KEY = "key-without-scope"
"""A key that may not write events."""
MAX_NAME = 127
MAX_PROPERTIES = 400
_IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_INVALID = (400, "invalid", "Invalid input.")
_TYPES = ("application/vnd.api+json", "application/json")


def answer(asked: Asked) -> Told:
    """202 without a body for an event that is taken."""
    if asked.path.rstrip("/") != PATH or asked.method != "POST":
        return _error((404, "not_found", "Not found."), "There is no such endpoint.")
    if refusal := next(_refusals(asked.headers), None):
        return refusal
    doc = exact.members(asked.body)
    if doc is None:
        return _error((400, "parse_error", "Malformed request."), "The body is no JSON.")
    event = _attributes(doc)
    return next(_wrongs(doc, event), None) or Told(202, taken=Taken(event, _known_by(event)))


def _refusals(headers: Mapping[str, str]) -> Iterator[Told]:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    wrong = (401, "not_authenticated", "Authentication credentials were not provided.")
    if scheme != "Klaviyo-API-Key":
        yield _error(wrong, "Missing or invalid authorization scheme. Please use Klaviyo-API-Key.")
    if key in ("", REFUSED_KEY):
        yield _error((401, "authentication_failed", "Incorrect authentication credentials."), "No such key.")
    if key == NARROW_KEY:
        denied = (403, "permission_denied", "You do not have permission to perform this action.")
        yield _error(denied, "The key lacks the scope events:write.")
    if not headers.get("revision"):
        yield _error(_INVALID, "The revision header is required.")
    if headers.get("content-type", "").partition(";")[0] not in _TYPES:
        yield _error((415, "unsupported_media_type", "Unsupported media type."), "Send JSON:API.")


def _attributes(doc: Json) -> Mapping[str, Json]:
    """The attributes of a resource; none where it has none."""
    data = doc.get("data") if isinstance(doc, dict) else None
    found = data.get("attributes") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _known_by(event: Mapping[str, Json]) -> str | None:
    """A unique_id counts for one profile and metric."""
    if (id := event.get("unique_id")) is None:
        return None
    return exact.dumps([id, _attributes(event["metric"]), _attributes(event["profile"])])


def _wrongs(doc: Mapping[str, Json], event: Mapping[str, Json]) -> Iterator[Told]:
    at = "/data/attributes"
    if not event:
        yield _wrong("One of `attributes`, `relationships` or `id` must be included in the request payload.")
    if doc["data"].get("type") != "event":
        yield _wrong("The type must be event.", "/data/type")
    name = _attributes(event.get("metric")).get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        yield _wrong("A metric's name is required, of less than 128 characters.", f"{at}/metric/data")
    yield from _wrong_profile(_attributes(event.get("profile")), f"{at}/profile/data")
    yield from _wrong_properties(event.get("properties"), f"{at}/properties")
    if event.get("time") is not None and not times.is_time(event["time"]):
        yield _wrong("The time must be an ISO 8601 timestamp.", f"{at}/time")
    if event.get("value") is not None and not isinstance(event["value"], Number):
        yield _wrong("The value must be a number.", f"{at}/value")


def _wrong_profile(profile: Mapping[str, Json], at: str) -> Iterator[Told]:
    if not any(profile.get(name) for name in _IDENTIFIERS):
        yield _wrong("A profile must have at least one identifier.", at)
    phone = profile.get("phone_number")
    if phone is not None and not (isinstance(phone, str) and _E164.fullmatch(phone)):
        yield _wrong("Invalid phone number format. Use E.164.", f"{at}/attributes/phone_number")


def _wrong_properties(properties: Json, at: str) -> Iterator[Told]:
    if not isinstance(properties, dict):
        yield _wrong("The properties are required, as an object.", at)
    elif len(properties) > MAX_PROPERTIES:
        yield _wrong("An event must not exceed 400 properties.", at)


def _wrong(detail: str, pointer: str = "/data") -> Told:
    return _error(_INVALID, detail, pointer)


def _error(kind: tuple[int, str, str], detail: str, pointer: str = "/data") -> Told:
    status, code, title = kind
    told = {"id": "standin", "status": status, "code": code, "title": title, "detail": detail}
    return Told(
        status,
        {"errors": [{**told, "source": {"pointer": pointer}}]},
        {"Content-Type": "application/vnd.api+json"},
    )
