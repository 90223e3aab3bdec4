"""Count again: the hours of a time once more, from the events as they are now, on demand."""

from datetime import timedelta

from shared import times
from shared.bodies import Body, Time, read_body
from shared.errors import Fault, Invalid
from shared.exact import Json
from shared.line import Line
from shared.operations.pace import Pace
from shared.operations.roll_up import SETTLED, count_hour
from shared.stores.rollups import HOUR, hour_of

MOST_RECOUNTED = timedelta(days=30)
"""How far back: what lies in quarantine is kept so long."""


class CountBody(Body):
    """Which hours to count again: those that begin in a time, and have ended."""

    since: Time
    until: Time


async def count_again(line: Line, section_id: str, body: Json, pace: Pace) -> dict[str, Json]:
    """Count hours once more, the newest first. `next`: where there was no time for all, what to send as `until`.

    Raises Invalid, NotFound, Unavailable.
    """
    wanted, now = read_body(CountBody, body), line.clock.now()
    since, until = times.parse(wanted.since), min(times.parse(wanted.until), now)
    if not now - MOST_RECOUNTED <= since <= times.parse(wanted.until):
        expected = f"a time before `until`, at most {MOST_RECOUNTED.days} days ago"
        fault = Fault("/since", "Only what is still there can be counted again.", expected)
        raise Invalid("These hours cannot be counted.", faults=[fault])
    section = await line.sections.read(section_id)
    last = hour_of(until - timedelta(microseconds=1))
    begin, counted = min(last, hour_of(now - SETTLED) - HOUR), 0
    while begin >= hour_of(since):
        if pace.is_over:
            return {"counted": counted, "next": times.text(begin + HOUR)}
        is_counted = await count_hour(line, section, await line.rollups.hour(section.id, begin), pace)
        if not is_counted and pace.is_over:
            continue
        counted += is_counted
        begin -= HOUR
    return {"counted": counted, "next": None}
