"""Replay many: start the deliveries that a filter chooses anew, so many a minute, until all were or somebody stops it.

What has not arrived keeps its id, so that a receiver which has it all the same drops it. What was delivered gets another one,
unless that is asked for: a receiver that knows the old one would answer that all is well, and do nothing.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared import ids, times
from shared.bodies import Body, Whole, read_body
from shared.errors import Conflict, NotFound
from shared.exact import Json
from shared.killpoints import reached
from shared.line import Line
from shared.operations import replay
from shared.operations.pace import Pace
from shared.operations.replay import Identity, is_new
from shared.operations.replay_choice import ReplayFilter, candidates, check
from shared.ports import RowChanged
from shared.stores.replays import Replay, Status
from shared.stores.trail import Delivery

KEPT = timedelta(days=30)
"""How long a replay is remembered that has ended or was stopped."""
SAMPLES = 10
MOST_SURVEYED = 10_000
"""Deliveries that a survey looks at."""


class ReplayBody(Body):
    """A replay to begin."""

    filter: ReplayFilter = ReplayFilter()
    per_minute: Annotated[Whole, Field(ge=1, le=10_000)] = 600
    """Deliveries that are started anew in a minute, at most."""
    as_: Identity | None = Field(None, alias="as")
    """The id that receivers get: the one they had, or a new one. Without it what was delivered gets a new one."""

    @property
    def as_new(self) -> bool:
        return is_new(self.as_, self.filter.status)


async def survey(line: Line, section: str, body: Json, pace: Pace) -> dict[str, Json]:
    """How many deliveries a filter chooses, and some of them. Changes nothing. Raises Invalid, Unavailable."""
    wanted = read_body(ReplayFilter, body)
    check(wanted)
    found: list[Delivery] = []
    seen = 0
    async for candidate in candidates(line, section, wanted):
        seen += 1
        if candidate.delivery is not None:
            found.append(candidate.delivery)
        if seen == MOST_SURVEYED or pace.is_over:
            break
    samples = [{"id": one.id, "cause": one.cause, "destination": one.destination} for one in found[:SAMPLES]]
    return {"count": len(found), "complete": seen < MOST_SURVEYED and not pace.is_over, "samples": samples}


async def begin(
    line: Line, section: str, wanted: ReplayBody, id: str, by: str, pace: Pace
) -> dict[str, Json]:
    """Begin a replay with a random `id`; the tick goes on with it. Raises Invalid, Unavailable."""
    check(wanted.filter, "/filter")
    now = times.text(line.clock.now())
    chosen = wanted.filter.model_dump(by_alias=True, mode="json", exclude_none=True)
    if not wanted.filter.is_listed:
        # What comes from now on is none of it, or it would never end.
        chosen = {**chosen, "until": min(now, chosen.get("until", now))}
    new = Replay(
        id,
        section,
        chosen,
        wanted.per_minute,
        created_at=now,
        changed_at=now,
        by=by,
        as_new=wanted.as_new,
    )
    await line.replays.create(new)
    await _advance(line, await line.replays.read(section, id), pace)
    return shown(await line.replays.read(section, id))


async def set_status(line: Line, section: str, id: str, status: Status) -> dict[str, Json]:
    """Stop a replay, or let it go on. Raises NotFound, and Conflict when it is done or just being worked on."""
    found = await line.replays.read(section, id)
    if found.status == "done":
        raise Conflict("This replay is done. Begin another one.")
    try:
        changed = await line.replays.save(_changed(line, found, status=status))
    except RowChanged:
        raise Conflict("This replay goes on just now. Try again.") from None
    return shown(changed)


async def go_on(line: Line, pace: Pace) -> int:
    """Give every running replay its share of this minute, and forget old ones; answers how many were replayed."""
    replayed = 0
    for section in pace.shuffled(await line.sections.list()):
        for one in await line.replays.list(section["id"]):
            if one.status == "running":
                replayed += await _advance(line, one, pace)
            elif line.clock.now() - times.parse(one.changed_at) > KEPT:
                await line.replays.remove(one)
    return replayed


def shown(one: Replay) -> dict[str, Json]:
    """A replay as the API answers it."""
    return {
        "id": one.id,
        "status": one.status,
        "filter": dict(one.chosen),
        "perMinute": one.per_minute,
        "as": "new" if one.as_new else "same",
        "replayed": one.replayed,
        "skipped": one.skipped,
        "upTo": _up_to(one),
        "createdAt": one.created_at,
        "changedAt": one.changed_at,
        "by": one.by,
    }


def _up_to(one: Replay) -> str | None:
    """When the event came that was looked at last, where events are looked at in that order."""
    cause, place = one.place
    return times.text(ids.time_of(place.partition("|")[0])) if place and not cause else None


async def _advance(line: Line, one: Replay, pace: Pace) -> int:
    """Replay this minute's share. The share is taken first, so that it is never taken twice, whoever else is at it."""
    minute = int(line.clock.now().timestamp()) // 60
    if one.minute == minute:
        return 0
    try:
        one = await line.replays.save(_changed(line, one, minute=minute))
    except RowChanged:
        return 0
    reached("replay_many.begun")
    ended = await _share(line, one, pace)
    reached("replay_many.replayed")
    await _note(line, one, ended)
    return ended.replayed - one.replayed


async def _share(line: Line, one: Replay, pace: Pace) -> Replay:
    """What is replayed of one's share, and where that leaves it."""
    wanted, left = ReplayFilter.model_validate(one.chosen), one.per_minute
    async for candidate in candidates(line, one.section, wanted, one.place):
        if not left or pace.is_over:
            return one
        took = None
        if (delivery := candidate.delivery) is not None:
            took = not _tried_since(delivery, one) and await _replay(line, one, delivery)
            left -= took
        one = replace(
            one,
            place=candidate.place,
            replayed=one.replayed + (took is True),
            skipped=one.skipped + (took is False),
        )
    return replace(one, status="done")


async def _note(line: Line, begun: Replay, ended: Replay) -> None:
    """Write how far it has come. Who stopped it meanwhile has the last word on whether it goes on."""
    try:
        await line.replays.save(_changed(line, ended))
    except RowChanged:
        now = await line.replays.read(begun.section, begun.id)
        status = "done" if ended.status == "done" else now.status
        await line.replays.save(_changed(line, replace(ended, etag=now.etag), status=status))


async def _replay(line: Line, one: Replay, delivery: Delivery) -> bool:
    """Start one anew; False when somebody else has, it is gone, or it must not be sent once more."""
    try:
        await replay.start(line, one.section, delivery, as_new=one.as_new)
    except (Conflict, NotFound):
        return False
    await line.hand_off.deliveries(one.section, delivery.route, [delivery.event_id])
    return True


def _changed(line: Line, one: Replay, **members: Json) -> Replay:
    return replace(one, changed_at=times.text(line.clock.now()), **members)


def _tried_since(delivery: Delivery, one: Replay) -> bool:
    """Whether it was tried again since the replay began: it has had its turn."""
    return bool(delivery.attempts) and delivery.attempts[-1].at >= one.created_at
