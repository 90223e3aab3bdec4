"""Sweep: find commits that were stored and have not ended, and see that they go on.

What was never handed off is handed off. What was is looked at, at doubling distances, and sent again only when it
must have been lost.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared import ids
from shared.line import Line
from shared.operations.pace import Pace
from shared.stores.outbox import FIRST_LOOK, Watched
from shared.stores.receipts import Delivery, Status, Trail

UNSENT_AFTER = timedelta(seconds=30)
"""A commit without a sign of its hand-off is handed off again after this."""
LOOK_AT_MOST = timedelta(hours=1)
"""The distance between looks at one commit doubles up to this."""
RESEND_AFTER = timedelta(hours=1)
"""A commit that was handed off and shows no progress is sent again after this; it doubles with each resend."""
OVERDUE = timedelta(minutes=15)
"""A delivery is stuck when nobody has taken it up for so long after it should have been."""
MOST_A_BUCKET = 20_000
_log = logging.getLogger("signalbox.sweep")


@dataclass(slots=True)
class Swept:
    """What one sweep did."""

    sent: int = 0
    finished: int = 0
    resent: int = 0
    waiting: int = 0


async def sweep(line: Line, pace: Pace) -> Swept:
    """See to the outbox of every section that is not paused, oldest first. One bad commit never stops the others."""
    swept = Swept()
    now = line.clock.now()
    active = [section for section in await line.sections.list() if section["status"] == "active"]
    for section in pace.shuffled(active):
        for bucket in pace.shuffled(range(int(section["buckets"]))):
            place = section["id"], bucket
            unsent = line.outbox.unsent(*place, now - UNSENT_AFTER, MOST_A_BUCKET)
            async for commits in pace.chunks(unsent):
                swept.sent += len(commits) * await line.hand_off.commits(section["id"], commits)
            async for watches in pace.chunks(line.outbox.due(*place, now, MOST_A_BUCKET)):
                await asyncio.gather(*(_look(line, section["id"], watched, swept) for watched in watches))
    return swept


async def _look(line: Line, section: str, watched: Watched, swept: Swept) -> None:
    try:
        await _check(line, section, watched, swept)
    except Exception as error:  # noqa: BLE001  (its watch stays, so the next sweep comes back to it)
        _log.warning("commit %s of %s: %s", watched.commit.id, section, type(error).__name__)
        swept.waiting += 1


async def _check(line: Line, section: str, watched: Watched, swept: Swept) -> None:
    trails = await line.receipts.trails(section, watched.commit)
    there = await line.ledger.ids(section, watched.commit)
    processed = all(id in trails and trails[id].steps for id in there)
    if processed and not any(trail.open for trail in trails.values()):
        await line.outbox.close(watched)
        swept.finished += 1
        return
    now = line.clock.now()
    resent = await (
        _resend_stuck(line, section, trails) if processed else _resend_lost(line, section, watched)
    )
    swept.resent += resent
    swept.waiting += not resent
    distance = min(FIRST_LOOK * 2 ** min(watched.looks, 10), LOOK_AT_MOST)
    await line.outbox.look_again(watched, now + distance, resent_at=now if resent else None)


async def _resend_lost(line: Line, section: str, watched: Watched) -> bool:
    """Hand a commit off again that should have been processed long ago; whether it is known to be on the bus."""
    patience = RESEND_AFTER * 2 ** min(watched.resends, 6)
    lost = watched.sent_at + patience <= line.clock.now()
    return lost and await line.hand_off.commits(section, [watched.commit])


async def _resend_stuck(line: Line, section: str, trails: Mapping[str, Trail]) -> bool:
    """Hand deliveries off again that nobody has in hand; whether there were any."""
    deliveries = [one for trail in trails.values() for one in trail.deliveries if _is_stuck(line, one)]
    for delivery in deliveries:
        await line.hand_off.deliveries(section, delivery.route, [delivery.event_id])
    return bool(deliveries)


def _is_stuck(line: Line, delivery: Delivery) -> bool:
    """Nobody has it in hand, and what should have brought it on is overdue."""
    overdue = line.clock.now() - OVERDUE
    if delivery.status is Status.PENDING:
        return ids.time_of(delivery.event_id) < overdue
    if delivery.status is Status.SENDING:
        return delivery.claim_until is None or delivery.claim_until < overdue
    return delivery.status is Status.RETRYING and (delivery.due_at is None or delivery.due_at < overdue)
