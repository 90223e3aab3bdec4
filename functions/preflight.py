"""What a browser asks before a script of a page may post events: the CORS preflight.

Such a request carries no key, so it says nothing of who asks: every page may try, and its key decides.
"""

import azure.functions as func

from functions.calls import Call
from functions.doors import Gives, Wants, open_door
from functions.replies import Reply

bp = func.Blueprint()
ALLOWED = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key",
    "Access-Control-Max-Age": "7200",
}
"""Two hours, the longest that Chromium remembers it."""
PREFLIGHT = Gives(204, None, (*ALLOWED,))


@open_door(bp, "OPTIONS /v1/events", PREFLIGHT, Wants(pages=True))
async def allow_event(call: Call) -> Reply:  # noqa: ARG001  (every handler takes its call)
    """Answer a browser that asks whether a page may post an event."""
    return Reply(204, None, ALLOWED)


@open_door(bp, "OPTIONS /v1/events/batch", PREFLIGHT, Wants(pages=True))
async def allow_batch(call: Call) -> Reply:  # noqa: ARG001  (every handler takes its call)
    """Answer a browser that asks whether a page may post a batch of events."""
    return Reply(204, None, ALLOWED)
