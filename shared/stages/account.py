"""Account: what is measured, traced and told of events at the doors, of commits, and of deliveries."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shared import steps
from shared.destinations.outcomes import Outcome
from shared.errors import QuotaExceeded, SignalboxError, Unavailable
from shared.event import Event
from shared.logs import Value
from shared.metrics import DELIVERIES, EVENT_DURATION, EVENTS, NONE, THROTTLED
from shared.ports import Clock, Meter, Spans
from shared.stages.gate import Sending
from shared.stages.route import Decision
from shared.stages.verdict import Accepted, Verdict
from shared.steps import Step
from shared.stores.reasons import Reason
from shared.stores.trail import Delivery, Status, Trail

_OUTCOMES = {
    Status.PENDING: "retry",
    Status.SENDING: "retry",
    Status.RETRYING: "retry",
    Status.PARKED: "parked",
    Status.DELIVERED: "delivered",
    Status.REFUSED: "refused",
    Status.HELD: "held",
    Status.DEAD: "dead",
}
"""What a step of a delivery came to, by the state that it left it in."""


def of_verdicts(meter: Meter, door: str, told: Sequence[Verdict]) -> None:
    """Events that came by one request, each by its verdict."""
    found = Counter(map(_outcome, told))
    outcomes = Counter[str]()
    for (outcome, reason), count in found.items():
        meter.count(EVENTS, count, door=door, outcome=outcome, reason=reason)
        outcomes[outcome] += count
    steps.note(
        events=len(told),
        event=_the_only({one.event for one in told if isinstance(one, Accepted)}),
        outcome=_the_only(outcomes) or ("several" if outcomes else None),
        reason=next((why for _, why in found if why != NONE), None),
        **(outcomes if len(outcomes) > 1 else {}),
    )


def of_refusal(meter: Meter, door: str, error: SignalboxError) -> None:
    """A request that is refused as a whole; `door` is one of `metrics.DOORS` where it brings events, else empty."""
    outcome, reason = _outcome(error)
    steps.note(outcome=outcome, reason=reason)
    if door:
        meter.count(EVENTS, door=door, outcome=outcome, reason=reason)
    if isinstance(error, QuotaExceeded):
        meter.count(THROTTLED, by="quota")


def of_commit(
    meter: Meter, spans: Spans, step: Step, decisions: Sequence[Decision], trails: Mapping[str, Trail]
) -> None:
    """A commit that was processed: what came of it, and each of its events in its own trace, linked to the step.

    Of a delivery that is refused here nobody has asked what kind its destination is.
    """
    found = [(one.stored, trails[one.stored.id]) for one in decisions]
    new = [one for _, trail in found for one in trail.deliveries if one.etag is None]
    if refused := sum(one.status is Status.REFUSED for one in new):
        meter.count(DELIVERIES, refused, kind=NONE, outcome="refused", reason=Reason.OPTED_OUT.value)
        step.note(refused=refused)
    deliveries = sum(len(trail.deliveries) for _, trail in found)
    step.note(
        events=len(found),
        event=_the_only({stored.event.event for stored, _ in found}),
        deliveries=deliveries,
        outcome="routed" if deliveries else "nothing",
        reason=_why_nothing(found[0][1]) if len(found) == 1 else None,
    )
    for stored, trail in found:
        steps.belongs(stored.event.trace)
        if spans.wants(stored.event.trace):
            span = spans.start("process event", "internal", stored.event.trace, [step.trace], at=step.began)
            outcome = "routed" if trail.deliveries else "nothing"
            told = {"id": stored.id, "event": stored.event.event, "outcome": outcome}
            span.end({**told, "reason": _why_nothing(trail), "deliveries": len(trail.deliveries)})


@dataclass(frozen=True, slots=True)
class Account:
    """Accounts for what becomes of deliveries."""

    meter: Meter
    spans: Spans
    clock: Clock

    def of_delivery(
        self, delivery: Delivery, sending: Sending | Outcome, began: int, *, paused: bool
    ) -> None:
        """A delivery was taken one step further. `paused`: its section is."""
        event, kind = _known(sending)
        outcome, reason = _OUTCOMES[delivery.status], _reason(delivery, paused=paused)
        self.meter.count(DELIVERIES, kind=kind, outcome=outcome, reason=reason)
        if event and delivery.status is Status.DELIVERED:
            seconds = (self.clock.now() - event.received_at).total_seconds()
            self.meter.record(EVENT_DURATION, max(seconds, 0.0), kind=kind)
        steps.add(**{outcome: 1})
        if outcome in ("held", "dead"):
            steps.warn()
        steps.belongs(event.trace if event else None)
        steps.note(
            destination=delivery.destination, kind=kind, **({} if reason == NONE else {"reason": reason})
        )
        if event and self.spans.wants(event.trace):
            self._trace(delivery, event, began, {"kind": kind, "outcome": outcome, "reason": reason})

    def _trace(self, delivery: Delivery, event: Event, began: int, told: Mapping[str, Value]) -> None:
        batch = steps.place()
        last = delivery.attempts[-1] if delivery.attempts else None
        span = self.spans.start("deliver event", "client", event.trace, [batch] if batch else [], at=began)
        place = {"id": delivery.event_id, "event": event.event, "route": delivery.route}
        made = {"attempt": last.number, "status": last.status_code} if last else {}
        span.end(
            {**place, "destination": delivery.destination, **told, **made},
            failed=told["outcome"] in ("retry", "held", "dead"),
        )


def _the_only(names: Collection[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _why_nothing(trail: Trail) -> str | None:
    return next((one.reason for one in trail.steps if one.name == "route"), None)


def _known(sending: Sending | Outcome) -> tuple[Event | None, str]:
    """The event and the kind of its destination, where both could be read."""
    return (None, NONE) if isinstance(sending, Outcome) else (sending.stored.event, sending.target.kind)


def _reason(delivery: Delivery, *, paused: bool) -> str:
    if delivery.status is Status.PARKED:
        return Reason.SECTION_PAUSED if paused else Reason.DESTINATION_PAUSED
    return delivery.cause or NONE


def _outcome(told: Verdict) -> tuple[str, str]:
    if isinstance(told, Accepted):
        return "duplicate" if told.replayed else "accepted", NONE
    again = isinstance(told, Unavailable | QuotaExceeded)
    return "retry" if again else "rejected", told.type
