"""Purge: delete what is past its retention, found by the day's expiry rows and nothing else.

An event goes with its receipt, its timeline row and its body, the dependents first: what is left by a crash in
between still has the expiry row that brings the next purge back to it.
"""

import asyncio
from dataclasses import dataclass

from shared import logs
from shared.access.caller import DEPLOYMENT
from shared.errors import Unavailable
from shared.killpoints import reached
from shared.line import Line
from shared.operations.pace import Pace
from shared.ports import Row
from shared.stores.firsts import PURGED_AT_ONCE
from shared.stores.trail import Status

MOST_A_BUCKET = 20_000
_AT_ONCE = 10


@dataclass(slots=True)
class Purged:
    """What one purge deleted."""

    events: int = 0
    keys: int = 0
    firsts: int = 0
    quarantined: int = 0
    rejected: int = 0
    changes: int = 0


async def purge(line: Line, pace: Pace) -> Purged:
    """Delete what has expired in every section."""
    purged = Purged()
    now = line.clock.now()
    today = now.strftime("%Y%m%d")
    for section in pace.shuffled(await line.sections.list()):
        id = section["id"]
        for bucket in pace.shuffled(range(int(section["buckets"]))):
            expired = line.ledger.expired(id, bucket, today, MOST_A_BUCKET)
            async for rows in pace.chunks(expired, _AT_ONCE):
                await asyncio.gather(*(_expire(line, id, row, purged) for row in rows))
            firsts = line.firsts.expired(id, bucket, today, MOST_A_BUCKET)
            async for rows in pace.chunks(firsts, PURGED_AT_ONCE):
                purged.firsts += await line.firsts.purge(rows)
        purged.quarantined += await _purge_quarantine(line, pace, id)
        for source in await line.sources.list(id):
            purged.rejected += await line.rejected.purge(id, source["id"], now)
        await _purge_audit(line, pace, id, purged)
    await _purge_audit(line, pace, DEPLOYMENT, purged)
    return purged


async def _purge_quarantine(line: Line, pace: Pace, section: str) -> int:
    """How many kept webhooks were past their time. A body that a crash has left alone goes with them, and is not counted."""
    purged = 0
    async for items in pace.chunks(line.quarantine.expired(section, MOST_A_BUCKET), _AT_ONCE):
        await asyncio.gather(*(line.quarantine.remove(section, item) for item in items))
        purged += len(items)
    async for left in pace.chunks(line.quarantine.bodies_left(section, MOST_A_BUCKET), _AT_ONCE):
        await asyncio.gather(*(line.quarantine.remove_body(section, *one) for one in left))
    return purged


async def _purge_audit(line: Line, pace: Pace, section: str, purged: Purged) -> None:
    async for rows in pace.chunks(line.audit.expired(section, line.clock.now()), _AT_ONCE):
        await asyncio.gather(*(line.audit.remove(row) for row in rows))
        purged.changes += len(rows)


async def _expire(line: Line, section: str, row: Row, purged: Purged) -> None:
    """One row that cannot be purged stays for the next time, and stops no other."""
    try:
        await _purge(line, section, row, purged)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  (an event that this version cannot read, say)
        logs.fail(
            "purge",
            "not purged",
            section=section,
            commit=row.rk.rpartition("|")[2],
            error=logs.told_of(error),
        )


async def _purge(line: Line, section: str, row: Row, purged: Purged) -> None:
    keys = str(row.values["rows"]).split(",")
    events = [key.removeprefix("e|") for key in keys if key.startswith("e|")]
    await asyncio.gather(*(_forget(line, section, event) for event in events))
    await line.ledger.purge(section, row)
    purged.events += len(events)
    purged.keys += len(keys) - len(events)


async def _forget(line: Line, section: str, event: str) -> None:
    trail = await line.receipts.trail(section, event)
    if trail.person and (stored := await line.ledger.event(section, event)):
        await line.timeline.remove(section, trail.person, stored)
    reached("purge.timeline-removed")
    for delivery in trail.deliveries:
        if delivery.status in (Status.DEAD, Status.HELD):
            await line.dead_letters.remove(section, delivery)
    await line.receipts.remove(section, [event])
    reached("purge.receipts-removed")
