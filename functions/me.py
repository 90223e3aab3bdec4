"""The door that tells a caller who they are: for connectors, which try a credential and offer its sections."""

import azure.functions as func

from functions.answers import access as answers
from functions.calls import Call
from functions.doors import Gives, Wants, open_door
from functions.replies import Reply
from shared.access.rights import reach
from shared.exact import Json
from shared.stages.authenticate import everywhere

bp = func.Blueprint()


@open_door(bp, "GET /v1/me", Gives(200, answers.Me), Wants(credential=True))
async def read_me(call: Call) -> Reply:
    """Read which sections your key or token reaches, and what it may do in each. Any credential opens this."""
    line, headers = call.line, call.request.headers
    found = await everywhere(line.keys, line.clients, line.sections, headers)
    sections: list[Json] = []
    spent: dict[str, str] = {}
    for doc, caller in found:
        caller.require_origin(headers.get("origin"))
        spent = spent or line.quotas.of_caller(caller, None).headers()
        line.used.note(caller.home, caller.key_id)
        sections.append(
            {
                **{name: doc[name] for name in ("id", "name", "status")},
                "credential": caller.key_id,
                "source": caller.source,
                "scopes": sorted(reach(caller.scopes)),
                "events": None if caller.events is None else sorted(caller.events),
            }
        )
    return Reply(200, {"sections": sections}, spent)
