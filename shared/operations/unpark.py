"""Unpark: let go on what waited while its destination was paused."""

from dataclasses import replace

from shared import ids
from shared.line import Line
from shared.operations.receipts import Status
from shared.ports import RowChanged


async def resume(line: Line, section: str, destination: str) -> int:
    """Hand off everything that is parked for a destination; answers how many. Raises Unavailable: call it again."""
    resumed = 0
    async for waiting in line.due.parked(section, destination):
        delivery = await line.receipts.delivery(section, waiting.event, waiting.route)
        if delivery is not None and delivery.status is Status.PARKED:
            await line.ledger.reopen(section, ids.commit_of(waiting.event), line.clock.now())
            try:
                await line.receipts.save(section, replace(delivery, status=Status.PENDING))
            except RowChanged:
                continue
            await line.hand_off.forward(section, waiting.route, [waiting.event])
            resumed += 1
        await line.due.remove(waiting)
    return resumed
