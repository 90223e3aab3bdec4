"""Clear: delete all that a deleted section left in the tables and containers, for as many ticks as it takes.

Nothing is kept of how far it has come: what is gone is not found again. Requests and messages that were under way when
the section was deleted may still write, so only a pass that began after the last of them lets the section's own
document go; until then nobody can create another section under its id.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from shared.acting import acting
from shared.killpoints import reached
from shared.line import Line
from shared.operations.pace import Pace

LATE_AT_MOST = timedelta(minutes=10)
"""What was under way when a section was deleted has ended: it is known everywhere within CACHE_SECONDS, and a function
ends within five minutes (host.json)."""
ACTOR = "tick"
"""As the audit names it."""
_AT_ONCE = 10


@dataclass(slots=True)
class Cleared:
    """What one run deleted."""

    rows: int = 0
    bodies: int = 0
    sections: int = 0
    """Of which nothing is left."""


async def clear(line: Line, pace: Pace) -> Cleared:
    """Delete what deleted sections have left."""
    cleared = Cleared()
    for id, deleted_at in pace.shuffled(await line.sections.deleted()):
        begun = line.clock.now()
        await _clear(line, id, pace, cleared)
        if not pace.is_over and begun > deleted_at + LATE_AT_MOST:
            with acting(ACTOR):
                await line.sections.forget(id)
            cleared.sections += 1
    return cleared


async def _clear(line: Line, id: str, pace: Pace, cleared: Cleared) -> None:
    # The rows that name a body last: a body without a row would be found all the same, but nobody would see it.
    async for names in pace.chunks(line.belongings.bodies(id), _AT_ONCE):
        await asyncio.gather(*(line.belongings.delete_body(name) for name in names))
        cleared.bodies += len(names)
    reached("clear.bodies-deleted")
    async for batches in pace.chunks(line.belongings.rows(id), _AT_ONCE):
        await asyncio.gather(*(line.belongings.delete(batch) for batch in batches))
        cleared.rows += sum(len(rows) for _, rows in batches)
        reached("clear.rows-deleted")
