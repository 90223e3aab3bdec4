"""Usage: what a section takes in and sends out by the day, how full its quotas were, and what it has of what is limited."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from shared import registry, times
from shared.access.sections import Section
from shared.exact import Json
from shared.line import Line
from shared.operations.funnel import Asked, asked_of, floor, shown_state
from shared.operations.measures import Now, by_source, measures
from shared.operations.metrics import Hours, whole_of
from shared.operations.pace import Pace
from shared.stores.rollups import WHOLE
from shared.stores.spent import Spent
from shared.stores.tally import Tally, sum_of

COUNTED = ("section", "key", "source")
"""What has a quota that is told of."""

Doc = dict[str, Json]


@dataclass(slots=True)
class _Quota:
    """A quota over a time."""

    name: str
    a_minute: int = 0
    used: int = 0
    refused: int = 0
    fullest: tuple[datetime, int, int] | None = None
    """The minute, what was taken in it, and what might have been."""

    def add(self, spent: Spent) -> None:
        self.a_minute, self.used = spent.a_minute, self.used + spent.total
        self.refused += spent.refused
        at, count = spent.fullest
        if self.fullest is None or count * self.fullest[2] > self.fullest[1] * spent.a_minute:
            self.fullest = (at, count, spent.a_minute)


async def usage(line: Line, section_id: str, query: Mapping[str, str], pace: Pace) -> Doc:
    """By days of UTC, by default yesterday and today. Raises Invalid with every fault, NotFound, Unavailable."""
    asked = asked_of(WHOLE, {**query, "step": "day"}, line.clock.now())
    section = await line.sections.read(section_id)
    hours, whole = await whole_of(line, section, asked, pace)
    quotas, limits = await asyncio.gather(_quotas(line, section, asked), _limits(line, section))
    return {
        "since": times.text(asked.since),
        "until": times.text(asked.until),
        **shown_state([one.counted for one in hours]),
        "days": [*_days(hours, whole, asked, line.clock.now())],
        "quotas": quotas,
        "limits": limits,
    }


def _days(hours: Hours, whole: Mapping[datetime, Tally], asked: Asked, now: datetime) -> Iterator[Doc]:
    for day, group in groupby(hours, key=lambda one: floor(one.counted.begin, asked.unit)):
        some = [*group]
        total = sum_of(whole.get(one.counted.begin, Tally()) for one in some)
        found = measures(total)
        sources = [
            {"source": one["source"], "events": one["received"], "outcomes": one["outcomes"]}
            for one in by_source(total, Now(now))
        ]
        yield {
            "date": f"{day:%Y-%m-%d}",
            **shown_state([one.counted for one in some]),
            "events": found["received"],
            "tests": found["tests"],
            "refused": found["refused"],
            "deliveries": sum(total.sent.values()),
            "sources": sources,
        }


async def _quotas(line: Line, section: Section, asked: Asked) -> list[Doc]:
    """Of each quota that was used: how much, and the minute in which it was fullest; the fullest first."""
    found: dict[str, _Quota] = {}
    async for spent in line.quotas.spent.between(section.id, asked.since, asked.until):
        if spent.name.partition("|")[0] in COUNTED:
            found.setdefault(spent.name, _Quota(spent.name)).add(spent)
    shown = [_shown(one) for one in found.values()]
    return sorted(shown, key=lambda one: (-one["fullestMinute"]["share"], one["of"], one["id"] or ""))


def _shown(quota: _Quota) -> Doc:
    of, _, id = quota.name.partition("|")
    at, count, a_minute = quota.fullest or (times.EPOCH, 0, quota.a_minute)
    return {
        "of": of,
        "id": id or None,
        "perMinute": quota.a_minute,
        "used": quota.used,
        "refused": quota.refused,
        "fullestMinute": {"at": times.text(at), "count": count, "share": round(count / a_minute, 4)},
    }


async def _limits(line: Line, section: Section) -> list[Doc]:
    """How many there are of what there may be only so many of."""
    lists = {
        "definitions": (line.definitions.list(section.id), registry.MAX_DEFINITIONS),
        "sources": (line.sources.list(section.id), registry.MAX_SOURCES),
        "destinations": (line.destinations.list(section.id), registry.MAX_DESTINATIONS),
        "routes": (line.routes.list(section.id), registry.MAX_ROUTES),
        "subscriptions": (line.subscriptions.list(section.id), registry.MAX_SUBSCRIPTIONS),
        "keys": (line.keys.list(section.id), registry.MAX_KEYS),
        "clients": (line.clients.list(section.id), registry.MAX_CLIENTS),
    }
    found = await asyncio.gather(*(listed for listed, _ in lists.values()))
    return [
        {"what": what, "count": len(some), "most": most}
        for (what, (_, most)), some in zip(lists.items(), found, strict=True)
    ]
