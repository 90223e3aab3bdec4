"""The last door: it refuses what no other takes, so that this too is a problem that says what to do."""

import re

import azure.functions as func

from functions.calls import Call
from functions.doors import DOORS, last_door
from functions.replies import Reply
from shared.errors import MethodNotAllowed, NotFound

bp = func.Blueprint()
_PARAMETER = re.compile(r"\{\w+\}")


@last_door(bp)
async def z_no_door(call: Call) -> Reply:
    allowed = methods_at("/" + call.params.get("path", ""))
    if allowed:
        raise MethodNotAllowed(f"Send {' or '.join(allowed)} to this path.", allowed)
    raise NotFound("There is nothing at this path. GET /openapi.json lists what there is.")


def methods_at(path: str) -> list[str]:
    """The methods of the doors at a path, in alphabetical order."""
    return sorted({method for door in DOORS if _is_at(door.path, path) for method in door.methods})


def _is_at(template: str, path: str) -> bool:
    """Matches as the host does: case and a slash at the end do not count."""
    pattern = "[^/]+".join(re.escape(part) for part in _PARAMETER.split(template)) + "/?"
    return re.fullmatch(pattern, path, re.IGNORECASE | re.DOTALL) is not None
