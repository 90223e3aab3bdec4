"""Nearly: tell of quotas of which little was left, before somebody is refused."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from shared import flow, times
from shared.access.caller import Caller
from shared.catalog import own
from shared.errors import Unavailable
from shared.event import Draft
from shared.exact import Json, Number
from shared.killpoints import reached
from shared.line import Line
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

    Forgets what is past its time. Raises Unavailable.
    """
    told, now = 0, line.clock.now()
    for one in pace.shuffled(await line.sections.list()):
        if pace.is_over:
            break
        last = hour_of(now) - HOUR
        full = [
            spent
            async for spent in line.quotas.spent.between(one["id"], last, last + HOUR * 2)
            if is_nearly_used(spent) and not spent.told and spent.name.partition("|")[0] in COUNTED
        ]
        if full:
            told += await _tell(line, one["id"], full)
        if now.minute < _FORGETTING_MINUTES:
            await line.quotas.spent.forget(one["id"], now - KEPT)
    return told


def is_nearly_used(spent: Spent) -> bool:
    """Whether little of the quota, or nothing, was left in some minute of the hour."""
    return spent.fullest[1] >= NEARLY * spent.a_minute


async def _tell(line: Line, section: str, full: Sequence[Spent]) -> int:
    if not await line.teller.is_wanted(section, own.QUOTA_NEARLY_USED):
        return 0
    caller = Caller(section, frozenset(), own.SENDER, own.SENDER, own.SENDER)
    for verdict in await flow.intake(line, caller, [_draft(one) for one in full]):
        if isinstance(verdict, Unavailable):
            raise verdict
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
