"""Forward: claim one delivery, send it, and write what came of it.

The claim is written before the send and the outcome after it, so at any moment storage says either that nobody has
sent, or that somebody may have. An attempt whose claim ran out without an outcome is the unknown one.
"""

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared import destinations, documents, mapping, times
from shared.access.sections import Section
from shared.destinations import Destination, Parcel, outcomes
from shared.destinations.outcomes import SCHEDULE, Cause, Outcome
from shared.errors import SignalboxError
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
_TRIES = 3


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
            if delivery is None or self._rests(delivery):
                return
            if delivery.claim_until and delivery.claim_until > self.clock.now():
                await self.hand_off.forward_at(section.id, route, event, delivery.claim_until)
                return
            try:
                await self._take(section, delivery)
            except RowChanged:
                continue
            return

    def _rests(self, delivery: Delivery) -> bool:
        if delivery.status in (Status.PENDING, Status.SENDING):
            return False
        # A retry that is not due has a message of its own on the way.
        due = delivery.status is Status.RETRYING and delivery.due_at is not None
        return not (due and delivery.due_at and delivery.due_at - EARLY <= self.clock.now())

    async def _take(self, section: Section, delivery: Delivery) -> None:
        """Look at everything that can stop the delivery, then send it. Raises RowChanged when another has it."""
        stored = await self.ledger.event(section.id, delivery.event_id)
        route = await self.routes.find(section.id, delivery.route)
        target = await self.destinations.open(section.id, delivery.destination)
        if stored is None or route is None or target is None:
            await self._end(section, delivery, Outcome("dead", Cause.NO_DESTINATION))
            return
        if target.status == "paused":
            await self.due.park(section.id, target.id, delivery.route, delivery.event_id)
            await self.receipts.save(section.id, replace(delivery, status=Status.PARKED, claim_until=None))
            return
        if await self.consents.refused(section, stored.event.person, [delivery.purpose]):
            await self.receipts.save(
                section.id, replace(delivery, status=Status.REFUSED, cause="opted_out", claim_until=None)
            )
            return
        sending = Sending(delivery, stored, route, target, destinations.load(target.kind))
        if delivery.status is Status.SENDING and not sending.plugin.DEDUPLICATES:
            await self._end(section, delivery, Outcome("held", Cause.OUTCOME_UNKNOWN))
            return
        await self._send(section, sending)

    async def _send(self, section: Section, sending: Sending) -> None:
        timeout = float(sending.target.settings.timeout_seconds)
        claimed = await self._claim(section, sending.delivery, timeout)
        try:
            request = self._build(replace(sending, delivery=claimed))
        except SignalboxError as error:
            await self._finish(section, claimed, Outcome("dead", Cause.MAPPING), reason=error.detail)
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
        # Marked before it is scheduled: a message that comes first would find a live claim and wait for it.
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
