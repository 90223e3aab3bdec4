"""Plays Customer.io's Track API as far as an event of a person goes (v2, a single request).

The form of its errors, `reason`, `field` and `message`, is that of the answer 400 of `POST /api/v2/entity` in
https://docs.customer.io/integrations/api/track/ , where the limits stand too. Their texts are those of
https://docs.customer.io/journeys/invalid-api-requests as far as it has one.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from local.standins import Asked, Taken, Told
from shared import exact
from shared.exact import Json, Number

PATH = "/api/v2/entity"
REFUSED_KEY = "wrong-key"
"""Any other API key is right."""
MAX_BODY_BYTES = 32_000
MAX_NAME_BYTES = 100
MAX_ID_BYTES = 150
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")


def answer(asked: Asked) -> Told:
    """200 with an empty object for an event that is taken."""
    if asked.path != PATH or asked.method != "POST":
        return Told(404)
    if not _lets_in(asked.headers.get("authorization", "")):
        return Told(401)
    if len(asked.body) > MAX_BODY_BYTES:
        return _error("invalid", "", "request must be smaller than 32kb")
    doc = exact.members(asked.body)
    if doc is None:
        return _error("parse_error", "", "request is not valid JSON")
    return next(_wrongs(doc), None) or Told(200, {}, taken=Taken(doc, doc.get("id")))


def _lets_in(authorization: str) -> bool:
    scheme, _, told = authorization.partition(" ")
    try:
        site, _, key = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme == "Basic" and bool(site) and key not in ("", REFUSED_KEY)


def _wrongs(doc: Mapping[str, Json]) -> Iterator[Told]:
    if doc.get("type") != "person":
        yield _error("invalid", "type", "type must be person, object or delivery")
    if doc.get("action") != "event":
        yield _error("invalid", "action", "action is not one of a person")
    yield from _wrong_identifiers(doc.get("identifiers"))
    name = doc.get("name")
    if not isinstance(name, str) or not name.strip():
        yield _error("required", "name", "event name must not be blank")
    elif len(name.encode()) > MAX_NAME_BYTES:
        yield _error("invalid", "name", "event name cannot be longer than 100 bytes")
    if not isinstance(doc.get("attributes", {}), dict):
        yield _error("invalid", "attributes", "event data must be a hash")
    yield from _wrong_details(doc)


def _wrong_identifiers(told: Json) -> Iterator[Told]:
    known = [*told.items()] if isinstance(told, dict) else []
    if len(known) != 1 or known[0][0] not in ("id", "email", "cio_id"):
        yield _error("required", "identifiers", "one of id, email or cio_id must be present")
        return
    [(name, value)] = known
    if not isinstance(value, str):
        yield _error("invalid", name, f"{name} attribute must be a string value")
    elif not value:
        yield _error("invalid", name, f"{name} attribute cannot be an empty string")
    elif name == "id" and len(value.encode()) > MAX_ID_BYTES:
        yield _error("invalid", name, "id attribute cannot be longer than 150 bytes")


def _wrong_details(doc: Mapping[str, Json]) -> Iterator[Told]:
    at, id = doc.get("timestamp"), doc.get("id")
    if at is not None and not (isinstance(at, Number) and at.is_integer_text):
        yield _error("invalid", "timestamp", "timestamp must be a unix timestamp in seconds")
    if id is not None and not (isinstance(id, str) and _ULID.fullmatch(id)):
        yield _error("invalid", "id", "id must be a ULID")


def _error(reason: str, field: str, message: str) -> Told:
    return Told(400, {"errors": [{"reason": reason, "field": field, "message": message}]})
