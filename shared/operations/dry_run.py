"""Dry run: what a source's mapping makes of a payload, and what it leaves out; nothing is stored."""

from dataclasses import replace
from itertools import islice
from typing import Any

from shared.access.caller import Caller
from shared.access.source_body import TryBody
from shared.access.sources import VendorType
from shared.bodies import read_body
from shared.documents import write_person
from shared.errors import Invalid, SignalboxError, Unavailable
from shared.exact import Json
from shared.line import Line
from shared.sources import Facts
from shared.stages import translate
from shared.watch import Watch

MOST_UNMAPPED = 500
"""Leaves that are listed as left out."""


async def dry_run(line: Line, section_id: str, source_id: str, body: Json) -> dict[str, Json]:
    """`{"type": ..., "payload": ...}` through the source's meaning of that type, or through one that is sent along.

    Raises NotFound, Invalid for a body that cannot be read, Unavailable. Whatever else is wrong is told.
    """
    wanted = read_body(TryBody, body)
    source, section = await line.sources.fresh(section_id, source_id), await line.sections.read(section_id)
    if wanted.meaning is not None:
        meaning = VendorType(**wanted.meaning.model_dump())
        source = replace(source, types={**source.types, wanted.type: meaning})
    watch = Watch(wanted.payload)
    found = Facts(wanted.type, None, wanted.payload, wanted.occurred_at)
    told: dict[str, Any] = {"fits": False, "event": None, "version": None, "result": None, "errors": []}
    try:
        draft = translate.webhook(source, found, watch)
        told |= {"event": draft.event, "result": _shown(draft.occurred_at, draft.person, draft.properties)}
        caller = Caller(section.id, frozenset(), source.id, source.label, source.id)
        fits = await line.checker.validator.validate(section, caller, draft, line.clock.now())
        told |= {"fits": True, "version": fits.event.version}
    except Unavailable:
        raise
    except Invalid as error:
        told |= {"detail": error.detail, "errors": [fault.shown() for fault in error.faults]}
    except SignalboxError as error:
        told |= {"detail": error.detail}
    return {**told, "unmapped": list(islice(watch.left(), MOST_UNMAPPED))}


def _shown(occurred_at: str | None, person: Any, properties: Any) -> dict[str, Json]:
    members = {"occurredAt": occurred_at, "person": write_person(person), "properties": dict(properties)}
    return {name: value for name, value in members.items() if value is not None}
