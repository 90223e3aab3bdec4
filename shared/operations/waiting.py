"""Waiting: what lies somewhere until a person or a schedule moves it on, and since when the oldest event is under way."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, get_args

from shared import ids, times
from shared.access.sections import Section
from shared.exact import Json
from shared.ids import Commit
from shared.line import Line
from shared.stores.outbox import FIRST_LOOK
from shared.stores.tally import OTHERS
from shared.stores.trail import OPEN, Trail

MOST_WAITING = 1_000
"""What is counted of each state; beyond it there are at least so many."""
MOST_UNFINISHED = 1_000
"""Commits of a bucket among which the oldest is sought."""
MOST_EXAMINED = 40
"""The oldest unfinished commits whose events are looked at one by one."""
State = Literal["dead", "held", "parked", "quarantined"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(slots=True)
class Waiting:
    """How many deliveries are dead, held or parked, by destination, and webhooks in quarantine, by the id of their source.

    `more`: the states of which not all were counted.
    """

    of: dict[State, Counter[str]] = field(default_factory=dict)
    more: set[State] = field(default_factory=set)

    def count(self, state: State) -> int:
        """All of a state that were counted."""
        return self.of.get(state, Counter()).total()

    def text(self, state: State) -> str:
        """The same in words: `1000+` where there are more."""
        return f"{self.count(state)}{'+' if state in self.more else ''}"


async def waiting(line: Line, sections: Sequence[str], *, all_sections: bool = False) -> Waiting:
    """What waits in some sections; of `all_sections` what they hold together is counted at once. Raises Unavailable."""
    found = Waiting({state: Counter() for state in STATES})
    for place in ("",) if all_sections else sections:
        await _add_deliveries(line, place, found)
    for kept in await asyncio.gather(*(line.quarantine.sources(one, MOST_WAITING) for one in sections)):
        found.of["quarantined"].update(kept)
        found.more |= {"quarantined"} if kept.total() >= MOST_WAITING else set()
    return found


async def labelled(line: Line, section: str, found: Waiting) -> Waiting:
    """The same, with the labels of the sources that webhooks in quarantine came from in the place of their ids."""
    kept = found.of["quarantined"]
    listed = await line.sources.list(section) if kept else []
    labels = {str(one["id"]): str(one["label"]) for one in listed}
    named = Counter[str]()
    for source, count in kept.items():
        named[labels.get(source, OTHERS)] += count
    return replace(found, of={**found.of, "quarantined": named})


async def _add_deliveries(line: Line, section: str, found: Waiting) -> None:
    listed, parked = await asyncio.gather(
        line.dead_letters.waiting(section, MOST_WAITING), line.due.destinations(section, MOST_WAITING)
    )
    for (destination, status), count in listed.items():
        found.of["held" if status == "held" else "dead"][destination] += count
    found.of["parked"].update(parked)
    found.more |= {"dead", "held"} if listed.total() >= MOST_WAITING else set()
    found.more |= {"parked"} if parked.total() >= MOST_WAITING else set()


async def unfinished(line: Line, section: str, buckets: int) -> list[Commit]:
    """The commits of a section that are accepted and not finished, oldest first; of at most MOST_UNFINISHED a bucket."""
    parts = [line.outbox.unfinished(section, bucket, MOST_UNFINISHED) for bucket in range(buckets)]
    found = {commit for part in await asyncio.gather(*parts) for commit in part}
    return sorted(found, key=lambda one: one.id)


@dataclass(frozen=True, slots=True)
class Oldest:
    """Since when the oldest event is under way: of all, and by definition, source and destination, as far as is known."""

    of_all: datetime | None = None
    events: Mapping[str, datetime] = field(default_factory=dict)
    sources: Mapping[str, datetime] = field(default_factory=dict)
    destinations: Mapping[str, datetime] = field(default_factory=dict)


async def oldest(line: Line, section: Section) -> Oldest:
    """The oldest events of a section that are under way, among those of its MOST_EXAMINED oldest commits.

    Of what is younger than a minute only the whole is told: it is on its way. Raises Unavailable.
    """
    commits = await unfinished(line, section.id, section.buckets)
    before = line.clock.now() - FIRST_LOOK
    old = [one for one in commits if ids.time_of(one.id) < before][:MOST_EXAMINED]
    trails = await line.receipts.judged(section.id, old)
    events, sources, destinations = dict[str, datetime](), dict[str, datetime](), dict[str, datetime]()
    for summary in await _summaries(line, section.id, old):
        trail = trails.get(str(summary["id"]), Trail())
        if trail.open:
            at = times.parse(str(summary["receivedAt"]))
            events.setdefault(str(summary["event"]), at)
            sources.setdefault(str(summary["source"]), at)
            for one in trail.deliveries:
                if one.status in OPEN:
                    destinations.setdefault(one.destination, at)
    return Oldest(ids.time_of(commits[0].id) if commits else None, events, sources, destinations)


async def _summaries(line: Line, section: str, commits: Sequence[Commit]) -> list[dict[str, Json]]:
    """What lists show of the events of some commits, oldest first."""
    places = [(section, one.bucket, one.id, f"{one.last}~", ids.MAX_EVENTS_A_COMMIT) for one in commits]
    parts = await asyncio.gather(*(line.ledger.summaries(*place) for place in places))
    return sorted((one for part in parts for one in part), key=lambda one: str(one["id"]))
