"""Nearly: tell of quotas of which little was left, before somebody is refused."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from shared import times
from shared.catalog import own
from shared.event import Draft
from shared.exact import Json, Number
from shared.killpoints import reached
from shared.line import Line
from shared.operations.apart import apart
from shared.operations.own_events import take_in
from shared.operations.pace import Pace
from shared.operations.usage import COUNTED
from shared.stores.rollups import HOUR, hour_of
from shared.stores.spent import Spent

NEARLY = 0.8
"""The share of a quota in one minute, from which on it is told that little is left."""
KEPT = timedelta(days=90)
"""How long it is known how full a quota was."""
_FORGETTING_MINUTES = 10
"""In the first minutes of each hour what is past its time is deleted."""


async def nearly(line: Line, pace: Pace) -> int:
    """Tell of quotas of which little was left in a minute of this hour or the last one, each once a day; answers how many.

    Forgets what is past its time. Raises Unavailable, and what one section broke over when the others have been seen to.
    """

    async def look(section: Mapping[str, Json]) -> int:
        return 0 if pace.is_over else await _look(line, str(section["id"]))

    return sum(await apart(pace.shuffled(await line.sections.list()), look))


async def _look(line: Line, section: str) -> int:
    now = line.clock.now()
    last = hour_of(now) - HOUR
    full = [
        spent
        async for spent in line.quotas.spent.between(section, last, last + HOUR * 2)
        if is_nearly_used(spent) and not spent.told and spent.name.partition("|")[0] in COUNTED
    ]
    told = await _tell(line, section, full) if full else 0
    if now.minute < _FORGETTING_MINUTES:
        await line.quotas.spent.forget(section, now - KEPT)
    return told


def is_nearly_used(spent: Spent) -> bool:
    """Whether little of the quota, or nothing, was left in some minute of the hour."""
    return spent.fullest[1] >= NEARLY * spent.a_minute


async def _tell(line: Line, section: str, full: Sequence[Spent]) -> int:
    if not await line.teller.is_wanted(section, own.QUOTA_NEARLY_USED):
        return 0
    await take_in(line, section, [_draft(one) for one in full])
    reached("nearly.told")
    await asyncio.gather(*(line.quotas.spent.told(one) for one in full))
    return len(full)


def _draft(spent: Spent) -> Draft:
    (of, _, id), (at, count) = spent.name.partition("|"), spent.fullest
    summary = f"The {of} {id}".rstrip() + f" took {count} in a minute in which it may take {spent.a_minute}."
    properties: dict[str, Json] = {
        "summary": summary,
        "of": of,
        "name": id or of,
        "at": times.text(at),
        "count": Number(str(count)),
        "perMinute": Number(str(spent.a_minute)),
        "refused": Number(str(spent.refused)),
    }
    # Once a day: what is told again under this key is a repeat.
    return Draft(own.QUOTA_NEARLY_USED, properties, key=f"{own.QUOTA_NEARLY_USED}|{spent.name}|{at:%Y-%m-%d}")
