"""Mentioning: which webhooks in quarantine say something of a person. It is asked before somebody is informed or erased."""

from typing import Annotated

from pydantic import StringConstraints

from shared import documents
from shared.bodies import Body, read_body
from shared.errors import Fault, Invalid
from shared.exact import Json
from shared.line import Line
from shared.people.identifiers import faults, identifiers
from shared.stages.recognise import MORE
from shared.stages.translate import PersonBody
from shared.stores.quarantine import MOST_FOUND


class Sought(Body):
    """Whose requests are looked for; `after` is the last id of an earlier answer."""

    person: PersonBody
    after: Annotated[str, StringConstraints(max_length=36)] | None = None


async def mentioning(line: Line, section_id: str, body: Json) -> dict[str, Json]:
    """What lies in quarantine and mentions one of a person's identifiers, oldest first; MOST_FOUND at a time.

    `perhaps`: what mentions more identifiers than it is found by. Raises Invalid where no identifier can be looked for.
    """
    wanted = read_body(Sought, body)
    section = await line.sections.read(section_id)
    person = documents.read_person(wanted.person.model_dump(by_alias=True, exclude_none=True))
    wrong = faults(person, section.country)
    sought = identifiers(person, section.country)
    if wrong or not sought:
        nobody = Fault("/person", "Name an identifier that means somebody.", "identifiers", "none")
        raise Invalid("There is nobody to look for.", faults=wrong or [nobody])
    hashes = [one.hash(section.hash_key) for one in sought]
    found = await line.quarantine.find(section_id, hashes, wanted.after)
    perhaps = await line.quarantine.find(section_id, [MORE], wanted.after)
    return {
        "quarantine": [one.shown() for one in found],
        "perhaps": [one.shown() for one in perhaps if not {*one.mentions} & {*hashes}],
        "more": MOST_FOUND in (len(found), len(perhaps)),
    }
