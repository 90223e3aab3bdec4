"""Plays Braze's REST API as far as tracking a custom event goes.

What it takes is as https://www.braze.com/docs/api/objects_filters/event_object has it, statuses and the form of an error as
https://www.braze.com/docs/api/errors and https://www.braze.com/docs/api/endpoints/user_data/post_user_track have them. Texts and
members of an error are those of the answers that https://github.com/rudderlabs/rudder-transformer records in its tests of
Braze. A request whose only event is wrong has a fatal error.
"""

from collections.abc import Iterator, Mapping

from local.standins import Asked, Taken, Told
from shared import exact, times
from shared.exact import Json

PATH = "/users/track"
REFUSED_KEY = "wrong-key"
"""Any other API key is right."""
IDLE_KEY = "key-of-an-inactive-account"
MOST_EVENTS = 75
MAX_NAME = 255
_USERS = ("external_id", "braze_id", "user_alias", "email", "phone")


def answer(asked: Asked) -> Told:
    """201 with how many events are taken."""
    if asked.path != PATH or asked.method != "POST":
        return Told(404, {"message": "Not Found"})
    scheme, _, key = asked.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or key in ("", REFUSED_KEY):
        return Told(401, {"message": "Invalid API Key"})
    if key == IDLE_KEY:
        return Told(403, {"message": "Forbidden"})
    doc = exact.members(asked.body)
    if doc is None or asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        return Told(400, {"message": "Bad Request"})
    return _track(doc.get("events"))


def _track(events: Json) -> Told:
    found = events if isinstance(events, list) else []
    if len(found) > MOST_EVENTS:
        return Told(400, {"message": "Max Input Length Exceeded"})
    wrongs = {
        index: next(_wrongs(one if isinstance(one, dict) else {}), None) for index, one in enumerate(found)
    }
    errors = [
        {"type": wrong, "input_array": "events", "index": index} for index, wrong in wrongs.items() if wrong
    ]
    if len(errors) == len(found):
        message = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
        return Told(400, {"message": message, "errors": errors} if errors else {"message": message})
    processed = {"message": "success", "events_processed": len(found) - len(errors)}
    taken = [one for index, one in enumerate(found) if not wrongs[index]]
    return Told(201, {**processed, "errors": errors} if errors else processed, taken=Taken(taken))


def _wrongs(event: Mapping[str, Json]) -> Iterator[str]:
    if not any(event.get(name) for name in _USERS):
        yield "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
    alias = event.get("user_alias", {"alias_name": "", "alias_label": ""})
    if not isinstance(alias, dict) or {*alias} != {"alias_name", "alias_label"}:
        yield "'user_alias' is not valid"
    if not isinstance(event.get("name"), str) or not event["name"]:
        yield "'name' is required"
    if not times.is_time(event.get("time")):
        yield "'time' is not valid"
    yield from _wrong_properties(event.get("properties", {}))


def _wrong_properties(properties: Json) -> Iterator[str]:
    if not isinstance(properties, dict):
        yield "'properties' is not valid"
        return
    if not all(0 < len(name) <= MAX_NAME and name[0] != "$" for name in properties):
        yield "'properties' has a name that is not valid"
    if any(
        value is None or (isinstance(value, str) and len(value) > MAX_NAME) for value in properties.values()
    ):
        yield "'properties' has a value that is not valid"
