"""Notices: make events of ours of what was listed, through the same doors of the line as everybody's.

The key of such an event is derived from what happened, so that whatever is cut short here and done again makes no second.
What has not happened after all, as after a crash, is not told; and that a notice could not be delivered is none itself.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from shared import logs
from shared.access.sections import Section
from shared.catalog import own
from shared.destinations.outcomes import Cause
from shared.errors import NotFound, Unavailable
from shared.event import Draft
from shared.exact import Json, Number
from shared.killpoints import reached
from shared.line import Line
from shared.operations.own_events import take_in
from shared.operations.pace import Pace
from shared.stores.dead_letters import LISTED
from shared.stores.notices import Notice

TOLD_AFTER = timedelta(seconds=30)
"""What was listed is to have happened by then."""
MOST = 10_000
Properties = dict[str, Json]


async def tell(line: Line, pace: Pace) -> int:
    """Make events of what was listed, and forget it; answers how many. Raises Unavailable."""
    told = 0
    async for chunk in pace.chunks(line.teller.notices.before(line.clock.now() - TOLD_AFTER, MOST)):
        for section in dict.fromkeys(one.section for one in chunk):
            told += await _tell(line, section, [one for one in chunk if one.section == section])
    return told


async def _tell(line: Line, section_id: str, notices: Sequence[Notice]) -> int:
    section = await line.sections.find(section_id)
    found = [] if section is None else await asyncio.gather(*(_made(line, section, one) for one in notices))
    drafts = [draft for some in found for draft in some]
    await take_in(line, section_id, drafts)
    reached("notices.recorded")
    await asyncio.gather(*(line.teller.notices.remove(one) for one in notices))
    return len(drafts)


async def _made(line: Line, section: Section, notice: Notice) -> list[Draft]:
    """As `_drafts`; one that this version cannot make anything of does not keep the others waiting."""
    try:
        return await _drafts(line, section, notice)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  (whatever broke in this version)
        logs.fail("notices", "not told", section=section.id, event=notice.event, error=logs.told_of(error))
        return []


async def _drafts(line: Line, section: Section, notice: Notice) -> list[Draft]:
    """The events of ours that a notice comes to."""
    if not await line.teller.is_wanted(section.id, notice.event):
        return []
    match notice.event:
        case own.DELIVERY_FAILED:
            return await _failed(line, section, notice)
        case own.DESTINATION_DISABLED:
            return await _disabled(line, section, notice)
        case own.DEFINITION_CHANGED:
            return await _changed(line, section, notice)
    return []


async def _failed(line: Line, section: Section, notice: Notice) -> list[Draft]:
    event_id, _, route = notice.about.partition("_")
    delivery = await line.receipts.delivery(section.id, event_id, route)
    stored = await line.ledger.event(section.id, event_id)
    if delivery is None or stored is None or delivery.status not in LISTED or own.is_own(stored.event.event):
        return []
    cause = Cause(str(delivery.cause))
    name, status = stored.event.event, delivery.status.value
    properties: Properties = {
        "summary": f"{name} was not delivered to {delivery.destination}. {cause.sentence}",
        "delivery": delivery.id,
        "eventId": event_id,
        "event": name,
        "route": route,
        "destination": delivery.destination,
        "status": status,
        "cause": cause.value,
        "reason": cause.sentence,
        "receipt": f"/v1/events/{event_id}",
    }
    return [_draft(notice, properties, f"{delivery.id}|{delivery.replays}")]


async def _disabled(line: Line, section: Section, notice: Notice) -> list[Draft]:
    shown = await line.destinations.disabled(section.id, notice.about)
    if not shown:
        return []
    at, reason = shown["disabledAt"], shown["disabledReason"]
    properties: Properties = {
        "summary": f"{notice.about} is disabled. {reason} Its deliveries wait until somebody resumes it.",
        "destination": notice.about,
        "disabledAt": at,
        "reason": reason,
    }
    return [_draft(notice, properties, f"{notice.about}|{at}")]


async def _changed(line: Line, section: Section, notice: Notice) -> list[Draft]:
    try:
        versions = await line.definitions.versions(section.id, notice.about)
    except NotFound:
        return []
    return [_version(notice, one) for one in versions if one["number"] > notice.number]


def _version(notice: Notice, version: Properties) -> Draft:
    event, number = notice.about, int(version["number"])
    did = "is defined" if number == 1 else f"has a new version, number {number}"
    properties: Properties = {
        "summary": f"{event} {did}.",
        "event": event,
        "version": version["id"],
        "number": Number(str(number)),
        "definition": f"/v1/definitions/{event}",
    }
    return _draft(notice, properties, version["id"])


def _draft(notice: Notice, properties: Properties, key: str) -> Draft:
    return Draft(notice.event, properties, key=f"{notice.event}|{key}")
