"""Metrics: of a section in a time, by definition, source and destination: how many, how well, how long, and what waits now.

They are the funnel's numbers added up, from the same rows of the same hours, so the two cannot disagree.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from shared import times
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.errors import Fault, Invalid
from shared.exact import Json
from shared.line import Line
from shared.operations.funnel import Asked, Counted, asked_of, floor, live, oldest_live, shown_state
from shared.operations.measures import Now, by_destination, by_source, measures
from shared.operations.pace import Pace
from shared.operations.waiting import labelled, oldest, waiting
from shared.stores.alerts import Alerts
from shared.stores.rollups import HOUR, WHOLE
from shared.stores.tally import Tally, sum_of

MOST_LISTED = 100
"""Definitions in an answer; by default half of it."""
_AT_ONCE = 5
"""Definitions whose roll-ups are read side by side: a month of one takes some 5 MB until it is added up."""

Doc = dict[str, Json]
Tallies = Mapping[datetime, Tally]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which metrics: of a time in steps, and which of the definitions are listed."""

    time: Asked
    limit: int
    after: str


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour: how its numbers were had, of which definitions, and where they were counted on the spot, what they are."""

    counted: Counted
    names: frozenset[str]
    live: Mapping[str, Tally] | None = None


Hours = Sequence[Hour]


def wanted_of(query: Mapping[str, str], now: datetime) -> Wanted:
    """The metrics that a query names, by default of the last 24 hours. Raises Invalid with every fault."""
    limit = query.get("limit", str(MOST_LISTED // 2))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MOST_LISTED):
        fault = Fault("/limit", f"Send a number from 1 to {MOST_LISTED}.", f"1 to {MOST_LISTED}")
        raise Invalid("The query cannot be used.", faults=[fault])
    return Wanted(asked_of(WHOLE, query, now), int(limit), query.get("after", ""))


async def metrics(line: Line, caller: Caller, wanted: Wanted, pace: Pace) -> Doc:
    """The metrics of a section. A caller that is limited to some events sees what those add up to. Raises Unavailable.

    Where there was no time for all, `complete` is false, and `next` says where the list of definitions goes on.
    """
    section = await line.sections.read(caller.require_section())
    hours = await _hours(line, section, wanted.time, pace)
    now = await _now(line, section, caller)
    own = sorted(
        name
        for name in frozenset().union(*(one.names for one in hours))
        if caller.events is None or name in caller.events
    )
    listed = [name for name in own if name > wanted.after][: wanted.limit]
    # Whoever may see some of it only sees what that adds up to, so all of that is read; what is listed first, or where
    # time is short the list would never go on.
    needed = [WHOLE, *listed] if caller.events is None else [*dict.fromkeys([*listed, *own])]
    whole, found = await _found(line, section, wanted.time, hours, needed, pace)
    shown = [name for name in listed if name in found]
    is_all, total = len(found) == len(needed), sum_of(whole.values())
    state = shown_state([one.counted for one in hours])
    more = not is_all or listed[-1:] != own[-1:]
    return {
        "since": times.text(wanted.time.since),
        "until": times.text(wanted.time.until),
        **state,
        "complete": state["complete"] and is_all,
        "total": {**measures(total), **now.of_all()},
        "definitions": [_definition(name, found[name], now) for name in shown],
        "next": (shown[-1] if shown else wanted.after or None) if more and listed else None,
        "sources": by_source(total, now),
        "destinations": by_destination(total, now),
        "parts": [*_parts(hours, whole, wanted.time)],
        "alerts": _alerts(await line.alerts.read(section.id), caller),
    }


async def whole_of(line: Line, section: Section, asked: Asked, pace: Pace) -> tuple[Hours, Tallies]:
    """How each hour of a time was had, oldest first, and the tallies of the whole section by hour. Raises Unavailable."""
    hours = await _hours(line, section, asked, pace)
    whole, _ = await _found(line, section, asked, hours, [WHOLE], pace)
    return hours, whole


async def _now(line: Line, section: Section, caller: Caller) -> Now:
    """How things stand. What waits is not told by definition, so whoever may see some of them only is not told."""
    at = line.clock.now()
    if caller.events is not None:
        return Now(at)
    there = await waiting(line, [section.id])
    return Now(at, await labelled(line, section.id, there), await oldest(line, section))


async def _hours(line: Line, section: Section, asked: Asked, pace: Pace) -> Hours:
    """Every hour of the time, oldest first."""
    states = await line.rollups.hours(section.id, asked.since, asked.until)
    known = {one.begin: one for one in states if one.counted_at}
    first, hours = oldest_live(line.clock.now()), list[Hour]()
    for begin in (asked.since + HOUR * n for n in range((asked.until - asked.since) // HOUR)):
        if (hour := known.get(begin)) is not None:
            # An earlier version summed nothing up: the definitions are told, and what they come to is not.
            state = Counted(
                begin, "counted" if hour.arrived is not None else "partial", Tally(), hour.counted_at
            )
            hours.append(Hour(state, frozenset(hour.stored)))
        elif begin >= first:
            word, tallies, at = await live(line, section, begin, pace)
            hours.append(Hour(Counted(begin, word, Tally(), at), frozenset(tallies), tallies))
        else:
            hours.append(Hour(Counted(begin, "missing", Tally()), frozenset()))
    return hours


async def _found(
    line: Line, section: Section, asked: Asked, hours: Hours, names: Sequence[str], pace: Pace
) -> tuple[Tallies, Mapping[str, Tally]]:
    """What all come to by the hour, and what each does, for as many as there is time for; at least of the first.

    All is WHOLE if it is one of the names, or else their sum. The hours of a definition are let go of once they are added up.
    """
    whole, found = dict[datetime, Tally](), dict[str, Tally]()
    for start in range(0, len(names), _AT_ONCE):
        if start and pace.is_over:
            break
        some = names[start : start + _AT_ONCE]
        read = (line.rollups.tallies(section.id, name, asked.since, asked.until) for name in some)
        for name, tallies in zip(some, await asyncio.gather(*read), strict=True):
            by_hour = _whole(tallies, hours, name)
            found[name] = sum_of(by_hour.values())
            if name == WHOLE or WHOLE not in names:
                _add(whole, by_hour)
    return whole, found


def _whole(counted: Tallies, hours: Hours, name: str) -> Tallies:
    """What was rolled up, with the hours that were counted on the spot."""
    tallies: dict[datetime, Tally] = {}
    for hour in hours:
        begin, live = hour.counted.begin, hour.live
        if live is not None:
            tallies[begin] = sum_of(live.values()) if name == WHOLE else live.get(name, Tally())
        elif begin in counted:
            tallies[begin] = counted[begin]
    return tallies


def _add(whole: dict[datetime, Tally], tallies: Tallies) -> None:
    for begin, one in tallies.items():
        whole.setdefault(begin, Tally()).__iadd__(one)


def _alerts(alerts: Alerts, caller: Caller) -> list[Doc]:
    """What is not as usual, what is so for longest first."""
    told = sorted(alerts.there.items(), key=lambda one: (one[1].since, one[0]))
    return [
        {
            "was": was,
            "of": of,
            "name": name,
            "since": times.text(one.since),
            "count": one.count,
            "least": one.least,
            "most": one.most,
        }
        for (was, of, name), one in told
        if caller.events is None or (of == "definition" and name in caller.events)
    ]


def _definition(name: str, tally: Tally, now: Now) -> Doc:
    age = now.age(now.oldest.events.get(name))
    return {"event": name, **measures(tally), "oldestUnfinishedSeconds": age}


def _parts(hours: Hours, whole: Tallies, asked: Asked) -> Iterator[Doc]:
    """The steps: the same of each hour or day."""
    counted = [replace(one.counted, tally=whole.get(one.counted.begin, Tally())) for one in hours]
    for begin, group in groupby(counted, key=lambda one: floor(one.begin, asked.unit)):
        some = [*group]
        yield {"since": times.text(begin), **shown_state(some), **measures(sum_of(one.tally for one in some))}
