"""Whether this instance answers at all: no storage, no key, nothing to learn from it."""

import azure.functions as func

from functions.answers import running
from functions.doors import Call, Gives, open_door
from functions.replies import Reply

bp = func.Blueprint()


@open_door(bp, "GET /health/live", Gives(200, running.Alive))
async def read_liveness(call: Call) -> Reply:  # noqa: ARG001  (every handler takes its call)
    """Whether this instance answers at all."""
    return Reply(200, {"status": "alive"})
