"""The doors of people and their consent."""

import azure.functions as func

from functions.answers import people as answers
from functions.calls import KeyedCall
from functions.doors import Gives, Wants, door
from functions.replies import Reply
from shared.errors import NotFound
from shared.exact import Json
from shared.people.consents import ConsentBody

MOST = 100
"""Events of a timeline that are shown, the newest."""

bp = func.Blueprint()


@door(bp, "POST /v1/consents", Gives(200, answers.Consent), Wants(body=ConsentBody))
async def set_consent(call: KeyedCall) -> Reply:
    """Record what an address said about a purpose."""
    section = await call.line.sections.read(call.section)
    return Reply(200, await call.line.consents.set(section, call.body))


@door(bp, "GET /v1/people/{id}", Gives(200, answers.Profile))
async def read_person(call: KeyedCall) -> Reply:
    """Read a person with the identifiers that are known."""
    return Reply(200, await _person(call))


@door(bp, "GET /v1/people/{id}/timeline", Gives(200, answers.Timeline))
async def read_timeline(call: KeyedCall) -> Reply:
    """List a person's newest events."""
    person = await _person(call)
    return Reply(200, {"events": await call.line.timeline.newest(call.section, person["id"], MOST)})


async def _person(call: KeyedCall) -> dict[str, Json]:
    section = await call.line.sections.read(call.section)
    person = await call.line.people.read(section, call.params["id"])
    if person is None:
        raise NotFound("There is no such person in this section.")
    return person
