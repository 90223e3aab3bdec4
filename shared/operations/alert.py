"""Alert: find what has become silent, or comes in unusual numbers, tell of it once, and once more when it is over.

Each hour is looked at when it has been counted. What is told is an event of ours, under a key that is derived from what happened:
whatever is cut short here and done again makes no second. Its state is written after it was told.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import get_args
from zoneinfo import ZoneInfo

from shared import times
from shared.access.sections import Section
from shared.catalog import own
from shared.event import Draft
from shared.exact import Json, Number
from shared.killpoints import reached
from shared.line import Line
from shared.operations.apart import apart
from shared.operations.baseline import LONGEST_SILENCE, Counted, same_hours, silence, usual
from shared.operations.own_events import take_in
from shared.operations.pace import Pace
from shared.operations.roll_up import SETTLED
from shared.ports import RowChanged, RowExists
from shared.stores.alerts import Alert, Alerts, Of, Place, Was
from shared.stores.rollups import HOUR, WHOLE, hour_of
from shared.stores.tally import MOST_SOURCES, OTHERS

FORGOTTEN_AFTER = timedelta(days=15)
"""What has been silent for so long is so for good: in two of the four weeks that would have to agree nothing came by then, not
even within the day over which a silence is looked at."""
WAITED_FOR = timedelta(hours=6)
"""How long an hour that nobody has counted is waited for; then it is passed over."""
MOST_ALERTS = 500
"""Definitions and sources of a section that are told of at the same time."""
_SOFTER = 2.0
"""The factor below which an unusual volume is usual again."""

Names = tuple[Of, str]
Volumes = Mapping[datetime, Mapping[Names, int]]
"""How many came in each hour that was counted, by definition and by source."""
_UNNAMED: Names = ("source", OTHERS)
"""Is there in an hour that may have had more sources than a tally names."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something began or ended; `over`: why it ended, or None: it began."""

    place: Place
    alert: Alert
    over: str | None = None


async def alert(line: Line, pace: Pace) -> dict[str, int]:
    """Look at the hours that were counted since, in every section; answers how much is silent, and unusual, in all of them.

    Raises Unavailable.
    """
    found = await apart(pace.shuffled(await line.sections.list()), partial(_alert, line, pace))
    return {was: sum(one.count(was) for one in found) for was in get_args(Was)}


async def _alert(line: Line, pace: Pace, one: Mapping[str, Json]) -> Alerts:
    section = await line.sections.find(str(one["id"]))
    if section is None:
        return Alerts()
    alerts = await line.alerts.read(section.id)
    return alerts if pace.is_over else await _look(line, section, alerts)


async def _look(line: Line, section: Section, alerts: Alerts) -> Alerts:
    """The newest hour that has ended and was not looked at, and those before it up to a day."""
    last = hour_of(line.clock.now() - SETTLED) - HOUR
    hour = max(alerts.up_to + HOUR if alerts.up_to else last, last - HOUR * (LONGEST_SILENCE - 1))
    if hour > last:
        return alerts
    zone = ZoneInfo(section.time_zone)
    came = await volumes(line, section, hour, last, zone)
    there, changes, up_to = dict(alerts.there), list[Change](), alerts.up_to
    while hour <= last:
        if hour in came:
            changes += looked_at(there, hour, came, zone)
        elif line.clock.now() - hour < WAITED_FOR and alerts.up_to is not None:
            break
        up_to, hour = hour, hour + HOUR
    if up_to == alerts.up_to:
        return alerts
    await _tell(line, section, changes)
    reached("alert.told")
    looked = replace(alerts, up_to=up_to, there=there)
    with suppress(RowExists, RowChanged):
        await line.alerts.save(section.id, looked)
    return looked


def looked_at(there: dict[Place, Alert], hour: datetime, came: Volumes, zone: ZoneInfo) -> list[Change]:
    """What begins and ends with an hour; `there` is what is not as usual, and is changed so."""
    changes = [*_ended(there, hour, came, zone)]
    for change in changes:
        del there[change.place]
    same = [came.get(one, {}) for one in same_hours(hour, zone)]
    for of, name in sorted({one for some in same for one in some} - {_UNNAMED}):
        counted = _counted(came, (of, name))
        for change in _begun(of, name, hour, counted, zone):
            if change.place not in there and len(there) < MOST_ALERTS:
                there[change.place] = change.alert
                changes.append(change)
    return changes


def _begun(of: Of, name: str, hour: datetime, counted: Counted, zone: ZoneInfo) -> Iterator[Change]:
    count = counted(hour) or 0
    if count == 0 and (found := silence(hour, zone, counted)) is not None:
        yield Change(("silent", of, name), Alert(found.since, 0, found.expected, found.expected))
    normal = usual(hour, zone, counted)
    if normal is not None and normal.is_unusual(count):
        yield Change(("unusual", of, name), Alert(hour, count, normal.least, normal.most))


def _ended(there: Mapping[Place, Alert], hour: datetime, came: Volumes, zone: ZoneInfo) -> Iterator[Change]:
    for place, one in there.items():
        was, of, name = place
        counted = _counted(came, (of, name))
        count = counted(hour) or 0
        if was == "silent":
            if count:
                yield Change(place, one, "It comes again.")
            elif hour - one.since >= FORGOTTEN_AFTER:
                yield Change(
                    place,
                    one,
                    f"Nothing came for {FORGOTTEN_AFTER.days} days, so nothing is expected any more.",
                )
            continue
        normal = usual(hour, zone, counted)
        # Where there is no saying what is usual, nothing is unusual; a silence is told as one.
        if normal is None or count == 0 or not normal.is_unusual(count, factor=_SOFTER):
            yield Change(place, one, "It is as usual again.")


def _counted(came: Volumes, name: Names) -> Counted:
    """Of a source that an hour does not name nothing is known where it names as many as it may."""

    def counted(hour: datetime) -> int | None:
        found = came.get(hour)
        if found is None or (name[0] == "source" and name not in found and _UNNAMED in found):
            return None
        return found.get(name, 0)

    return counted


async def volumes(line: Line, section: Section, first: datetime, last: datetime, zone: ZoneInfo) -> Volumes:
    """What came in those hours and in the day before them, and in the same ones of the weeks before: two ranges of each week."""
    begin = first - HOUR * LONGEST_SILENCE
    spans = [(begin, last + HOUR)]
    spans += [
        (low - HOUR, high + HOUR * 2)
        for low, high in zip(same_hours(begin, zone), same_hours(last, zone), strict=True)
    ]
    found: dict[datetime, dict[Names, int]] = {}
    for part in await asyncio.gather(*(_span(line, section, *one) for one in spans)):
        found.update(part)
    return found


async def _span(
    line: Line, section: Section, low: datetime, high: datetime
) -> dict[datetime, dict[Names, int]]:
    hours, wholes = await asyncio.gather(
        line.rollups.hours(section.id, low, high), line.rollups.tallies(section.id, WHOLE, low, high)
    )
    found: dict[datetime, dict[Names, int]] = {}
    for hour in hours:
        if hour.counted_at is None or hour.arrived is None:
            continue
        names: dict[Names, int] = defaultdict(int)
        for event, count in hour.arrived.items():
            if not own.is_own(event):
                names["definition", event] = count
        came = wholes[hour.begin].came if hour.begin in wholes else Counter[tuple[str, str]]()
        for (source, _), count in came.items():
            if source not in (OTHERS, own.SENDER):
                names["source", source] += count
        if len({source for source, _ in came} - {OTHERS}) >= MOST_SOURCES:
            names[_UNNAMED] = 0
        found[hour.begin] = names
    return found


async def _tell(line: Line, section: Section, changes: list[Change]) -> None:
    """Make events of ours of what began and ended, where somebody listens. Raises Unavailable."""
    drafts = [_draft(one) for one in changes]
    wanted = [one for one in drafts if await line.teller.is_wanted(section.id, one.event)]
    await take_in(line, section.id, wanted)


def _draft(change: Change) -> Draft:
    (was, of, name), one = change.place, change.alert
    since = times.text(one.since)
    numbers = {"count": one.count, "least": one.least, "most": one.most}
    more: dict[str, Json] = {word: Number(str(number)) for word, number in numbers.items()}
    if change.over:
        event, more = own.VOLUME_RESOLVED, {"was": was, "reason": change.over}
        summary = f"The {of} {name} was {was} since {since}. {change.over}"
    elif was == "silent":
        event, more = own.VOLUME_SILENT, {"least": more["least"]}
        summary = f"Nothing comes of the {of} {name} since {since}. In other weeks at least {one.least} came in that time."
    else:
        event = own.VOLUME_UNUSUAL
        summary = (
            f"{one.count} of the {of} {name} came in an hour that usually has {one.least} to {one.most}."
        )
    told = {"summary": summary, "of": of, "name": name, "since": since, **more}
    return Draft(event, told, key=f"{event}|{was}|{of}|{name}|{since}")
