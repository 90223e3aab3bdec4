"""Sweep: find commits that were stored and have not ended, and see that they go on.

What was never handed off is handed off. What was is looked at, at doubling distances, and sent again only when it
must have been lost.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from shared import ids, logs
from shared.killpoints import reached
from shared.line import Line
from shared.operations.pace import Pace
from shared.operations.resends import Resends
from shared.stores.outbox import FIRST_LOOK, Watched
from shared.stores.trail import Delivery, Status

UNSENT_AFTER = timedelta(seconds=30)
"""A commit without a sign of its hand-off is handed off again after this."""
SENT_TOGETHER = 1_000
"""Commits of a bucket that are handed off in one call. A run that ends midway has marked all the calls before."""
LOOK_AT_MOST = timedelta(hours=1)
"""The distance between looks at one commit doubles up to this."""
RESEND_AFTER = timedelta(hours=1)
"""A commit that was handed off and shows no progress is sent again after this at the earliest."""
OVERDUE = timedelta(minutes=15)
"""A delivery is stuck when nobody has taken it up for so long after it should have been.

It is sent again when it has been seen stuck for as long once more: when the whole app was away, all is overdue.
"""
MOST_A_BUCKET = 20_000
BUCKETS_AT_ONCE = 4


@dataclass(slots=True)
class Swept:
    """What one sweep did."""

    sent: int = 0
    finished: int = 0
    resent: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    line: Line
    pace: Pace
    resends: Resends
    swept: Swept = field(default_factory=Swept)


async def sweep(line: Line, pace: Pace) -> Swept:
    """See to the outbox of every section that is not paused, oldest first, a few buckets side by side.

    One bad commit never stops the others. What stops a bucket is raised once all have been seen to.
    """
    run = _Run(line, pace, Resends(line.hand_off))
    active = [one for one in await line.sections.list() if one["status"] == "active"]
    places = [(one["id"], bucket) for one in active for bucket in range(int(one["buckets"]))]
    turns = asyncio.Semaphore(BUCKETS_AT_ONCE)

    async def see_to(section: str, bucket: int) -> None:
        async with turns:
            await _send(run, section, bucket)
            await _look(run, section, bucket)

    ended = await asyncio.gather(*(see_to(*one) for one in pace.shuffled(places)), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error
    return run.swept


async def _send(run: _Run, section: str, bucket: int) -> None:
    """Hand off what never was. While the bus or storage is away there is no use in going on."""
    before = run.line.clock.now() - UNSENT_AFTER
    unsent = run.line.outbox.unsent(section, bucket, before, MOST_A_BUCKET)
    async for commits in run.pace.chunks(unsent, SENT_TOGETHER):
        if not await run.line.hand_off.catch_up(section, commits):
            return
        run.swept.sent += len(commits)


async def _look(run: _Run, section: str, bucket: int) -> None:
    outbox, now = run.line.outbox, run.line.clock.now()
    async for watches in run.pace.chunks(outbox.due(section, bucket, now, MOST_A_BUCKET)):
        # What this run handed off may be old, and its first look overdue; nobody can have been at it yet.
        old = [one for one in watches if one.sent_at < now - FIRST_LOOK]
        seen = await asyncio.gather(*(_look_at(run, section, watched) for watched in old))
        await outbox.looked([one for one in seen if one])


async def _look_at(run: _Run, section: str, watched: Watched) -> Watched | None:
    """The watch as it is to go on. None: it stays as it is, so the next sweep comes back to it."""
    try:
        seen = await _check(run, section, watched, run.line.clock.now())
    except Exception as error:  # noqa: BLE001  (whatever broke, the others go on)
        logs.warn(
            "sweep", "not looked at", section=section, commit=watched.commit.id, error=logs.name_of(error)
        )
        run.swept.waiting += 1
        return None
    run.swept.finished += seen.look_at is None
    run.swept.resent += seen.resends > watched.resends
    run.swept.waiting += seen.look_at is not None and seen.resends == watched.resends
    return seen


async def _check(run: _Run, section: str, watched: Watched, now: datetime) -> Watched:
    line = run.line
    later = replace(watched, look_at=now + _distance(watched.looks), looks=watched.looks + 1)
    if await run.resends.still_queued(line.hand_off.events_queue, watched.sent_at, now):
        return later
    trails = await line.receipts.trails(section, watched.commit)
    there = await line.ledger.ids(section, watched.commit)
    if not all(id in trails and trails[id].steps for id in there):
        return await _resend_lost(run, section, later, now)
    if not any(trail.open for trail in trails.values()):
        return replace(watched, look_at=None)
    deliveries = [one for trail in trails.values() for one in trail.deliveries if _is_stuck(one, now)]
    return await _resend_stuck(run, section, later, deliveries, now)


def _distance(looks: int) -> timedelta:
    """The next look's distance, less something random, so that what was stored together is not seen together."""
    whole: timedelta = min(FIRST_LOOK * 2 ** min(looks, 10), LOOK_AT_MOST)
    return whole * random.uniform(0.5, 1)  # noqa: S311


async def _resend_lost(run: _Run, section: str, watched: Watched, now: datetime) -> Watched:
    """Hand a commit off again that should have been processed long ago."""
    hand_off = run.line.hand_off
    waited = now - watched.sent_at
    if not await run.resends.allow(hand_off.events_queue, waited, RESEND_AFTER, watched.resends, 1):
        return watched
    return _resent(watched, now) if await hand_off.commits(section, [watched.commit]) else watched


async def _resend_stuck(
    run: _Run, section: str, watched: Watched, stuck: Sequence[Delivery], now: datetime
) -> Watched:
    """Hand deliveries off again that nobody has had in hand for two looks."""
    if not stuck:
        return replace(watched, stuck_at=None)
    hand_off, since = run.line.hand_off, watched.stuck_at or now
    queue, count = hand_off.deliveries_queue, len(stuck)
    if not await run.resends.allow(queue, now - since, OVERDUE, watched.resends, count):
        return replace(watched, stuck_at=since)
    for route, found in groupby(sorted(stuck, key=_route), key=_route):
        await hand_off.deliveries(section, route, [delivery.event_id for delivery in found])
    return _resent(watched, now)


def _resent(watched: Watched, now: datetime) -> Watched:
    reached("sweep.resent")
    return replace(watched, sent_at=now, resends=watched.resends + 1, stuck_at=None)


def _route(delivery: Delivery) -> str:
    return delivery.route


def _is_stuck(delivery: Delivery, now: datetime) -> bool:
    """Nobody has it in hand, and what should have brought it on is overdue."""
    overdue = now - OVERDUE
    if delivery.status is Status.PENDING:
        return ids.time_of(delivery.event_id) < overdue
    if delivery.status is Status.SENDING:
        return delivery.claim_until is None or delivery.claim_until < overdue
    return delivery.status is Status.RETRYING and (delivery.due_at is None or delivery.due_at < overdue)
