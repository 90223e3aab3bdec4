"""What operators and developers read: the receipt of an event, and events newest first.

Ids sort by time, so the newest events are found by reading backwards in windows of doubling width, and a follower
asks for what came after the last id it saw.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared import documents, ids, times
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.errors import Fault, Invalid, NotFound
from shared.event import Stored
from shared.exact import Json
from shared.line import Line
from shared.operations import in_words
from shared.stores.reasons import Reason
from shared.stores.stops import urgency
from shared.stores.trail import Attempt, Delivery, Trail

MOST = 100
FIRST_WINDOW = timedelta(seconds=1)
NARROWEST = timedelta(milliseconds=1)
MOST_A_WINDOW = 1_000
"""Events of a bucket that are read at once: a wide window after a silence may hold any number."""
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
"""Nothing is older than this software."""
SETTLED = timedelta(seconds=10)
"""A follower's cursor stays this far behind now: instances' clocks differ, and a repeat is better than a gap."""
_LIMIT = re.compile("[0-9]{1,3}")

Summary = dict[str, Json]
"""What a list shows of an event: its members beside the document, and its id."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    limit: int
    after: str | None = None
    before: str | None = None


def page_of(query: Mapping[str, str]) -> Page:
    """The page that a query names. Raises Invalid."""
    limit = query.get("limit", str(MOST // 2))
    faults = [] if _LIMIT.fullmatch(limit) and 1 <= int(limit) <= MOST else [_limit_fault()]
    wrong = [name for name in ("after", "before") if name in query and not _is_place(query[name])]
    faults += [Fault(f"/{name}", "Send an event id from an earlier answer.", "event id") for name in wrong]
    if faults:
        raise Invalid("The query cannot be used.", faults=faults)
    return Page(int(limit), query.get("after"), query.get("before"))


async def newest(line: Line, caller: Caller, page: Page) -> dict[str, Json]:
    """Events newest first. With `after` the oldest ones since then: a follower passes each answer's `next` on."""
    section = await line.sections.read(caller.require_section())
    now = line.clock.now()
    if page.after:
        high = ids.lowest(now + SETTLED)
        found = await oldest(line, section, page.after + "~", high, page.limit)
    else:
        found = await _backwards(line, section, page)
    shown = [one for one in reversed(found) if caller.events is None or one["event"] in caller.events]
    return {
        "section": {"id": section.id, "status": "paused" if section.paused else "active"},
        "events": [{**one, "receipt": f"/v1/events/{one['id']}"} for one in shown],
        "next": _cursor(found, page, now),
    }


async def receipt(line: Line, caller: Caller, id: str) -> dict[str, Json]:
    """Everything that is known of one event. Raises NotFound."""
    section = await line.sections.read(caller.require_section())
    stored = await line.ledger.event(section.id, id) if _is_id(id) else None
    if stored is None or (caller.events is not None and stored.event.event not in caller.events):
        raise NotFound("There is no such event in this section, or it is past its retention.")
    return told_of(section, stored, await line.receipts.trail(section.id, id))


def told_of(section: Section, stored: Stored, trail: Trail) -> dict[str, Json]:
    """An event with what became of it."""
    word = status(trail, paused=section.paused)
    recorded = {"name": "record", "at": documents.envelope(stored)["receivedAt"], "outcome": "stored"}
    return {
        **documents.envelope(stored),
        "status": word,
        "reason": _reason(section) if word == "parked" else None,
        "detail": in_words.of_event(trail, paused=section.paused),
        "personId": trail.person,
        "traceId": stored.event.trace.id if stored.event.trace else None,
        "deduplicated": stored.event.key is not None,
        "repeatDiffers": trail.repeat_differs,
        "steps": [recorded, *(_members(step) for step in trail.steps)],
        "deliveries": [_delivery(delivery) for delivery in trail.deliveries],
    }


def status(trail: Trail, *, paused: bool = False) -> str:
    """The event in one word: what most needs somebody's eye comes first. `paused`: whether its section is."""
    if not trail.steps:
        return "parked" if paused else "accepted"
    if not trail.deliveries:
        return "processed"
    return in_words.WORDS[min(trail.deliveries, key=urgency).status]


def _reason(section: Section) -> Reason:
    """What a parked event waits for."""
    return Reason.SECTION_PAUSED if section.paused else Reason.DESTINATION_PAUSED


async def _backwards(line: Line, section: Section, page: Page) -> list[Summary]:
    """The newest `limit` events before the page's edge, by windows that widen until they are found."""
    now = line.clock.now()
    newest, width = ids.lowest(now + SETTLED), FIRST_WINDOW
    high = min(page.before or newest, newest)
    edge = ids.time_of(high) if page.before else now
    found: list[Summary] = []
    while len(found) < page.limit and edge > BEGINNING:
        low = max(edge - width, BEGINNING)
        parts = await _parts(line, section, ids.lowest(low), high, MOST_A_WINDOW)
        if max(map(len, parts)) == MOST_A_WINDOW and width > NARROWEST:
            # There is more, and it is newer: what lies next to the edge comes first.
            width /= 16
            continue
        found = _merged(parts) + found
        high, edge, width = ids.lowest(low), low, width * 4
    return found[-page.limit :]


async def _parts(line: Line, section: Section, low: str, high: str, most: int) -> list[list[Summary]]:
    """The oldest `most` events of each bucket."""
    return await asyncio.gather(
        *(line.ledger.summaries(section.id, bucket, low, high, most) for bucket in range(section.buckets))
    )


async def oldest(line: Line, section: Section, low: str, high: str, most: int) -> list[Summary]:
    """The oldest events with low <= id < high, whichever bucket they are in: a range of each."""
    return _merged(await _parts(line, section, low, high, most))[:most]


def _merged(parts: list[list[Summary]]) -> list[Summary]:
    return sorted((one for part in parts for one in part), key=lambda one: str(one["id"]))


def _cursor(found: list[Summary], page: Page, now: datetime) -> str:
    settled = ids.lowest(now - SETTLED)
    newest = str(found[-1]["id"]) if found else page.after or settled
    return max(min(newest, settled), page.after or "")


def _delivery(delivery: Delivery) -> dict[str, Json]:
    return {
        "id": delivery.id,
        "route": delivery.route,
        "destination": delivery.destination,
        "purpose": delivery.purpose,
        "status": delivery.status.value,
        "cause": delivery.cause,
        "detail": in_words.of_delivery(delivery),
        "sentAs": delivery.sent_as,
        "nextAttemptAt": times.text(delivery.due_at) if delivery.due_at else None,
        "replays": delivery.replays,
        "attempts": [attempt_shown(attempt) for attempt in delivery.attempts],
    }


def attempt_shown(attempt: Attempt) -> dict[str, Json]:
    """An attempt as the API answers it: what its request's hash is good for is told with a dead letter."""
    return _members(replace(attempt, request=None))


def _members(item: object) -> dict[str, Json]:
    names = {"status_code": "statusCode"}
    members = asdict(item)  # type: ignore[call-overload]
    return {names.get(name, name): value for name, value in members.items() if value is not None}


def _is_id(text: str) -> bool:
    try:
        ids.commit_of(text)
    except ValueError:
        return False
    return True


def _is_place(text: str) -> bool:
    """An event's id, or a cursor: a time in the form of an id."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _limit_fault() -> Fault:
    return Fault("/limit", f"Send a number from 1 to {MOST}.", f"1 to {MOST}", "something else")
