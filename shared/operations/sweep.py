"""Sweep: find commits that were stored and are not finished, and see that they go on.

A commit leaves the outbox when everything of it has ended where an operator can see it. Until then it is looked at
again and again, at doubling distances, and sent again only when it must have been lost.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared import times
from shared.errors import SignalboxError
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
            async for outbox in line.ledger.outbox(section["id"], bucket, before, MOST_A_BUCKET):
                await _look(line, section["id"], outbox, swept)
    return swept


async def _look(line: Line, section: str, outbox: Outbox, swept: Swept) -> None:
    try:
        if outbox.sent_at is None:
            await line.hand_off.commits(section, [outbox.commit])
            swept.sent += 1
        elif _is_time(line, outbox):
            await _check(line, section, outbox, swept)
        else:
            swept.waiting += 1
    except SignalboxError:
        # It stays in the outbox, so the next sweep comes back to it.
        swept.waiting += 1


def _is_time(line: Line, outbox: Outbox) -> bool:
    distance = min(LOOK_AFTER * 2 ** min(outbox.checks, 10), LOOK_AT_MOST)
    looked = outbox.looked_at or outbox.sent_at
    return looked is not None and looked + distance <= line.clock.now()


async def _check(line: Line, section: str, outbox: Outbox, swept: Swept) -> None:
    trails = await line.receipts.trails(section, outbox.commit)
    processed = len([trail for trail in trails.values() if trail.steps]) >= outbox.events
    if processed and not any(trail.open for trail in trails.values()):
        await line.ledger.finish(section, outbox.commit)
        swept.finished += 1
        return
    now = line.clock.now()
    patience = RESEND_AFTER * 2 ** min(outbox.resends, 6)
    lost = outbox.sent_at is not None and outbox.sent_at + patience <= now
    if lost:
        await _resend(line, section, outbox, trails, processed=processed)
        swept.resent += 1
    else:
        swept.waiting += 1
    seen: dict[str, Value] = {"lookedAt": times.text(now), "checks": outbox.checks + 1}
    if lost:
        seen |= {"sentAt": times.text(now), "resends": outbox.resends + 1}
    await line.ledger.update(section, outbox.commit, seen)


async def _resend(
    line: Line, section: str, outbox: Outbox, trails: dict[str, Trail], *, processed: bool
) -> None:
    if not processed:
        await line.hand_off.commits(section, [outbox.commit])
        return
    for trail in trails.values():
        for delivery in trail.deliveries:
            if _stuck(line, delivery):
                await line.hand_off.forward(section, delivery.route, [delivery.event_id])


def _stuck(line: Line, delivery: Delivery) -> bool:
    """Nobody has it in hand, and what should have brought it on is overdue."""
    overdue = line.clock.now() - RESEND_AFTER / 4
    if delivery.status is Status.PENDING:
        return True
    if delivery.status is Status.SENDING:
        return delivery.claim_until is None or delivery.claim_until < overdue
    return delivery.status is Status.RETRYING and (delivery.due_at is None or delivery.due_at < overdue)
