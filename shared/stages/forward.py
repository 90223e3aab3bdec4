"""Forward: claim one delivery, send it, and write what came of it.

The claim is written before the send and the outcome after it, so at any moment storage says either that nobody has
sent, or that somebody may have. An attempt whose claim ran out without an outcome is the unknown one.
"""

import logging
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared import destinations, documents, mapping, times
from shared.access.sections import Section
from shared.destinations import Destination, Parcel, outcomes
from shared.destinations.outcomes import SCHEDULE, Cause, Outcome
from shared.errors import SignalboxError, Unavailable
from shared.event import Stored
from shared.ledger import Ledger
from shared.operations.dead_letters import DeadLetters
from shared.operations.due import Due
from shared.operations.receipts import Attempt, Delivery, Receipts, Status
from shared.people.consents import Consents
from shared.ports import Clock, Http, Outgoing, RowChanged
from shared.routing.destinations import Destinations, Target
from shared.routing.routes import Route, Routes
from shared.stages.hand_off import HandOff

CLAIM_MARGIN = timedelta(seconds=15)
"""Added to the attempt's timeout: writing the outcome fits in it."""
EARLY = timedelta(seconds=5)
"""A message may come this much before its delivery is due: clocks differ."""
ENDED = frozenset({Status.DELIVERED, Status.REFUSED, Status.HELD, Status.DEAD})
"""What no message takes up again. A parked one is taken up: its destination may have been resumed meanwhile."""
_TRIES = 3
_log = logging.getLogger("signalbox.forward")


@dataclass(frozen=True, slots=True)
class Sending:
    """What one attempt needs."""

    delivery: Delivery
    stored: Stored
    route: Route
    target: Target
    plugin: Destination[Any]


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Takes one delivery one step further."""

    receipts: Receipts
    ledger: Ledger
    routes: Routes
    destinations: Destinations
    consents: Consents
    dead_letters: DeadLetters
    due: Due
    hand_off: HandOff
    http: Http
    clock: Clock

    async def forward(self, section: Section, route: str, event: str) -> None:
        """Send a delivery unless it has ended, is not due yet, or is in other hands. Raises Unavailable."""
        for _ in range(_TRIES):
            delivery = await self.receipts.delivery(section.id, event, route)
            if delivery is None or delivery.status in ENDED:
                return
            if later := self._later(delivery):
                # This message goes on as a new one, for the one of whoever was at it may never have been sent.
                await self.hand_off.forward_at(section.id, route, event, later)
                return
            try:
                await self._take(section, delivery)
            except RowChanged:
                continue
            return
        raise Unavailable("Others are at this delivery right now.")

    def _later(self, delivery: Delivery) -> datetime | None:
        """When it can be taken up, if not now: once another's claim has ended, or a retry is due."""
        now = self.clock.now()
        if delivery.claim_until and delivery.claim_until > now:
            return delivery.claim_until
        waits = delivery.status is Status.RETRYING and delivery.due_at and delivery.due_at - EARLY > now
        return delivery.due_at if waits else None

    async def _take(self, section: Section, delivery: Delivery) -> None:
        """Look at everything that can stop the delivery, then send it. Raises RowChanged when another has it."""
        sending = await self._open(section, delivery)
        stopped = sending if isinstance(sending, Outcome) else _unknown(sending)
        if stopped:
            await self._end(section, delivery, stopped)
            return
        assert isinstance(sending, Sending)  # noqa: S101
        if sending.target.status == "paused":
            await self._park(section, delivery)
        elif await self.consents.refused(section, sending.stored.event.person, [delivery.purpose]):
            refused = replace(delivery, status=Status.REFUSED, cause="opted_out", claim_until=None)
            await self.receipts.save(section.id, refused)
        else:
            await self._send(section, sending)

    async def _open(self, section: Section, delivery: Delivery) -> Sending | Outcome:
        """Everything that an attempt needs. What is broken for good ends the delivery, not its neighbours."""
        try:
            stored = await self.ledger.event(section.id, delivery.event_id)
            route = await self.routes.find(section.id, delivery.route)
            target = await self.destinations.open(section.id, delivery.destination)
            if stored is None or route is None or target is None:
                return Outcome("dead", Cause.NO_DESTINATION)
            return Sending(delivery, stored, route, target, destinations.load(target.kind))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  (settings or a plug-in that a new version of this software broke)
            _log.error("%s cannot be opened: %s", delivery.destination, type(error).__name__)  # noqa: TRY400
            return Outcome("dead", Cause.MAPPING)

    async def _park(self, section: Section, delivery: Delivery) -> None:
        """Listed first: what a resume meanwhile takes off the list, it hands off again."""
        await self.due.park(section.id, delivery.destination, delivery.route, delivery.event_id)
        await self.receipts.save(section.id, replace(delivery, status=Status.PARKED, claim_until=None))

    async def _send(self, section: Section, sending: Sending) -> None:
        timeout = float(sending.target.settings.timeout_seconds)
        claimed = await self._claim(section, sending.delivery, timeout)
        try:
            request = self._build(replace(sending, delivery=claimed))
        except Exception as error:  # noqa: BLE001  (a plug-in that breaks is one delivery's end)
            reason = (
                error.detail if isinstance(error, SignalboxError) else f"It broke: {type(error).__name__}."
            )
            await self._finish(section, claimed, Outcome("dead", Cause.MAPPING), reason=reason)
            return
        answer = await self.http.send(request, timeout_seconds=timeout)
        outcome = outcomes.judge(
            answer,
            deduplicates=sending.plugin.DEDUPLICATES,
            final=sending.plugin.FINAL,
            now=self.clock.now(),
        )
        await self._finish(section, claimed, outcome, status_code=getattr(answer, "status", None))

    async def _claim(self, section: Section, delivery: Delivery, seconds: float) -> Delivery:
        now = self.clock.now()
        number = delivery.attempts[-1].number + 1 if delivery.attempts else 1
        claimed = replace(
            delivery,
            status=Status.SENDING,
            attempt=delivery.attempt + 1,
            claim_until=now + timedelta(seconds=seconds) + CLAIM_MARGIN,
            attempts=(*delivery.attempts, Attempt(number, times.text(now))),
        )
        return await self.receipts.save(section.id, claimed)

    def _build(self, sending: Sending) -> Outgoing:
        properties = sending.stored.event.properties
        if sending.route.mapping is not None:
            compiled = mapping.compile_mapping(sending.route.mapping)
            properties = mapping.apply(compiled, documents.envelope(sending.stored))
        parcel = Parcel(sending.delivery.id, sending.stored, properties, sending.delivery.attempt)
        request: Outgoing = sending.plugin.build(
            sending.target.settings, sending.target.secrets, parcel, self.clock.now()
        )
        return request

    async def _finish(
        self,
        section: Section,
        delivery: Delivery,
        outcome: Outcome,
        *,
        status_code: int | None = None,
        reason: str | None = None,
    ) -> None:
        """Write the attempt's end into the delivery, then do what the outcome asks for."""
        cause = outcome.cause.value if outcome.cause else None
        last = replace(
            delivery.attempts[-1],
            outcome=outcome.state,
            status_code=status_code,
            reason=reason or (outcome.cause.sentence if outcome.cause else None),
        )
        ended = replace(delivery, attempts=(*delivery.attempts[:-1], last), claim_until=None, cause=cause)
        if outcome.state == "retry":
            await self._retry(section, ended, outcome)
        else:
            await self._end(section, ended, outcome)

    async def _retry(self, section: Section, delivery: Delivery, outcome: Outcome) -> None:
        at = outcomes.next_attempt(
            delivery.attempt,
            SCHEDULE,
            self.clock.now(),
            outcome.retry_after,
            random.random(),  # noqa: S311
        )
        if at is None:
            await self._end(section, delivery, Outcome("dead", Cause.EXHAUSTED))
            return
        waiting = replace(delivery, status=Status.RETRYING, due_at=at)
        # Marked before it is scheduled: a message that came first would find a live claim and wait for it.
        await self.receipts.save(section.id, waiting)
        await self.hand_off.forward_at(section.id, delivery.route, delivery.event_id, at)

    async def _end(self, section: Section, delivery: Delivery, outcome: Outcome) -> None:
        if outcome.state == "delivered":
            ended = replace(delivery, status=Status.DELIVERED, cause=None, claim_until=None, due_at=None)
        else:
            assert outcome.cause is not None  # noqa: S101
            await self.dead_letters.add(section.id, delivery, outcome.cause)
            status = Status.HELD if outcome.state == "held" else Status.DEAD
            ended = replace(delivery, status=status, cause=outcome.cause.value, claim_until=None, due_at=None)
        await self.receipts.save(section.id, ended)


def _unknown(sending: Sending) -> Outcome | None:
    """An attempt that was begun and has no end: sent again where the receiver deduplicates, but not for ever."""
    if sending.delivery.status is not Status.SENDING:
        return None
    if not sending.plugin.DEDUPLICATES:
        return Outcome("held", Cause.OUTCOME_UNKNOWN)
    return Outcome("dead", Cause.EXHAUSTED) if sending.delivery.attempt >= len(SCHEDULE) else None
