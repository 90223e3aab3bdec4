"""Why: of each event of a person in a time, whether it reached its destinations, and if not, which rule stopped it.

What was decided when the event was processed stands in its receipt. Where a route made no delivery, the receipt does not say
of which condition; that is judged again, by the route as it is now.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import StringConstraints

from shared import documents, times
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.bodies import Body, Discriminator, Time, read_body
from shared.errors import Fault, Invalid, NotFound
from shared.event import Stored
from shared.exact import Json
from shared.line import Line
from shared.operations import in_words
from shared.operations.funnel import refused_of, shown_refused
from shared.operations.listing import status
from shared.people.identifiers import Identifier, faults, identifiers
from shared.routing import conditions
from shared.routing.routes import Route
from shared.stages.translate import PersonBody
from shared.stages.validate import MAX_AHEAD
from shared.stores.reasons import Reason
from shared.stores.stops import reason_of
from shared.stores.trail import Delivery, Status, Trail

USUALLY = timedelta(days=7)
MOST_LOOKED_AT = 1_000
"""Events of a person in the time."""
MOST_EXPLAINED = 20
_AS_A_WHOLE = (Reason.TEST, Reason.UNTRUSTED, Reason.BACKFILL, Reason.STALE, Reason.ALIKE)
"""Why an event takes no route, whichever there are."""


Span = tuple[datetime, datetime]


class WhyBody(Body):
    """Whose events, and which; `since` and `until` are about when they happened, by default the last seven days.

    Identifiers stand in a body, because a URL is written down in many places.
    """

    person: PersonBody
    event: Discriminator | None = None
    destination: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    since: Time | None = None
    until: Time | None = None


async def why(line: Line, caller: Caller, body: Json) -> dict[str, Json]:
    """What became of a person's events. Changes nothing. Raises Invalid, Unavailable."""
    wanted = read_body(WhyBody, body)
    section = await line.sections.read(caller.require_section())
    sought = await _sought(line, section, wanted)
    span = _span(wanted, line.clock.now())
    found = await line.people.resolve(section, sought, create=False)
    ids = await _ids(line, section, caller, wanted, found.person, span) if found else ()
    explained = await asyncio.gather(
        *(_explained(line, section, id, wanted.destination) for id in ids[:MOST_EXPLAINED])
    )
    events = [one for one in explained if one]
    rule = None if events else Reason.NO_EVENT if found else Reason.NOBODY
    return {
        "since": times.text(span[0]),
        "until": times.text(span[1]),
        "personId": found.person if found else None,
        "rule": rule,
        "detail": rule.sentence if rule else events[0]["detail"],
        "events": events,
        "quarantine": await _quarantined(line, section, sought, wanted.event, span),
        "refused": await _refused(line, section, wanted.event, span),
        "more": len(ids) > MOST_EXPLAINED,
    }


async def _sought(line: Line, section: Section, wanted: WhyBody) -> Sequence[Identifier]:
    """The identifiers of whom it is about. Raises Invalid for what names nobody, and for what is not there."""
    person = documents.read_person(wanted.person.model_dump(by_alias=True, exclude_none=True))
    found, wrong = identifiers(person, section.country), faults(person, section.country)
    if not found and not wrong:
        wrong = [Fault("/person", "Name an identifier that means somebody.", "identifiers", "none")]
    if wanted.event and not await _is_there(line.definitions.read(section.id, wanted.event)):
        wrong.append(Fault("/event", "Name an event that is defined.", "an event of this section", "unknown"))
    if wanted.destination and not await _is_there(line.destinations.read(section.id, wanted.destination)):
        expected = "a destination of this section"
        wrong.append(Fault("/destination", "Name a destination that there is.", expected, "unknown"))
    if wrong:
        raise Invalid("There is nothing to look for.", faults=wrong)
    return found


async def _is_there(reading: Awaitable[object]) -> bool:
    try:
        await reading
    except NotFound:
        return False
    return True


def _span(wanted: WhyBody, now: datetime) -> Span:
    """The time that is asked about. Raises Invalid where it ends before it begins."""
    until = min(times.parse(wanted.until) if wanted.until else now, now + MAX_AHEAD)
    usual = min(max(until, times.EPOCH + USUALLY), now) - USUALLY
    since = times.parse(wanted.since) if wanted.since else min(usual, until)
    if since > until:
        raise Invalid(
            "The time ends before it begins.",
            faults=[Fault("/since", "Send the earlier time here.", "a time before `until`")],
        )
    return since, until


async def _ids(
    line: Line,
    section: Section,
    caller: Caller,
    wanted: WhyBody,
    person: str,
    span: Span,
) -> Sequence[str]:
    """The events that are asked about and that the caller may see, the newest first."""
    listed = await line.timeline.between(section.id, person, *span, MOST_LOOKED_AT)
    seen = [one for one in listed if caller.events is None or one[1] in caller.events]
    return [id for id, event in seen if wanted.event in (None, event)]


async def _explained(
    line: Line, section: Section, id: str, destination: str | None
) -> dict[str, Json] | None:
    """One event; None for one that is past its retention by now."""
    stored, trail = await asyncio.gather(
        line.ledger.event(section.id, id), line.receipts.trail(section.id, id)
    )
    if stored is None:
        return None
    routes = await line.routes.of_event(section.id, stored.event.event, paused_too=True)
    ways = [
        *(_sent(section, one) for one in trail.deliveries),
        *(_not_sent(stored, trail, one) for one in routes if trail.delivery(one.id) is None),
    ]
    asked = [one for one in ways if destination in (None, one["destination"])]
    rule = _rule(section, trail, asked)
    envelope = documents.envelope(stored)
    return {
        **{name: envelope[name] for name in ("id", "event", "occurredAt", "receivedAt")},
        "receipt": f"/v1/events/{id}",
        "status": status(trail, paused=section.paused),
        "rule": rule,
        "detail": _detail(trail, rule, asked, paused=section.paused),
        "ways": asked,
    }


def _rule(section: Section, trail: Trail, ways: Sequence[dict[str, Json]]) -> str | None:
    """What stopped an event as a whole, or on all the ways that are asked about."""
    if not trail.steps:
        return Reason.SECTION_PAUSED if section.paused else Reason.NOT_PROCESSED
    reason = _reason(trail)
    if reason in _AS_A_WHOLE:
        return reason
    if not ways:
        return Reason.NO_ROUTE
    rules = {one["rule"] for one in ways}
    return rules.pop() if len(rules) == 1 else None


def _detail(trail: Trail, rule: str | None, ways: Sequence[dict[str, Json]], *, paused: bool) -> str:
    """An event in a sentence; where only one way is asked about, that one's."""
    if len(ways) == 1 and rule not in _AS_A_WHOLE and trail.steps:
        return str(ways[0]["detail"])
    if not trail.steps or (trail.deliveries and ways):
        return in_words.of_event(trail, paused=paused)
    return in_words.of_reason(rule or _reason(trail) or Reason.NO_ROUTE)


def _reason(trail: Trail) -> str | None:
    return next((one.reason for one in trail.steps if one.name == "route"), None)


def _sent(section: Section, delivery: Delivery) -> dict[str, Json]:
    """A way that the event was sent on, or was to be."""
    is_there = delivery.status is Status.DELIVERED
    rule: str | None = None if is_there else reason_of(delivery)
    if delivery.status is Status.PARKED:
        waits_for = Reason.SECTION_PAUSED if section.paused else Reason.DESTINATION_PAUSED
        return _way(delivery.route, delivery.destination, waits_for.sentence, waits_for)
    return _way(delivery.route, delivery.destination, in_words.of_delivery(delivery), rule)


def _not_sent(stored: Stored, trail: Trail, route: Route) -> dict[str, Json]:
    """A way that there is, and that the event did not take."""
    reason = _reason(trail)
    if not trail.steps:
        return _stopped(route, Reason.NOT_PROCESSED)
    if reason in _AS_A_WHOLE:
        return _stopped(route, Reason(reason))
    if route.versions is not None and stored.event.version not in route.versions:
        return _stopped(route, Reason.OTHER_VERSION)
    if route.condition and (left := conditions.unmet(route.condition, route.types, stored)):
        told = "; ".join(map(in_words.of_test, left))
        detail = f"Not sent to {route.destination}: the route, as it is now, asks for {told}. The event does not meet that."
        return _way(route.id, route.destination, detail, Reason.NO_CONDITION_MET, left)
    return _stopped(route, Reason.ROUTE_PAUSED if route.status == "paused" else Reason.ROUTE_LATER)


def _stopped(route: Route, rule: Reason) -> dict[str, Json]:
    return _way(route.id, route.destination, f"Not sent to {route.destination}. {rule.sentence}", rule)


def _way(
    route: str, destination: str, detail: str, rule: str | None, unmet: Sequence[conditions.Condition] = ()
) -> dict[str, Json]:
    return {
        "route": route,
        "destination": destination,
        "reached": rule is None,
        "rule": rule,
        "detail": detail,
        "unmet": [*unmet],
    }


async def _refused(line: Line, section: Section, event: str | None, span: Span) -> dict[str, Json] | None:
    """What the API refused of the definition in that time, whoever it was about; None where none is named."""
    return shown_refused(await refused_of(line, section.id, event, *span)) if event else None


async def _quarantined(
    line: Line,
    section: Section,
    sought: Sequence[Identifier],
    event: str | None,
    span: Span,
) -> list[Json]:
    """Webhooks that came in the time, mention the person and are no events yet; also those that may mean any event."""
    hashes = [one.hash(section.hash_key) for one in sought]
    found = await line.quarantine.find(section.id, hashes)
    low, high = map(times.text, span)
    return [
        one.shown()
        for one in found
        if low <= one.at <= high and (event is None or not one.events or event in one.events)
    ]
