"""Unpark: let go on what waited while its destination was paused.

The door that resumes a destination begins, and the tick goes on: a resume that was cut short leaves nothing behind,
nor does a worker that parks a delivery because it has not heard of the resume yet.
"""

import asyncio
from dataclasses import replace

from shared import ids
from shared.line import Line
from shared.operations.pace import Pace
from shared.ports import RowChanged
from shared.stages.forward import ENDED
from shared.stores.due import Waiting
from shared.stores.trail import Status

MOST = 10_000


async def unpark(line: Line, pace: Pace) -> int:
    """Let go on what is parked for destinations that are not paused, in every section; answers how many."""
    unparked = 0
    for section in await line.sections.list():
        for destination in await line.destinations.list(section["id"]):
            if destination["status"] == "active":
                unparked += await resume(line, section["id"], destination["id"], pace)
    return unparked


async def resume(line: Line, section: str, destination: str, pace: Pace) -> int:
    """Hand off what is parked for a destination; answers how many. The next tick goes on. Raises Unavailable."""
    resumed = 0
    async for chunk in pace.chunks(line.due.parked(section, destination, MOST)):
        resumed += sum(await asyncio.gather(*(_let_go(line, waiting) for waiting in chunk)))
    return resumed


async def _let_go(line: Line, waiting: Waiting) -> bool:
    """Hand one off, and take it off the list only then."""
    delivery = await line.receipts.delivery(waiting.section, waiting.event, waiting.route)
    goes_on = delivery is not None and delivery.status not in ENDED
    if delivery is not None and delivery.status is Status.PARKED:
        await line.outbox.reopen(waiting.section, ids.commit_of(waiting.event), line.clock.now())
        try:
            await line.receipts.save(waiting.section, replace(delivery, status=Status.PENDING))
        except RowChanged:
            return False
    if goes_on:
        await line.hand_off.deliveries(waiting.section, waiting.route, [waiting.event])
    await line.due.remove(waiting)
    return goes_on
