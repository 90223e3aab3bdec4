"""Purge: delete what is past its retention, found by the day's expiry rows and nothing else.

An event goes with its receipt, its timeline row and its body, the dependents first: what is left by a crash in
between still has the expiry row that brings the next purge back to it.
"""

from dataclasses import dataclass

from shared import ids
from shared.line import Line
from shared.operations.receipts import Status
from shared.ports import Row

MOST_A_BUCKET = 200


@dataclass(slots=True)
class Purged:
    """What one purge deleted."""

    events: int = 0
    keys: int = 0
    quarantined: int = 0


async def purge(line: Line) -> Purged:
    """Delete what has expired in every section, bounded."""
    purged = Purged()
    now = line.clock.now()
    today = now.strftime("%Y%m%d")
    for section in await line.sections.list():
        for bucket in range(int(section["buckets"])):
            async for row in line.ledger.expired(section["id"], bucket, today, MOST_A_BUCKET):
                await _expire(line, section["id"], row, purged)
        async for item in line.quarantine.expired(section["id"], now, MOST_A_BUCKET):
            await line.quarantine.remove(section["id"], item)
            purged.quarantined += 1
    return purged


async def _expire(line: Line, section: str, row: Row, purged: Purged) -> None:
    commit = ids.commit_of(row.rk.rpartition("|")[2])
    keys = str(row.values["rows"]).split(",")
    events = [key.removeprefix("e|") for key in keys if key.startswith("e|")]
    for event in events:
        await _forget(line, section, event)
    await line.ledger.purge(section, commit, [*keys, row.rk])
    purged.events += len(events)
    purged.keys += len(keys) - len(events)


async def _forget(line: Line, section: str, event: str) -> None:
    stored = await line.ledger.event(section, event)
    trail = await line.receipts.trail(section, event)
    if stored and trail.person:
        await line.timeline.remove(section, trail.person, stored)
    for delivery in trail.deliveries:
        if delivery.status in (Status.DEAD, Status.HELD):
            await line.dead_letters.remove(section, delivery)
    await line.receipts.remove(section, [event])
