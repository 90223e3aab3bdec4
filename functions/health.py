"""Whether this instance answers at all, and whether the app is ready to take events in."""

import asyncio
from collections.abc import Sequence

import azure.functions as func

from functions.answers import running
from functions.calls import Call
from functions.doors import Gives, Wants, open_door
from functions.replies import Reply
from shared.access.rights import Scope
from shared.errors import Fault, Forbidden, NotFound, Unauthenticated, Unavailable
from shared.probe import NEEDED, PATIENCE_SECONDS, REMEMBERED_SECONDS, Found
from shared.stages.authenticate import authenticate

bp = func.Blueprint()


@open_door(bp, "GET /health/live", Gives(200, running.Alive))
async def read_liveness(call: Call) -> Reply:  # noqa: ARG001  (every handler takes its call)
    """Whether this instance answers at all."""
    return Reply(200, {"status": "alive"})


@open_door(
    bp,
    "GET /health/ready",
    Gives(200, running.Ready),
    Wants(refuses=(Unauthenticated, Forbidden, NotFound, Unavailable)),
)
async def read_readiness(call: Call) -> Reply:
    """Whether events can be taken in now. With a key or a token that has the scope `operate`: how each part stands."""
    operates = await _operates(call)
    found = await call.line.probe.look()
    if any(one.part in NEEDED and not one.is_there for one in found):
        raise _not_ready(found, tell=operates)
    if not operates:
        return Reply(200, {"status": "ready"})
    shown = [
        {"name": one.part, "ready": one.is_there, "milliseconds": one.milliseconds, "detail": one.detail}
        for one in found
    ]
    status = "ready" if all(one.is_there for one in found) else "degraded"
    return Reply(200, {"status": status, "dependencies": shown})


async def _operates(call: Call) -> bool:
    """Whether somebody asks who may know more. While nobody can be known, nobody does.

    Raises Unauthenticated, Forbidden, NotFound for a credential that is good for nothing here.
    """
    line, headers = call.line, call.request.headers
    if "authorization" not in headers:
        return False
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await authenticate(line.keys, line.clients, line.sections, headers, Scope.OPERATE)
    except (Unavailable, TimeoutError):
        return False
    return True


def _not_ready(found: Sequence[Found], *, tell: bool) -> Unavailable:
    refusal = Unavailable(
        "Events cannot be taken in right now. Repeat the same request later.", retry_after=REMEMBERED_SECONDS
    )
    away = [Fault(f"/{one.part}", one.detail) for one in found if one.detail]
    refusal.faults = tuple(away) if tell else ()
    return refusal
