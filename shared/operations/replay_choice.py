"""Replay choice: which deliveries a filter chooses, one after the other, each with the place to go on from.

What is dead or held is found by its list, cause by cause. What was delivered or refused stands in no list: it is found by the
time at which its event came, or on the timeline of its person.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared import ids, times
from shared.bodies import Body, Discriminator, Time
from shared.destinations.outcomes import Cause
from shared.errors import Fault, Invalid
from shared.exact import Json
from shared.line import Line
from shared.operations import listing
from shared.stores.trail import Delivery, Trail

PAGE = 100
"""Events that are looked at together where there is no list."""
MOST_OF_A_PERSON = 10_000
"""Events of a person that are looked at, the newest."""

Place = tuple[str, str]
"""A cause, where there is one, and in it a delivery: its event and its route."""


_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class ReplayFilter(Body):
    """Which deliveries: those that fit all that is named. `since` and `until` are about when an event came."""

    status: Literal["dead", "held", "delivered", "refused"] = "dead"
    """Held ones may have arrived, delivered ones have: they are replayed only if that is asked for."""
    cause: Annotated[Cause, Field(strict=False)] | None = None
    destination: _Name | None = None
    route: _Name | None = None
    event: Discriminator | None = None
    source: _Name | None = None
    person: _Name | None = None
    since: Time | None = None
    until: Time | None = None

    @property
    def is_listed(self) -> bool:
        """Whether what it chooses stands in the list of dead letters."""
        return self.status in ("dead", "held")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What was looked at: the delivery, if the filter chooses it."""

    place: Place
    delivery: Delivery | None


def check(wanted: ReplayFilter, at: str = "") -> None:
    """Raises Invalid for a filter of what stands in no list that does not say from when on, or names a cause."""
    if wanted.is_listed:
        return
    faults = []
    if wanted.since is None:
        faults.append(Fault(f"{at}/since", "Say from when on.", "an RFC 3339 time with an offset", "missing"))
    if wanted.cause is not None:
        faults.append(Fault(f"{at}/cause", "Leave it out: only what is dead or held has a cause."))
    if faults:
        raise Invalid(f"Deliveries that are {wanted.status} are not found like this.", faults=faults)


async def candidates(
    line: Line, section: str, wanted: ReplayFilter, after: Place = ("", "")
) -> AsyncIterator[Candidate]:
    """What lies behind a place. Raises Unavailable."""
    walk = _listed if wanted.is_listed else _by_time
    async for candidate in walk(line, section, wanted, after):
        yield candidate


async def _listed(line: Line, section: str, wanted: ReplayFilter, after: Place) -> AsyncIterator[Candidate]:
    for cause in _causes(wanted, after[0]):
        start = after[1] if cause == after[0] else _lowest(wanted)
        async for place, delivery in line.dead_letters.each(section, cause, start):
            fits = _fits(wanted, delivery) and await _is_of(line, section, wanted, delivery)
            yield Candidate((cause.value, place), delivery if fits else None)


async def _by_time(line: Line, section: str, wanted: ReplayFilter, after: Place) -> AsyncIterator[Candidate]:
    """Oldest first, whichever bucket they are in. What a list says of an event spares reading its receipt."""
    low, high = after[1].partition("|")[0] or _lowest(wanted), _highest(wanted)
    pages = _of_all(line, section, low, high)
    if wanted.person is not None:
        pages = _of_person(line, section, wanted.person, low, high)
    async for page in pages:
        trails = await asyncio.gather(*(_trail(line, section, wanted, one) for one in page))
        for one, trail in zip(page, trails, strict=True):
            for delivery in sorted(trail.deliveries, key=lambda one: one.route):
                place = ("", f"{delivery.event_id}|{delivery.route}")
                if place > after:
                    yield Candidate(place, delivery if _fits(wanted, delivery) else None)
            yield Candidate(("", f"{one['id']}|~"), None)


async def _of_all(line: Line, id: str, low: str, high: str) -> AsyncIterator[Sequence[listing.Summary]]:
    section = await line.sections.read(id)
    while page := await listing.oldest(line, section, low, high, PAGE):
        yield page
        # A space sorts before all that could follow an id.
        low = f"{page[-1]['id']} "


async def _of_person(
    line: Line, section: str, person: str, low: str, high: str
) -> AsyncIterator[Sequence[listing.Summary]]:
    theirs = await line.timeline.newest(section, person, MOST_OF_A_PERSON)
    found = sorted((one for one in theirs if low <= str(one["id"]) < high), key=lambda one: str(one["id"]))
    for start in range(0, len(found), PAGE):
        yield found[start : start + PAGE]


async def _trail(line: Line, section: str, wanted: ReplayFilter, one: listing.Summary) -> Trail:
    if wanted.event not in (None, one["event"]) or wanted.source not in (None, one["source"]):
        return Trail()
    return await line.receipts.trail(section, str(one["id"]))


def _causes(wanted: ReplayFilter, after: str) -> Sequence[Cause]:
    causes = sorted(Cause) if wanted.cause is None else [wanted.cause]
    return [cause for cause in causes if cause.value >= after]


def _lowest(wanted: ReplayFilter) -> str:
    """Where what came since then begins. No id is older than the time that ids count from."""
    return ids.lowest(max(times.parse(wanted.since), times.EPOCH)) if wanted.since else ""


def _highest(wanted: ReplayFilter) -> str:
    return ids.lowest(max(times.parse(wanted.until), times.EPOCH)) if wanted.until else "~"


def _fits(wanted: ReplayFilter, delivery: Delivery) -> bool:
    pairs: Sequence[tuple[Json, Json]] = (
        (wanted.status, delivery.status.value),
        (wanted.destination, delivery.destination),
        (wanted.route, delivery.route),
        (wanted.person, delivery.person),
    )
    return all(asked in (None, there) for asked, there in pairs) and _came_within(wanted, delivery)


async def _is_of(line: Line, section: str, wanted: ReplayFilter, delivery: Delivery) -> bool:
    """Whether its event is of the definition and the source."""
    if wanted.event is None and wanted.source is None:
        return True
    stored = await line.ledger.event(section, delivery.event_id)
    return stored is not None and (
        wanted.event in (None, stored.event.event) and wanted.source in (None, stored.event.source)
    )


def _came_within(wanted: ReplayFilter, delivery: Delivery) -> bool:
    came = ids.time_of(delivery.event_id)
    too_early = wanted.since is not None and came < times.parse(wanted.since)
    too_late = wanted.until is not None and came >= times.parse(wanted.until)
    return not too_early and not too_late
