"""Hand off: put references to stored work on the bus. What cannot be sent now is left to the sweeper."""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Unavailable
from shared.ids import Commit
from shared.messages import CommitMessage, DeliveryMessage
from shared.ports import Clock, Queue
from shared.stores.due import Due
from shared.stores.outbox import Outbox

MAX_EVENTS_A_MESSAGE = 20
"""Deliveries in one message: they must all end within a message lock that is renewed for five minutes."""
LONGEST_ON_THE_BUS = timedelta(minutes=15)
"""A later retry waits in the `due` table: it can be seen there, and a lost bus does not lose it."""
AGAIN_AFTER = timedelta(seconds=20)
"""A message that met an outage comes back after this, or up to twice this."""
_log = logging.getLogger("signalbox.hand_off")


@dataclass(frozen=True, slots=True)
class HandOff:
    """Sends commits to be processed and deliveries to be forwarded."""

    queue: Queue
    outbox: Outbox
    due: Due
    clock: Clock
    events: str
    deliveries: str

    async def commits(self, section: str, commits: Sequence[Commit]) -> bool:
        """Hand stored commits to `process`; answers whether that is known to have worked.

        A bus that is away is no error: the sweeper sends what is not marked.
        """
        if not commits:
            return True
        try:
            await self.queue.send(self.events, [CommitMessage(section, commit).write() for commit in commits])
            now = self.clock.now()
            await asyncio.gather(*(self.outbox.sent(section, commit, now) for commit in commits))
        except Unavailable as error:
            _log.warning("left to the sweeper: %d commits of %s (%s)", len(commits), section, error.detail)
            return False
        return True

    async def forward(self, section: str, route: str, events: Sequence[str]) -> None:
        """Hand deliveries of one route to `deliver`, now. Raises Unavailable."""
        chunks = [events[n : n + MAX_EVENTS_A_MESSAGE] for n in range(0, len(events), MAX_EVENTS_A_MESSAGE)]
        bodies = [DeliveryMessage(section, route, tuple(chunk)).write() for chunk in chunks]
        if bodies:
            await self.queue.send(self.deliveries, bodies)

    async def again(self, queue: str, body: str) -> None:
        """Put a message back for later, when what it needs may be there again. Raises Unavailable."""
        wait = AGAIN_AFTER * (1 + random.random())  # noqa: S311  (spreads what comes back)
        await self.queue.send(queue, [body], at=self.clock.now() + wait)

    async def forward_at(self, section: str, route: str, event: str, at: datetime) -> None:
        """Hand one delivery to `deliver` again at a time. Raises Unavailable."""
        if at - self.clock.now() > LONGEST_ON_THE_BUS:
            await self.due.add(section, route, event, at)
        else:
            message = DeliveryMessage(section, route, (event,)).write()
            await self.queue.send(self.deliveries, [message], at=at)
