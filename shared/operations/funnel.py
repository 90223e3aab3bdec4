"""Funnel: how far the events of a definition came in a time, and why not further.

Hours that were rolled up are read; those that were not yet, of which the present one is one, are counted on the spot and say
that this is approximate: what is under way goes on.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal

from shared import ids, times
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.errors import Fault, Invalid, NotFound
from shared.exact import Json
from shared.line import Line
from shared.operations import in_words
from shared.operations.listing import BEGINNING
from shared.operations.pace import Pace
from shared.operations.roll_up import Tallies, quarantined, slices, tally_of
from shared.stores.rollups import HOUR, hour_of
from shared.stores.stops import DELIVERED, STAGES
from shared.stores.tally import Tally, sum_of

LONGEST = timedelta(days=31)
"""What is asked for at once."""
USUALLY = timedelta(hours=24)
LIVE_HOURS = 2
"""The newest hours that are counted on the spot, where no roll-up has come yet."""
MOST_LIVE = 20_000
"""Events of such an hour that are counted; beyond that it says that it is not complete."""
STEPS: Mapping[str, timedelta] = {"hour": HOUR, "day": timedelta(days=1)}

State = Literal["counted", "live", "partial", "missing"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which funnel: a definition, whole hours from `since` to `until`, in steps of a unit."""

    event: str
    since: datetime
    until: datetime
    unit: timedelta


@dataclass(frozen=True, slots=True)
class Counted:
    """An hour of a definition, with how its numbers were had.

    `counted`: rolled up. `live`: counted just now, and approximate. `partial`: the same, and there are more than were
    counted. `missing`: not counted at all yet.
    """

    begin: datetime
    state: State
    tally: Tally
    counted_at: datetime | None = None


def asked_of(event: str, query: Mapping[str, str], now: datetime) -> Asked:
    """The funnel that a query names, by default of the last 24 hours. Raises Invalid with every fault."""
    faults: list[Fault] = []
    step = query.get("step", "hour")
    if step not in STEPS:
        faults.append(Fault("/step", "Send hour or day.", "hour or day"))
    until = _time(query, "until", now, faults)
    since = _time(query, "since", until - USUALLY, faults)
    if not faults and not timedelta(0) <= until - since <= LONGEST:
        days = f"a time before `until`, at most {LONGEST.days} days before"
        faults.append(Fault("/since", "Ask for a shorter time, the earlier one first.", days))
    if faults:
        raise Invalid("The query cannot be used.", faults=faults)
    unit = STEPS[step]
    # There is nothing to count of what is to come.
    begin, end = min(since, now), min(until, now)
    return Asked(event, floor(begin, unit), min(_ceil(end, unit), _ceil(now, HOUR)), unit)


async def funnel(line: Line, caller: Caller, asked: Asked, pace: Pace) -> dict[str, Json]:
    """The funnel of a definition: all of it, and by its steps. Raises NotFound, Unavailable."""
    section = await line.sections.read(caller.require_section())
    if caller.events is not None and asked.event not in caller.events:
        raise NotFound("There is no such definition in this section.")
    await line.definitions.read(section.id, asked.event)
    hours = await _hours(line, section, asked, pace)
    return {
        "event": asked.event,
        "since": times.text(asked.since),
        "until": times.text(asked.until),
        **shown_state(hours),
        **_shown(sum_of(one.tally for one in hours)),
        "parts": [*_parts(hours, asked.unit)],
    }


async def refused_of(line: Line, section: str, event: str, since: datetime, until: datetime) -> Counter[str]:
    """What the API refused of a definition in the hours of a time, as far as it is known: the last LONGEST of it."""
    first, last = hour_of(max(since, until - LONGEST)), hour_of(until) + HOUR
    total = Counter[str]()
    for tally in (await line.rollups.tallies(section, event, first, last)).values():
        total += tally.refused
    now = hour_of(line.clock.now())
    for begin in (now - HOUR, now):
        if first <= begin < last and (await line.rollups.hour(section, begin)).counted_at is None:
            total.update((await line.checker.refusals.of_hour(section, begin)).get(event, {}))
    return total


async def _hours(line: Line, section: Section, asked: Asked, pace: Pace) -> Sequence[Counted]:
    """Every hour that is asked for, oldest first."""
    tallies, states = await asyncio.gather(
        line.rollups.tallies(section.id, asked.event, asked.since, asked.until),
        line.rollups.hours(section.id, asked.since, asked.until),
    )
    known = {one.begin: one for one in states if one.counted_at}
    first = oldest_live(line.clock.now())
    hours: list[Counted] = []
    for number in range((asked.until - asked.since) // HOUR):
        begin = asked.since + HOUR * number
        if begin in known:
            tally = tallies.get(begin, Tally())
            hours.append(Counted(begin, "counted", tally, known[begin].counted_at))
        elif begin >= first:
            state, some, at = await live(line, section, begin, pace, asked.event)
            hours.append(Counted(begin, state, some.get(asked.event, Tally()), at))
        else:
            hours.append(Counted(begin, "missing", Tally()))
    return hours


def oldest_live(now: datetime) -> datetime:
    """The first hour that is counted on the spot where no roll-up has come yet."""
    return hour_of(now) - HOUR * (LIVE_HOURS - 1)


async def live(
    line: Line, section: Section, begin: datetime, pace: Pace, event: str | None = None
) -> tuple[State, Tallies, datetime]:
    """An hour that was not rolled up yet, as far as it can be counted now, by definition; or of one `event` alone."""
    at, seen = line.clock.now(), 0
    tallies: Tallies = defaultdict(Tally)
    async for events, _ in slices(line, section, ids.lowest(begin), ids.lowest(begin + HOUR)):
        own = [one for one in events if event is None or one["event"] == event]
        _add(tallies, await tally_of(line, section, own))
        seen += len(events)
        if seen >= MOST_LIVE or pace.is_over:
            return "partial", tallies, at
    for name, counts in (await line.checker.refusals.of_hour(section.id, begin)).items():
        tallies[name].refused.update(counts)
    _add(tallies, await quarantined(line, section, begin))
    return "live", tallies, at


def _add(tallies: Tallies, more: Tallies) -> None:
    for name, one in more.items():
        tallies[name] += one


def _parts(hours: Sequence[Counted], unit: timedelta) -> Iterator[dict[str, Json]]:
    """The steps: of each, how far its events came."""
    for begin, group in groupby(hours, key=lambda one: floor(one.begin, unit)):
        some = [*group]
        shown = shown_state(some)
        yield {"since": times.text(begin), **shown, "reached": sum_of(one.tally for one in some).reached()}


def shown_state(hours: Sequence[Counted]) -> dict[str, Json]:
    """How numbers were had. They are approximate unless all of it was rolled up."""
    states = {one.state for one in hours}
    counted = [one.counted_at for one in hours if one.counted_at]
    return {
        "approximate": states != {"counted"},
        "complete": not states & {"partial", "missing"},
        "countedAt": times.text(min(counted)) if counted else None,
    }


def _shown(tally: Tally) -> dict[str, Json]:
    reached = tally.reached()
    return {
        "stages": [_stage(tally, stage, reached[stage]) for stage in STAGES],
        "refused": shown_refused(tally.refused),
        "tests": tally.tests,
        "withoutPerson": tally.nobody,
        "destinations": [_destination(tally, one) for one in sorted({name for name, _ in tally.sent})],
    }


def shown_refused(counts: Counter[str]) -> dict[str, Json]:
    """What the API refused, in words."""
    reasons = [
        {"reason": type, "count": count, "detail": in_words.of_refusal(type)}
        for type, count in counts.most_common()
    ]
    return {"count": counts.total(), "reasons": reasons}


def _stage(tally: Tally, stage: str, count: int) -> dict[str, Json]:
    lost = tally.gap(stage)
    return {"stage": stage, "count": count, "gap": sum(lost.values()), "reasons": _reasons(lost)}


def _destination(tally: Tally, name: str) -> dict[str, Json]:
    words = Counter({word: count for (at, word), count in tally.sent.items() if at == name})
    delivered = words.pop(DELIVERED, 0)
    return {
        "destination": name,
        "deliveries": delivered + words.total(),
        "delivered": delivered,
        "gap": words.total(),
        "reasons": _reasons(dict(words.most_common())),
    }


def _reasons(counts: Mapping[str, int]) -> list[Json]:
    return [
        {"reason": reason, "count": count, "detail": in_words.of_reason(reason)}
        for reason, count in counts.items()
    ]


def _time(query: Mapping[str, str], name: str, usual: datetime, faults: list[Fault]) -> datetime:
    try:
        return max(times.parse(query[name]).astimezone(UTC), BEGINNING) if name in query else usual
    except (ValueError, OverflowError):
        faults.append(Fault(f"/{name}", "Write it in the expected form.", "an RFC 3339 time with an offset"))
        return usual


def floor(at: datetime, unit: timedelta) -> datetime:
    """The beginning of the step that a time is in; days are those of UTC."""
    return at - (at - times.EPOCH) % unit


def _ceil(at: datetime, unit: timedelta) -> datetime:
    return at + (times.EPOCH - at) % unit
