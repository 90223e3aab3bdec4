"""Plays Apsis One's API as far as the events of a profile go, and its token endpoint.

Requests are as https://developer.apsis.com/reference/authentication-1 and
https://help.apsis.one/en/articles/6104988-post-custom-events-to-profiles-with-the-apsis-one-api have them, limits as
https://developer.apsis.com/reference/limits ; errors are problem documents, and a token that is refused is a 403, as
https://help.apsis.com/en/articles/6104974-authentication shows it.
"""

import hmac
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import unquote

from local.standins import Asked, Taken, Told
from shared import exact, times
from shared.exact import Json

TOKEN = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c3RhbmRpbg"  # noqa: S105
"""Its `exp` is in the year 2100."""
REFUSED_SECRET = "wrong-secret"  # noqa: S105
"""Any other secret is right."""
UNKNOWN_SECTION = "usercreated.sections.unknown-0000000000"
OLD_VERSION = "version-that-is-not-there"
MAX_BODY_BYTES = 100_000
_EVENTS = re.compile(r"/audience/keyspaces/([^/]+)/profiles/([^/]+)/sections/([^/]+)/events")


def answer(asked: Asked) -> Told:
    """204 for events that are taken, and a token to who asks for one."""
    if asked.path == "/oauth/token":
        return _issue(asked)
    given, wanted = asked.headers.get("authorization", ""), f"Bearer {TOKEN}"
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        return Told(403, {"message": "User is not authorized to access this resource with an explicit deny"})
    doc = exact.members(asked.body) or {}
    return _refusal(asked) or next(_wrongs(doc), None) or Told(204, taken=Taken(doc.get("items")))


def _issue(asked: Asked) -> Told:
    doc = exact.members(asked.body) or {}
    if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        return _problem(415, "The token endpoint takes application/json.")
    if doc.get("grant_type") != "client_credentials":
        return _problem(400, "grant_type must be client_credentials.")
    if not doc.get("client_id") or doc.get("client_secret", "") in ("", REFUSED_SECRET):
        return _problem(401, "The client id or the client secret is wrong.")
    return Told(200, {"access_token": TOKEN, "expires_in": 86_400, "token_type": "Bearer"})


def _refusal(asked: Asked) -> Told | None:
    path = _EVENTS.fullmatch(asked.path)
    if path is None:
        return _problem(404, "There is no such resource.")
    if asked.method != "POST":
        return _problem(405, f"{asked.method} is not supported here.")
    if len(asked.body) > MAX_BODY_BYTES:
        return _problem(413, "The body has more than 100 kB.")
    return next(_wrong_places(*map(unquote, path.groups())), None)


def _wrong_places(keyspace: str, key: str, section: str) -> Iterator[Told]:
    if section == UNKNOWN_SECTION:
        yield _problem(404, f"There is no section {section}.")
    if keyspace.endswith(".export"):
        yield _problem(403, f"The keyspace {keyspace} is read-only.")
    if keyspace.endswith(".email") and "@" not in key:
        yield _problem(400, "The profile key is no e-mail address.")


def _wrongs(doc: Mapping[str, Json]) -> Iterator[Told]:
    items = doc.get("items")
    if not isinstance(items, list) or not items:
        yield _problem(400, "items must be a list of events.")
        return
    for item in items:
        yield from _wrong_event(item if isinstance(item, dict) else {})


def _wrong_event(item: Mapping[str, Json]) -> Iterator[Told]:
    if not times.is_time(item.get("event_time")):
        yield _problem(400, "event_time must be a time with an offset.")
    if not isinstance(item.get("version_id"), str):
        yield _problem(400, "version_id must be a string.")
    if item.get("version_id") == OLD_VERSION:
        yield _problem(404, "There is no such version of an event.")
    if not isinstance(item.get("data"), dict):
        yield _problem(400, "data must be an object.")


def _problem(status: int, detail: str) -> Told:
    """A problem document (RFC 9457)."""
    told = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    return Told(status, told, {"Content-Type": "application/problem+json"})
