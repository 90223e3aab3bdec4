"""Hand off: put references to stored work on the bus. What cannot be sent now is left to the sweeper."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil

from shared import logs
from shared.errors import Later, Unavailable
from shared.gather import Gather
from shared.ids import Commit
from shared.killpoints import reached
from shared.messages import CommitMessage, DeliveryMessage
from shared.ports import Clock, Queue
from shared.stores.due import Due
from shared.stores.outbox import MARKED_AT_ONCE, Outbox

MAX_EVENTS_A_MESSAGE = 20
"""Deliveries in one message: they must all end within a message lock that is renewed for five minutes."""
LONGEST_ON_THE_BUS = timedelta(minutes=15)
"""A later retry waits in the `due` table: it can be seen there, and a lost bus does not lose it."""
MAX_MARKS = 10_000
"""Marks that wait; beyond that a commit is only sent once more."""
AGAIN_AFTER = timedelta(seconds=20)
"""A message that met an outage comes back after this, or up to twice this."""
LATER_STILL = timedelta(seconds=1)
"""One that is told when comes up to so much later."""
FIRST_PUT_OFF = timedelta(seconds=20)
"""When a message that found no place in the slow lane comes again at the latest; then after twice as long, up to this:"""
PUT_OFF_AT_MOST = timedelta(minutes=5)


class HandOff:
    """Sends commits to be processed and deliveries to be forwarded."""

    def __init__(
        self,
        queue: Queue,
        outbox: Outbox,
        due: Due,
        clock: Clock,
        queues: tuple[str, str, str],
        mark_pause: float = 0,
    ) -> None:
        self.events_queue, self.deliveries_queue, self.slow_queue = queues
        self._queue, self._outbox, self._due, self._clock = queue, outbox, due, clock
        self._under_way: dict[Commit, asyncio.Task[None]] = {}
        self._marks = Gather(
            self._mark, most=MARKED_AT_ONCE, most_waiting=MAX_MARKS, pause_seconds=mark_pause
        )
        self._marking: set[asyncio.Task[None]] = set()

    async def commits(self, section: str, commits: Sequence[Commit], *, anew: bool = False) -> bool:
        """Hand stored commits to `process`; answers whether they are known to be on the bus.

        Callers of one commit share one message, unless it has to go `anew` because the one before has been used up.
        That one cannot be sent is no error: it is stored, and the sweeper sends what is unsent.
        """
        for commit in commits if anew else ():
            self._under_way.pop(commit, None)
        told = await asyncio.gather(*(self._once(section, one) for one in commits), return_exceptions=True)
        failed = [one for one in told if isinstance(one, BaseException)]
        for error in failed:
            if not isinstance(error, Exception):
                raise error
        if failed:
            kinds = ", ".join(sorted({logs.name_of(error) for error in failed}))
            logs.warn("hand_off", "left to the sweeper", section=section, commits=len(failed), error=kinds)
        return not failed

    async def catch_up(self, section: str, commits: Sequence[Commit]) -> bool:
        """Hand off what was left behind, all in one call; what others have under way is left to them.

        Answers whether it is known to be on the bus and marked as sent: if not, there is no use in going on.
        """
        left = [one for one in commits if one not in self._under_way]
        going = asyncio.create_task(self._send_and_mark(section, left))
        self._under_way.update(dict.fromkeys(left, going))
        going.add_done_callback(lambda _: self._caught_up(left))
        try:
            await asyncio.shield(going)
        except Unavailable:
            logs.warn("hand_off", "left to the next sweep", section=section, commits=len(left))
            return False
        except Exception as error:  # noqa: BLE001  (whatever broke, the others go on)
            logs.fail(
                "hand_off",
                "each goes by itself",
                section=section,
                commits=len(left),
                error=logs.told_of(error),
            )
            return await self.commits(section, left)
        return True

    async def waited(self, queue: str) -> timedelta:
        """How long the oldest message of a queue has waited; of deliveries that of either lane. Raises Unavailable."""
        queues = (queue, self.slow_queue) if queue == self.deliveries_queue else (queue,)
        return max(await asyncio.gather(*(self._queue.waited(one) for one in queues)))

    async def idle(self) -> None:
        """Wait until what was sent is marked as sent: nobody needs to, but a test or an orderly end."""
        while self._marking:
            await asyncio.wait(self._marking)

    async def _once(self, section: str, commit: Commit) -> None:
        """A commit is under way until it is marked: whoever asks meanwhile shares its one message."""
        sending = self._under_way.get(commit)
        if sending is None:
            sending = self._under_way[commit] = asyncio.create_task(self._send(commit, section))
            sending.add_done_callback(partial(self._sent, section, commit))
        await asyncio.shield(sending)

    def _caught_up(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            del self._under_way[commit]

    async def _send_and_mark(self, section: str, commits: Sequence[Commit]) -> None:
        await self._queue.send(self.events_queue, [CommitMessage(section, one).write() for one in commits])
        reached("hand_off.caught-up")
        await asyncio.gather(*(self._marks.add((section, one.bucket), one) for one in commits))

    async def _send(self, commit: Commit, section: str) -> None:
        reached("hand_off.sending")
        await self._queue.send(self.events_queue, [CommitMessage(section, commit).write()])
        reached("hand_off.sent")

    def _sent(self, section: str, commit: Commit, sending: "asyncio.Task[None]") -> None:
        if sending.cancelled() or sending.exception() is not None:
            self._under_way.pop(commit, None)
            return
        # The sender need not wait for the mark: without it the commit is only sent once more.
        mark = asyncio.create_task(self._marks.add((section, commit.bucket), commit))
        self._marking.add(mark)
        mark.add_done_callback(partial(self._marked, commit))

    def _marked(self, commit: Commit, mark: "asyncio.Task[None]") -> None:
        self._marking.discard(mark)
        self._under_way.pop(commit, None)
        if not mark.cancelled() and (error := mark.exception()) is not None:
            logs.warn("hand_off", "not marked as sent", commit=commit.id, error=logs.name_of(error))

    async def _mark(self, place: tuple[str, int], commits: Sequence[Commit]) -> Sequence[None]:
        await self._outbox.sent(place[0], commits, self._clock.now())
        reached("hand_off.marked")
        return [None] * len(commits)

    async def deliveries(
        self, section: str, route: str, events: Sequence[str], *, whole: bool = False
    ) -> None:
        """Hand deliveries of one route to `deliver`, now. Raises Unavailable.

        `whole`: they are of one commit, and nothing else of it has to be delivered.
        """
        chunks = [events[n : n + MAX_EVENTS_A_MESSAGE] for n in range(0, len(events), MAX_EVENTS_A_MESSAGE)]
        whole = whole and len(chunks) == 1
        bodies = [DeliveryMessage(section, route, tuple(chunk), whole).write() for chunk in chunks]
        if bodies:
            await self._queue.send(self.deliveries_queue, bodies)
            reached("hand_off.deliveries-sent")

    async def later(self, queue: str, section: str, route: str, stopped: Mapping[str, Unavailable]) -> None:
        """Put deliveries back that could not be tried: those that wait about as long in one message.

        Raises Unavailable.
        """
        together: dict[int, list[str]] = {}
        for event, why in stopped.items():
            together.setdefault(ceil(_wait_of(why)), []).append(event)
        for events in together.values():
            body = DeliveryMessage(section, route, tuple(events)).write()
            await self.again(queue, body, *(stopped[event] for event in events))

    async def again(self, queue: str, body: str, *why: Unavailable) -> None:
        """Put a message back for when all that stopped it may have passed, a quarter of an hour at most.

        Raises Unavailable.
        """
        wait = min(max([_wait(one) for one in why], default=_wait(None)), LONGEST_ON_THE_BUS)
        await self._queue.send(queue, [body], at=self._clock.now() + wait)
        reached("hand_off.put-back")

    async def put_off(self, message: DeliveryMessage, *, slow: bool) -> None:
        """Send a message on by the slow lane; one that comes from there later, at growing distances. Raises Unavailable."""
        distance = min(FIRST_PUT_OFF * 2 ** min(message.waits, 10), PUT_OFF_AT_MOST)
        at = self._clock.now() + distance * random.uniform(0.5, 1) if slow else None  # noqa: S311
        body = replace(message, waits=message.waits + slow).write()
        await self._queue.send(self.slow_queue, [body], at=at)
        reached("hand_off.slowed")

    async def delivery_at(self, section: str, route: str, event: str, at: datetime) -> None:
        """Hand one delivery to `deliver` again at a time. Raises Unavailable."""
        if at - self._clock.now() > LONGEST_ON_THE_BUS:
            await self._due.add(section, route, event, at)
            reached("hand_off.due-listed")
        else:
            message = DeliveryMessage(section, route, (event,)).write()
            await self._queue.send(self.deliveries_queue, [message], at=at)
            reached("hand_off.scheduled")


def _wait_of(why: Unavailable | None) -> float:
    """The seconds that a message stays away at least."""
    return why.seconds if isinstance(why, Later) else AGAIN_AFTER.total_seconds()


def _wait(why: Unavailable | None) -> timedelta:
    """The same with something random, so that what left together does not come back so."""
    spread = LATER_STILL if isinstance(why, Later) else AGAIN_AFTER
    return timedelta(seconds=_wait_of(why)) + spread * random.random()  # noqa: S311
