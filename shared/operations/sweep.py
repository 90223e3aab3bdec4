"""Sweep: find commits that were stored and are not finished, and see that they go on.

A commit leaves the outbox when everything of it has ended where an operator can see it. Until then it is looked at
again and again, at doubling distances, and sent again only when it must have been lost.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared import times
from shared.ledger import Outbox
from shared.line import Line
from shared.operations.receipts import Delivery, Status, Trail
from shared.ports import Value

UNSENT_AFTER = timedelta(seconds=30)
"""A commit without a sign of its hand-off is handed off again after this."""
LOOK_AFTER = timedelta(minutes=1)
"""The first look at a commit that was handed off; the distance doubles with each look."""
LOOK_AT_MOST = timedelta(hours=1)
RESEND_AFTER = timedelta(hours=1)
"""A commit that was handed off and shows no progress is sent again after this; it doubles with each resend."""
MOST_A_BUCKET = 500
"""Commits of a bucket that one sweep does something about."""
MOST_SEEN = 20_000
"""Commits of a bucket that one sweep reads: those that wait for a destination never hide the ones behind them."""
_log = logging.getLogger("signalbox.sweep")


@dataclass(slots=True)
class Swept:
    """What one sweep did."""

    sent: int = 0
    finished: int = 0
    resent: int = 0
    waiting: int = 0


async def sweep(line: Line) -> Swept:
    """Look at every section's outbox, oldest first, bounded. One bad commit never stops the others."""
    swept = Swept()
    before = line.clock.now() - UNSENT_AFTER
    for section in await line.sections.list():
        for bucket in range(int(section["buckets"])):
            looked = 0
            async for outbox in line.ledger.outbox(section["id"], bucket, before, MOST_SEEN):
                looked += await _look(line, section["id"], outbox, swept)
                if looked == MOST_A_BUCKET:
                    break
    return swept


async def _look(line: Line, section: str, outbox: Outbox, swept: Swept) -> bool:
    """Whether it was time to do something about this commit."""
    try:
        if outbox.sent_at is None:
            swept.sent += await line.hand_off.commits(section, [outbox.commit])
        elif _is_time(line, outbox):
            await _check(line, section, outbox, swept)
        else:
            swept.waiting += 1
            return False
    except Exception as error:  # noqa: BLE001  (it stays in the outbox, so the next sweep comes back to it)
        _log.warning("commit %s of %s: %s", outbox.commit.id, section, type(error).__name__)
        swept.waiting += 1
    return True


def _is_time(line: Line, outbox: Outbox) -> bool:
    distance = min(LOOK_AFTER * 2 ** min(outbox.checks, 10), LOOK_AT_MOST)
    looked = outbox.looked_at or outbox.sent_at
    return looked is not None and looked + distance <= line.clock.now()


async def _check(line: Line, section: str, outbox: Outbox, swept: Swept) -> None:
    now = line.clock.now()
    patience = RESEND_AFTER * 2 ** min(outbox.resends, 6)
    lost = outbox.sent_at is not None and outbox.sent_at + patience <= now
    trails = await line.receipts.trails(section, outbox.commit)
    processed = len([trail for trail in trails.values() if trail.steps]) >= outbox.events
    if lost and not processed:
        processed = await _nothing_left(line, section, outbox, trails)
    if processed and not any(trail.open for trail in trails.values()):
        await line.ledger.finish(section, outbox.commit, outbox.etag)
        swept.finished += 1
        return
    seen: dict[str, Value] = {"lookedAt": times.text(now), "checks": outbox.checks + 1}
    if lost and await _resend(line, section, outbox, trails, processed=processed):
        seen |= {"sentAt": times.text(now), "resends": outbox.resends + 1}
        swept.resent += 1
    else:
        swept.waiting += 1
    await line.ledger.update(section, outbox.commit, seen)


async def _nothing_left(line: Line, section: str, outbox: Outbox, trails: Mapping[str, Trail]) -> bool:
    """Whether all that is still there has been processed: some of it may have been purged or erased before."""
    left = await line.ledger.commit(section, outbox.commit)
    return all(stored.id in trails and trails[stored.id].steps for stored in left)


async def _resend(
    line: Line, section: str, outbox: Outbox, trails: Mapping[str, Trail], *, processed: bool
) -> bool:
    if not processed:
        return await line.hand_off.commits(section, [outbox.commit])
    for trail in trails.values():
        for delivery in trail.deliveries:
            if _stuck(line, delivery):
                await line.hand_off.forward(section, delivery.route, [delivery.event_id])
    return True


def _stuck(line: Line, delivery: Delivery) -> bool:
    """Nobody has it in hand, and what should have brought it on is overdue."""
    overdue = line.clock.now() - RESEND_AFTER / 4
    if delivery.status is Status.PENDING:
        return True
    if delivery.status is Status.SENDING:
        return delivery.claim_until is None or delivery.claim_until < overdue
    return delivery.status is Status.RETRYING and (delivery.due_at is None or delivery.due_at < overdue)
