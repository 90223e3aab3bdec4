"""Send: claim a delivery, make its request, and say what the answer means; several in one request where their kind can.

While a request to one recipient is under way, other deliveries to it wait, and those that have gathered go in the next. So a
recipient has one request at a time from an instance.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from shared import times
from shared.access.sections import Section
from shared.destinations import outcomes
from shared.destinations.excerpt import excerpt
from shared.destinations.outcomes import Cause, Outcome
from shared.errors import Later
from shared.gather import Gather
from shared.killpoints import reached
from shared.metrics import DELIVERY_DURATION, THROTTLED
from shared.ports import Answer, Clock, Http, Meter, NoAnswer, Outgoing
from shared.stages.breakers import Breakers, Place
from shared.stages.build import Unfit, attempt, fingerprint, fitting, joined
from shared.stages.gate import Gate, Sending
from shared.stages.rates import Rates
from shared.stages.slots import Slots
from shared.stores.receipts import Receipts
from shared.stores.trail import Attempt, Delivery, Status

CLAIM_MARGIN = timedelta(seconds=15)
"""Added to the attempt's timeout: writing the outcome fits in it."""
TOGETHER = 50
"""Deliveries in one request."""
PATIENCE_SECONDS = 5.0
"""How long a delivery waits for another's request: what was asked before, of consent too, does not hold for long."""
REFUSED_TOGETHER = "It was refused together with others, one of which may be the reason. It is sent alone."

T = TypeVar("T")
Recipient = tuple[Slots, Place, str]
"""Whose slots are taken, a destination, and the URL that its requests go to."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery that nothing stops, as was found `at` that reading of the steady clock; its request where it is joined."""

    section: Section
    delivery: Delivery
    sending: Sending
    at: float
    request: Outgoing | None = None

    @property
    def place(self) -> Place:
        return self.section.id, self.delivery.destination


@dataclass(frozen=True, slots=True)
class Sent:
    """A claimed delivery after its attempt, and what it comes to; `reason` where that is more than its cause."""

    delivery: Delivery
    outcome: Outcome
    reason: str | None = None


@dataclass(slots=True)
class Sender:
    """Makes attempts. Deliveries that can be joined gather for `join_pause` seconds before each request."""

    receipts: Receipts
    gate: Gate
    http: Http
    breakers: Breakers
    rates: Rates
    meter: Meter
    clock: Clock
    join_pause: float = 0
    _recipients: "Gather[Recipient, Ready, Sent | Exception]" = field(init=False)

    def __post_init__(self) -> None:
        self._recipients = Gather(self._together, most=TOGETHER, pause_seconds=self.join_pause)

    async def send(self, section: Section, delivery: Delivery, sending: Sending, slots: Slots) -> Sent:
        """Make an attempt. Raises RowChanged when another has the delivery; Unavailable, and Later: nothing was begun."""
        ready = Ready(section, delivery, sending, self.clock.seconds())
        if sending.plugin.join is None:
            return await self._one(ready, slots)
        request = attempt(replace(delivery, attempt=delivery.attempt + 1), sending, self.clock.now())
        if isinstance(request, Unfit):
            return await self._one(ready, slots)
        to = (slots, ready.place, request.url)
        sent = await self._recipients.add(to, replace(ready, request=request))
        if isinstance(sent, Exception):
            raise sent
        return sent

    async def _one(self, ready: Ready, slots: Slots) -> Sent:
        async with slots.one(*ready.place):
            self._take(ready)
            return await self._alone(ready)

    async def _alone(self, ready: Ready) -> Sent:
        claimed = await self._claim(ready)
        reached("forward.claimed")
        # What depends on the time is made for the attempt's own, so that it can be made again.
        request = attempt(claimed, ready.sending, times.parse(claimed.attempts[-1].at))
        if isinstance(request, Unfit):
            return Sent(claimed, Outcome("dead", request.cause), request.reason)
        return _sent(claimed, ready, request, *await self._exchange(ready, request))

    async def _together(self, to: Recipient, waiting: Sequence[Ready]) -> Sequence[Sent | Exception]:
        """In as few requests as they fit into, one after the other; a result for each, in order."""
        if self.clock.seconds() - waiting[0].at > PATIENCE_SECONDS:
            raise Later("Another request to this recipient takes long.", seconds=1)
        done: list[Sent | Exception] = []
        for size in fitting(waiting[0].sending.plugin, [one.request for one in waiting if one.request]):
            group = waiting[len(done) : len(done) + size]
            try:
                async with to[0].one(*group[0].place):
                    self._take(group[0])
                    done += await self._group(group)
            except Exception as error:  # noqa: BLE001  (what others have had is told to them)
                done += [error] * size
        return done

    async def _group(self, group: Sequence[Ready]) -> Sequence[Sent | Exception]:
        """Each is claimed for itself: one that another has is left out."""
        if len(group) == 1:
            return await _each(self._alone(group[0]))
        claims = await _each(*(self._claim(one) for one in group))
        reached("forward.claimed")
        mine = [(one, claim) for one, claim in zip(group, claims, strict=True) if isinstance(claim, Delivery)]
        sent = iter(await self._in_one(mine) if mine else ())
        return [next(sent) if isinstance(claim, Delivery) else claim for claim in claims]

    async def _in_one(self, claimed: Sequence[tuple[Ready, Delivery]]) -> Sequence[Sent | Exception]:
        first = claimed[0][0]
        request = joined(first.sending.plugin, [one.request for one, _ in claimed if one.request])
        if request is None:
            return await self._one_by_one(claimed)
        answer, outcome, took = await self._exchange(first, request)
        done = [
            (one, _sent(claim, one, one.request or request, answer, outcome, took)) for one, claim in claimed
        ]
        if len(done) > 1 and outcome.cause is Cause.REJECTED:
            return await self._one_by_one([(one, sent.delivery) for one, sent in done])
        return [sent for _, sent in done]

    async def _one_by_one(self, claimed: Sequence[tuple[Ready, Delivery]]) -> Sequence[Sent | Exception]:
        """That one of them is wrong says nothing of the others: it counts as no attempt, and each goes alone.

        What that costs of the destination's rate is taken whether it is there or not: they must not meet again.
        """
        put_back = (self.receipts.save(one.section.id, self._put_back(claim)) for one, claim in claimed)
        done: list[Sent | Exception] = []
        for (one, _), delivery in zip(claimed, await _each(*put_back), strict=True):
            if isinstance(delivery, Exception):
                done.append(delivery)
                continue
            self.rates.owe(one.section.id, one.sending.counted_as, one.sending.per_minute)
            done += await _each(self._alone(replace(one, delivery=delivery)))
        return done

    def _put_back(self, claimed: Delivery) -> Delivery:
        last = replace(claimed.attempts[-1], outcome="retry", reason=REFUSED_TOGETHER)
        return replace(
            claimed,
            status=Status.RETRYING,
            attempt=claimed.attempt - 1,
            due_at=self.clock.now(),
            claim_until=None,
            attempts=(*claimed.attempts[:-1], last),
        )

    def _take(self, ready: Ready) -> None:
        sending = ready.sending
        if sending.per_minute is not None:
            self.rates.take(ready.section.id, sending.route.id, sending.counted_as, sending.per_minute)

    async def _claim(self, ready: Ready) -> Delivery:
        now, delivery = self.clock.now(), ready.delivery
        number = delivery.attempts[-1].number + 1 if delivery.attempts else 1
        claimed = replace(
            delivery,
            status=Status.SENDING,
            attempt=delivery.attempt + 1,
            claim_until=now + timedelta(seconds=ready.sending.target.settings.timeout_seconds) + CLAIM_MARGIN,
            closed_since=None,
            attempts=(*delivery.attempts, Attempt(number, times.text(now))),
        )
        return await self.receipts.save(ready.section.id, claimed)

    async def _exchange(self, ready: Ready, request: Outgoing) -> tuple[Answer | NoAnswer, Outcome, int]:
        """What came back, what that means, and how many milliseconds it took."""
        sending, begun = ready.sending, self.clock.seconds()
        with self.breakers.attempt(ready.place):
            answer = await self.http.send(
                request, timeout_seconds=float(sending.target.settings.timeout_seconds)
            )
        took = round((self.clock.seconds() - begun) * 1000)
        reached("forward.sent")
        self.meter.record(DELIVERY_DURATION, took / 1000, kind=sending.target.kind)
        self.gate.heard(ready.section, sending, answer)
        outcome = outcomes.judge(
            answer, resends=sending.resends, final=sending.plugin.answers, now=self.clock.now()
        )
        if outcome.cause is Cause.THROTTLED:
            self.meter.count(THROTTLED, by="destination")
        self.breakers.heard(ready.place, outcome)
        return answer, outcome, took


def _sent(
    claimed: Delivery,
    ready: Ready,
    request: Outgoing,
    answer: Answer | NoAnswer,
    outcome: Outcome,
    took: int,
) -> Sent:
    """With what was sent and what came back in the attempt that is under way."""
    sending, sent = ready.sending, fingerprint(ready.section.hash_key, request)
    hidden = [*sending.target.secrets.values(), *([sending.token] if sending.token else [])]
    said = None if outcome.state == "delivered" else excerpt(answer, hidden)
    code = getattr(answer, "status", None)
    last = replace(claimed.attempts[-1], status_code=code, answer=said, request=sent)
    return Sent(replace(claimed, took=took, attempts=(*claimed.attempts[:-1], last)), outcome)


async def _each(*work: Coroutine[Any, Any, T]) -> list[T | Exception]:
    """What each came to, or what it raised."""
    done: list[T | Exception] = []
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
        done.append(result)
    return done
