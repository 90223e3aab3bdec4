"""Replay many: start the dead letters that a filter chooses anew, so many a minute, until all were or somebody stops it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared import ids, times
from shared.bodies import Body, Discriminator, Time, Whole, read_body
from shared.destinations.outcomes import Cause
from shared.errors import Conflict, NotFound
from shared.exact import Json
from shared.killpoints import reached
from shared.line import Line
from shared.operations.pace import Pace
from shared.ports import RowChanged
from shared.stores.replays import Replay, Status
from shared.stores.trail import Delivery

KEPT = timedelta(days=30)
"""How long a replay is remembered that has ended or was stopped."""
SAMPLES = 10
MOST_SURVEYED = 10_000
"""Dead letters that a survey counts."""


_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class ReplayFilter(Body):
    """Which dead letters: those that fit all that is named. `since` and `until` are about when an event came."""

    status: Literal["dead", "held"] = "dead"
    """Held ones may have arrived: they are replayed only if that is asked for."""
    cause: Annotated[Cause, Field(strict=False)] | None = None
    destination: _Name | None = None
    route: _Name | None = None
    event: Discriminator | None = None
    source: _Name | None = None
    person: _Name | None = None
    since: Time | None = None
    until: Time | None = None


class ReplayBody(Body):
    """A replay to begin."""

    filter: ReplayFilter = ReplayFilter()
    per_minute: Annotated[Whole, Field(ge=1, le=10_000)] = 600
    """Deliveries that are started anew in a minute, at most."""


async def survey(line: Line, section: str, body: Json, pace: Pace) -> dict[str, Json]:
    """How many dead letters a filter chooses, and some of them. Changes nothing. Raises Invalid, Unavailable."""
    wanted = read_body(ReplayFilter, body)
    found: list[Delivery] = []
    seen = 0
    async for _, _, delivery in _candidates(line, section, wanted, ("", "")):
        seen += 1
        if await _fits(line, section, wanted, delivery):
            found.append(delivery)
        if seen == MOST_SURVEYED or pace.is_over:
            break
    samples = [{"id": one.id, "cause": one.cause, "destination": one.destination} for one in found[:SAMPLES]]
    return {"count": len(found), "complete": seen < MOST_SURVEYED and not pace.is_over, "samples": samples}


async def begin(
    line: Line, section: str, wanted: ReplayBody, id: str, by: str, pace: Pace
) -> dict[str, Json]:
    """Begin a replay with a random `id`; the tick goes on with it. Raises Unavailable."""
    now = times.text(line.clock.now())
    chosen = wanted.filter.model_dump(by_alias=True, mode="json", exclude_none=True)
    new = Replay(id, section, chosen, wanted.per_minute, created_at=now, changed_at=now, by=by)
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
        "replayed": one.replayed,
        "skipped": one.skipped,
        "createdAt": one.created_at,
        "changedAt": one.changed_at,
        "by": one.by,
    }


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
    async for cause, place, delivery in _candidates(line, one.section, wanted, one.place):
        if not left or pace.is_over:
            return one
        took = None
        if await _fits(line, one.section, wanted, delivery):
            took = not _failed_since(delivery, one) and await _replay(line, one.section, delivery)
            left -= took
        one = replace(
            one,
            place=(cause, place),
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


async def _replay(line: Line, section: str, delivery: Delivery) -> bool:
    """Start one anew; False when somebody else has, or it is gone."""
    try:
        await line.dead_letters.replay(section, delivery.id)
    except (Conflict, NotFound):
        return False
    await line.hand_off.deliveries(section, delivery.route, [delivery.event_id])
    return True


def _changed(line: Line, one: Replay, **members: Json) -> Replay:
    return replace(one, changed_at=times.text(line.clock.now()), **members)


def _failed_since(delivery: Delivery, one: Replay) -> bool:
    """Whether it was tried again since the replay began: it has had its turn."""
    return bool(delivery.attempts) and delivery.attempts[-1].at > one.created_at


async def _candidates(
    line: Line, section: str, wanted: ReplayFilter, after: tuple[str, str]
) -> AsyncIterator[tuple[str, str, Delivery]]:
    """What lies behind a place, cause by cause: with its own place."""
    for cause in _causes(wanted, after[0]):
        start = after[1] if cause == after[0] else _lowest(wanted)
        async for place, delivery in line.dead_letters.each(section, cause, start):
            yield cause.value, place, delivery


def _causes(wanted: ReplayFilter, after: str) -> Sequence[Cause]:
    causes = sorted(Cause) if wanted.cause is None else [wanted.cause]
    return [cause for cause in causes if cause.value >= after]


def _lowest(wanted: ReplayFilter) -> str:
    """Where what came since then begins. No id is older than the time that ids count from."""
    return ids.lowest(max(times.parse(wanted.since), times.EPOCH)) if wanted.since else ""


async def _fits(line: Line, section: str, wanted: ReplayFilter, delivery: Delivery) -> bool:
    pairs = (
        (wanted.status, delivery.status.value),
        (wanted.destination, delivery.destination),
        (wanted.route, delivery.route),
        (wanted.person, delivery.person),
    )
    if any(asked not in (None, there) for asked, there in pairs) or not _came_within(wanted, delivery):
        return False
    if wanted.event is None and wanted.source is None:
        return True
    stored = await line.ledger.event(section, delivery.event_id)
    return stored is not None and (
        wanted.event in (None, stored.event.event) and wanted.source in (None, stored.event.source)
    )


def _came_within(wanted: ReplayFilter, delivery: Delivery) -> bool:
    came = ids.time_of(delivery.event_id)
    too_early = wanted.since is not None and came < times.parse(wanted.since)
    too_late = wanted.until is not None and came >= times.parse(wanted.until)
    return not too_early and not too_late
