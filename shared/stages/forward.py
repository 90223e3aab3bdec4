"""Forward: claim one delivery, send it, and write what came of it.

The claim is written before the send and the outcome after it, so at any moment storage says either that nobody has
sent, or that somebody may have. An attempt whose claim ran out without an outcome is the unknown one.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.access.sections import Section
from shared.destinations import outcomes
from shared.destinations.outcomes import Cause, Outcome
from shared.errors import Unavailable
from shared.killpoints import reached
from shared.ports import Clock, RowChanged
from shared.stages.account import Account
from shared.stages.conclude import Conclude
from shared.stages.gate import Gate, Sending
from shared.stages.hand_off import HandOff
from shared.stages.send import Sender
from shared.stages.slots import Slots
from shared.stores.dead_letters import DeadLetters
from shared.stores.due import Due
from shared.stores.reasons import Reason
from shared.stores.receipts import Receipts
from shared.stores.trail import Delivery, Status, Trail

EARLY = timedelta(seconds=1)
"""A message may come this much before its delivery is due: clocks differ."""
FIRST_REOPENING = timedelta(seconds=30)
"""When a destination that could not be opened is tried again first; then as long as it has lasted, to this at most:"""
REOPENING_AT_MOST = timedelta(hours=1)
CLOSED_AT_MOST = timedelta(days=1)
"""After this the delivery is a dead letter."""
ENDED = frozenset({Status.DELIVERED, Status.REFUSED, Status.HELD, Status.DEAD})
"""What no message takes up again. A parked one is taken up: what it waits for may have been resumed meanwhile."""
_TRIES = 3
_UNKNOWN = Outcome("held", Cause.OUTCOME_UNKNOWN)
_RESTING = Outcome("retry", Cause.RESTING)


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Takes one delivery one step further."""

    gate: Gate
    receipts: Receipts
    dead_letters: DeadLetters
    due: Due
    hand_off: HandOff
    sender: Sender
    conclude: Conclude
    account: Account
    clock: Clock

    async def forward(self, section: Section, route: str, event: str, slots: Slots) -> bool:
        """Send a delivery unless it has ended, is not due yet, or is in other hands; answers whether it has ended.

        Raises Unavailable, and Later where nothing was begun because the destination is sent enough just now.
        """
        self.sender.rates.check(section.id, route)
        for _ in range(_TRIES):
            trail = await self.receipts.trail(section.id, event)
            delivery = trail.delivery(route)
            if delivery is None or delivery.status in ENDED:
                return True
            if later := self._later(delivery):
                # This message goes on as a new one, for the one of whoever was at it may never have been sent.
                await self.hand_off.delivery_at(section.id, route, event, later)
                reached("forward.put-off")
                return False
            try:
                return (await self._take(section, trail, delivery, slots)).status in ENDED
            except RowChanged:
                continue
        raise Unavailable("Others are at this delivery right now.")

    def _later(self, delivery: Delivery) -> datetime | None:
        """When it can be taken up, if not now: once another's claim has ended, or a retry is due."""
        now = self.clock.now()
        if delivery.claim_until and delivery.claim_until > now:
            return delivery.claim_until
        waits = delivery.status is Status.RETRYING and delivery.due_at and delivery.due_at - EARLY > now
        return delivery.due_at if waits else None

    async def _take(self, section: Section, trail: Trail, delivery: Delivery, slots: Slots) -> Delivery:
        """Take the delivery a step further, and account for it. Raises RowChanged when another has it."""
        began = time.time_ns()
        known = await self.gate.read(section, delivery)
        going = known if isinstance(known, Outcome) else self.gate.stops(delivery, known) or known
        if isinstance(going, Outcome):
            taken = await self._stop(section, delivery, going)
        else:
            taken = await self._send(section, trail, delivery, going, slots)
        self.account.of_delivery(taken, known, began, paused=section.paused)
        return taken

    async def _send(
        self, section: Section, trail: Trail, delivery: Delivery, sending: Sending, slots: Slots
    ) -> Delivery:
        """Look at everything else that can stop the delivery, then send it."""
        if section.paused or sending.target.status != "active":
            return await self._park(section, delivery)
        if await self.gate.refuses(section, trail, delivery, sending, self.clock.now()):
            refused = replace(delivery, status=Status.REFUSED, cause="opted_out", claim_until=None)
            return await self.receipts.save(section.id, refused)
        if self.sender.breakers.wait((section.id, delivery.destination)):
            return await self._reopen(section, delivery, _RESTING)
        furnished = await self.gate.furnish(section, delivery, sending)
        if isinstance(furnished, Outcome):
            return await self._reopen(section, delivery, furnished)
        sent = await self.sender.send(section, delivery, furnished, slots)
        schedule = sending.target.settings.schedule
        return await self._finish(section, sent.delivery, sent.outcome, reason=sent.reason, schedule=schedule)

    async def _stop(self, section: Section, delivery: Delivery, closed: Outcome) -> Delivery:
        if closed.state == "retry":
            return await self._reopen(section, delivery, closed)
        return await self._end(section, delivery, closed)

    async def _reopen(self, section: Section, delivery: Delivery, closed: Outcome) -> Delivery:
        """The destination cannot be opened: try that again at growing distances, which counts as no attempt."""
        now, begun = self.clock.now(), delivery.status is Status.SENDING
        # It may have waited for something else before.
        cause = closed.cause.value if closed.cause else None
        since = (delivery.closed_since if delivery.cause == cause else None) or now
        if now - since >= CLOSED_AT_MOST and closed is not _RESTING:
            return await self._end(section, delivery, _UNKNOWN if begun else Outcome("dead", closed.cause))
        distance = min(max(now - since, FIRST_REOPENING), REOPENING_AT_MOST)
        at = now + distance * random.uniform(1, 1 + outcomes.JITTER)  # noqa: S311
        waiting = replace(delivery, closed_since=since, cause=cause)
        # An attempt without an end stays one: whether it may be repeated is for the destination to say.
        waits = {"claim_until": at} if begun else {"status": Status.RETRYING, "due_at": at}
        waiting = await self.receipts.save(section.id, replace(waiting, **waits))
        reached("forward.closed")
        await self.hand_off.delivery_at(section.id, delivery.route, delivery.event_id, at)
        return waiting

    async def _park(self, section: Section, delivery: Delivery) -> Delivery:
        """Listed first: what a resume meanwhile takes off the list, it hands off again."""
        await self.due.park(section.id, delivery.destination, delivery.route, delivery.event_id)
        reached("forward.parking")
        parked = replace(delivery, status=Status.PARKED, cause=None, claim_until=None, closed_since=None)
        return await self.receipts.save(section.id, parked)

    async def _finish(
        self,
        section: Section,
        delivery: Delivery,
        outcome: Outcome,
        *,
        reason: str | None = None,
        schedule: Sequence[timedelta] = (),
    ) -> Delivery:
        """Write the attempt's end into the delivery, then do what the outcome asks for."""
        cause = outcome.cause.value if outcome.cause else None
        last = replace(
            delivery.attempts[-1],
            outcome=outcome.state,
            reason=reason or (outcome.cause.sentence if outcome.cause else None),
        )
        ended = replace(delivery, attempts=(*delivery.attempts[:-1], last), claim_until=None, cause=cause)
        if outcome.state == "retry":
            return await self._retry(section, ended, outcome, schedule)
        return await self._end(section, ended, outcome)

    async def _retry(
        self, section: Section, delivery: Delivery, outcome: Outcome, schedule: Sequence[timedelta]
    ) -> Delivery:
        at = outcomes.next_attempt(
            delivery.attempt,
            schedule,
            self.clock.now(),
            outcome.retry_after,
            random.random(),  # noqa: S311
        )
        if at is None:
            return await self._end(section, delivery, Outcome("dead", Cause.EXHAUSTED))
        waiting = replace(delivery, status=Status.RETRYING, due_at=at)
        # Marked before it is scheduled: a message that came first would find a live claim and wait for it.
        waiting = await self.receipts.save(section.id, waiting)
        reached("forward.retrying")
        await self.hand_off.delivery_at(section.id, delivery.route, delivery.event_id, at)
        await self.conclude.attempted(section.id, waiting)
        return waiting

    async def _end(self, section: Section, delivery: Delivery, outcome: Outcome) -> Delivery:
        if await self.conclude.is_unsubscribed(section.id, delivery, outcome.cause):
            late = replace(delivery, status=Status.REFUSED, cause=Reason.UNSUBSCRIBED.value)
            return await self.receipts.save(section.id, replace(late, claim_until=None, due_at=None))
        if outcome.state == "delivered":
            done = replace(delivery, status=Status.DELIVERED, cause=None, done_at=self.clock.now())
            ended = replace(done, claim_until=None, due_at=None)
        else:
            assert outcome.cause is not None  # noqa: S101
            status = Status.HELD if outcome.state == "held" else Status.DEAD
            await self.dead_letters.add(section.id, delivery, outcome.cause, status)
            reached("forward.listed")
            await self.conclude.fails(section.id, delivery)
            ended = replace(delivery, status=status, cause=outcome.cause.value, claim_until=None, due_at=None)
        ended = await self.receipts.save(section.id, ended)
        reached("forward.ended")
        await self.conclude.attempted(section.id, ended)
        return ended
