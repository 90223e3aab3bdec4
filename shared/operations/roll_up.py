"""Roll up: count the events of hours that have ended, from the rows themselves, and again while anything may still change.

Counting an hour again gives the same row, so it may be done at any time, by anybody. What was purged or erased meanwhile
is not uncounted: an hour's events only ever get fewer, so a definition's tally gives way only to one of as many events.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from shared import ids, times
from shared.access.sections import Section
from shared.exact import Json
from shared.killpoints import reached
from shared.line import Line
from shared.operations.apart import apart
from shared.operations.pace import Pace
from shared.ports import RowChanged, RowExists
from shared.stores.rollups import HOUR, WHOLE, Hour, hour_of
from shared.stores.stops import RECEIVED
from shared.stores.tally import OTHERS, Came, Tally
from shared.stores.trail import Trail

SETTLED = timedelta(minutes=10)
"""What was under way when an hour ended is stored by then: a function ends within five minutes (host.json)."""
FIRST_RECOUNT = timedelta(hours=1)
"""When an hour of which something is open is counted again first; then at doubling distances, until:"""
RECOUNTED_FOR = timedelta(days=7)
"""After the hour. The longest schedule of attempts takes some three days, and a person gets some time for what is held."""
KEPT = timedelta(days=400)
EVENTS_A_SLICE = 10_000
"""Events that are counted together: their trails are in memory."""
_PURGED = 50
"""Hours past their time that are forgotten in one run."""

Tallies = dict[str, Tally]


async def roll_up(line: Line, pace: Pace) -> int:
    """Count what is due in every section, the newest hours first, and forget what is past its time; answers how many."""
    sections = pace.shuffled(await line.sections.list())
    return sum(await apart(sections, partial(_roll_up, line, pace)))


async def _roll_up(line: Line, pace: Pace, one: Mapping[str, Json]) -> int:
    section = None if pace.is_over else await line.sections.find(str(one["id"]))
    if section is None:
        return 0

    async def count(hour: Hour) -> bool:
        return not pace.is_over and await count_hour(line, section, hour, pace)

    counted = sum(await apart(await _due(line, section, times.parse(str(one["createdAt"]))), count))
    if not pace.is_over:
        await _forget(line, section)
    return counted


async def count_hour(line: Line, section: Section, hour: Hour, pace: Pace) -> bool:
    """Count an hour and write what came of it; False if somebody else did meanwhile, or not all of it is. Raises Unavailable.

    Where the time is over before all is counted, it is kept how far it has come, and the next one goes on there.
    """
    now = line.clock.now()
    # What was there and is no more gets a tally, too: a webhook that has left quarantine.
    tallies = defaultdict(Tally, {**{event: Tally() for event in hour.stored}, **hour.tallies})
    low, high = hour.place or ids.lowest(hour.begin), ids.lowest(hour.begin + HOUR)
    async for slice, place in slices(line, section, low, high):
        await _count(line, section, slice, tallies)
        if pace.is_over and place < high:
            await _save(line, section, replace(hour, place=place, tallies=tallies), {})
            return False
    await _count_quarantined(line, section, hour, tallies)
    for event, refused in (await line.checker.refusals.of_hour(section.id, hour.begin)).items():
        tallies[event].refused.update(refused)
    reached("roll_up.counted")
    fresh = {event: one for event, one in tallies.items() if one.stored >= hour.stored.get(event, 0)}
    stored = {**hour.stored, **{event: one.stored for event, one in fresh.items()}}
    arrived = {**(hour.arrived or {}), **{event: one.reached()[RECEIVED] for event, one in fresh.items()}}
    at = _next_count(hour.begin, now, final=all(one.is_final for one in tallies.values()))
    done = replace(hour, counted_at=now, next_at=at, stored=stored, arrived=arrived, place=None, tallies={})
    return await _save(
        line, section, done, {**fresh, WHOLE: await _whole(line, section, hour, tallies, fresh)}
    )


async def slices(
    line: Line, section: Section, low: str, high: str
) -> AsyncIterator[tuple[Sequence[dict[str, Json]], str]]:
    """What lists show of the events with low <= id < high, in the order of their ids; with the id that comes after them."""
    most = EVENTS_A_SLICE // section.buckets
    while low < high:
        read = (line.ledger.summaries(section.id, n, low, high, most) for n in range(section.buckets))
        parts = await asyncio.gather(*read)
        full = [str(part[-1]["id"]) for part in parts if len(part) == most]
        # A tilde sorts after every id with the same beginning: the id itself, and nothing behind it.
        edge = f"{min(full)}~" if full else high
        yield [one for part in parts for one in part if str(one["id"]) < edge], edge
        low = edge


async def tally_of(line: Line, section: Section, events: Sequence[Mapping[str, Json]]) -> Tallies:
    """What became of some events, by definition."""
    tallies: Tallies = defaultdict(Tally)
    await _count(line, section, events, tallies)
    return tallies


async def _count(
    line: Line, section: Section, events: Sequence[Mapping[str, Json]], tallies: Tallies
) -> None:
    trails = await line.receipts.judged(section.id, {ids.commit_of(str(one["id"])) for one in events})
    for one in events:
        trail = trails.get(str(one["id"]), Trail())
        came = Came(str(one["source"]), times.parse(str(one["receivedAt"])), bool(one["test"]))
        tallies[str(one["event"])].add(trail, came, paused=section.paused)


async def quarantined(line: Line, section: Section, begin: datetime) -> Tallies:
    """What came in an hour and lies in quarantine, by definition."""
    tallies: Tallies = defaultdict(Tally)
    kept = await line.quarantine.between(section.id, ids.lowest(begin), ids.lowest(begin + HOUR))
    listed = await line.sources.list(section.id) if kept else []
    labels = {str(one["id"]): str(one["label"]) for one in listed}
    for item in kept:
        for event, count in item.events.items():
            tallies[event].quarantined(item.cause.value, count, labels.get(item.source, OTHERS))
    return tallies


async def _count_quarantined(line: Line, section: Section, hour: Hour, tallies: Tallies) -> None:
    for event, one in (await quarantined(line, section, hour.begin)).items():
        tallies[event] += one


async def _whole(line: Line, section: Section, hour: Hour, tallies: Tallies, fresh: Tallies) -> Tally:
    """The sum of what is written of an hour, with what was written before and stays."""
    whole = Tally()
    for event in tallies:
        there = fresh.get(event)
        whole += await line.rollups.tally(section.id, event, hour.begin) if there is None else there
    return whole


async def _save(line: Line, section: Section, hour: Hour, tallies: Mapping[str, Tally]) -> bool:
    with suppress(RowExists, RowChanged):
        await line.rollups.save(section.id, hour, tallies)
        return True
    return False


async def _due(line: Line, section: Section, created_at: datetime) -> Sequence[Hour]:
    """The hours to count now, the newest first."""
    now = line.clock.now()
    first = hour_of(max(created_at, now - RECOUNTED_FOR - FIRST_RECOUNT))
    until = hour_of(now - SETTLED)
    known = {one.begin: one for one in await line.rollups.hours(section.id, first, until)}
    count = max((until - first) // HOUR, 0)
    hours = [known.get(begin, Hour(begin)) for begin in (until - HOUR * n for n in range(1, count + 1))]
    return [one for one in hours if _is_due(one, now)]


def _is_due(hour: Hour, now: datetime) -> bool:
    """Never counted, being counted, or to be counted again by now."""
    return (
        hour.counted_at is None
        or hour.place is not None
        or (hour.next_at is not None and hour.next_at <= now)
    )


def _next_count(begin: datetime, now: datetime, *, final: bool) -> datetime | None:
    """When an hour is counted again."""
    end = begin + HOUR
    if final or now >= end + RECOUNTED_FOR:
        return None
    return min(now + max(now - end, FIRST_RECOUNT), end + RECOUNTED_FOR)


async def _forget(line: Line, section: Section) -> None:
    old = await line.rollups.hours(section.id, times.EPOCH, line.clock.now() - KEPT)
    for hour in old[:_PURGED]:
        await line.checker.refusals.remove(section.id, hour.begin)
        await line.rollups.remove(section.id, hour)
