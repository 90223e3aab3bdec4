"""Unpark: let go on what waited while its section or its destination was paused.

The door that resumes one of them begins, and the tick goes on: a resume that was cut short leaves nothing behind, nor
does a worker that parks something because it has not heard of the resume yet.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from shared import ids
from shared.ids import Commit
from shared.killpoints import reached
from shared.line import Line
from shared.operations.pace import Pace
from shared.ports import RowChanged
from shared.stages.forward import ENDED
from shared.stores.due import Waiting
from shared.stores.trail import Status

MOST = 10_000


async def unpark(line: Line, pace: Pace) -> int:
    """Let go on what is parked for nothing that is still paused, in every section; answers how much."""
    sections = [section["id"] for section in await line.sections.list() if section["status"] == "active"]
    return sum([await resume_section(line, id, pace) for id in sections])


async def resume_section(line: Line, id: str, pace: Pace) -> int:
    """Hand off the commits that waited for a section, and the deliveries of its active destinations.

    Answers how many of both. The next tick goes on. Raises NotFound, Unavailable.
    """
    section = await line.sections.read(id)
    resumed = 0
    for bucket in pace.shuffled(range(section.buckets)):
        async for commits in pace.chunks(line.outbox.parked(id, bucket, MOST)):
            resumed += await _hand_off(line, id, commits)
    for destination in await line.destinations.active(id):
        resumed += await _resume(line, id, destination, pace)
    return resumed


async def resume(line: Line, section: str, destination: str, pace: Pace) -> int:
    """Hand off what is parked for a destination; answers how many. The next tick goes on. Raises Unavailable.

    In a paused section nothing goes on.
    """
    if (await line.sections.read(section)).paused:
        return 0
    return await _resume(line, section, destination, pace)


async def _resume(line: Line, section: str, destination: str, pace: Pace) -> int:
    resumed = 0
    async for chunk in pace.chunks(line.due.parked(section, destination, MOST)):
        resumed += sum(await asyncio.gather(*(_let_go(line, waiting) for waiting in chunk)))
    return resumed


async def _hand_off(line: Line, section: str, commits: Sequence[Commit]) -> int:
    """To be handed off first, then handed off: what is not, for whatever reason, the sweeper finds."""
    parked = await asyncio.gather(*(line.outbox.unpark(section, commit) for commit in commits))
    reached("unpark.commits-unsent")
    ours = [commit for commit, was in zip(commits, parked, strict=True) if was]
    await line.hand_off.commits(section, ours, anew=True)
    return len(ours)


async def _let_go(line: Line, waiting: Waiting) -> bool:
    """Hand one off, and take it off the list only then."""
    delivery = await line.receipts.delivery(waiting.section, waiting.event, waiting.route)
    goes_on = delivery is not None and delivery.status not in ENDED
    if delivery is not None and delivery.status is Status.PARKED:
        await line.outbox.reopen(waiting.section, ids.commit_of(waiting.event), line.clock.now())
        reached("unpark.reopened")
        try:
            await line.receipts.save(waiting.section, replace(delivery, status=Status.PENDING))
        except RowChanged:
            return False
        reached("unpark.pending")
    if goes_on:
        await line.hand_off.deliveries(waiting.section, waiting.route, [waiting.event])
        reached("unpark.handed-off")
    await line.due.remove(waiting)
    return goes_on
