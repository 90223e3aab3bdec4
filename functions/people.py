"""The doors of people and their consent."""

import azure.functions as func

from functions.doors import KeyedCall, door
from functions.replies import Reply
from shared.errors import NotFound
from shared.exact import Json

MOST = 100
"""Events of a timeline that are shown, the newest."""

bp = func.Blueprint()


@door(bp, "POST /v1/consents")
async def set_consent(call: KeyedCall) -> Reply:
    section = await call.line.sections.read(call.section)
    return Reply(200, await call.line.consents.set(section, call.body))


@door(bp, "GET /v1/people/{id}")
async def read_person(call: KeyedCall) -> Reply:
    return Reply(200, await _person(call))


@door(bp, "GET /v1/people/{id}/timeline")
async def read_timeline(call: KeyedCall) -> Reply:
    person = await _person(call)
    return Reply(200, {"events": await call.line.timeline.newest(call.section, person["id"], MOST)})


async def _person(call: KeyedCall) -> dict[str, Json]:
    section = await call.line.sections.read(call.section)
    person = await call.line.people.read(section, call.params["id"])
    if person is None:
        raise NotFound("There is no such person in this section.")
    return person
