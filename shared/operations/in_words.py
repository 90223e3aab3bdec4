"""In words: what became of an event and of each of its deliveries, in sentences that say what to do where something can be done.

They name destinations, purposes, times and statuses, and nothing that anybody sent.
"""

from collections.abc import Callable, Mapping, Sequence

from shared import times
from shared.destinations.outcomes import Cause
from shared.errors import Invalid, UnknownVersion
from shared.exact import Json
from shared.stores import kept
from shared.stores.reasons import Reason
from shared.stores.stops import urgency
from shared.stores.trail import Delivery, Status, Step, Trail

Sentence = Callable[[Delivery], str]


def of_event(trail: Trail, *, paused: bool = False) -> str:
    """What became of an event. `paused`: whether its section is."""
    if not trail.steps:
        return (Reason.SECTION_PAUSED if paused else Reason.NOT_PROCESSED).sentence
    if not trail.deliveries:
        return f"Sent nowhere. {_not_started(trail.steps)}"
    there = [one for one in trail.deliveries if one.status is Status.DELIVERED]
    open_ = [one for one in trail.deliveries if one.status is not Status.DELIVERED]
    if len(trail.deliveries) == 1:
        return of_delivery(trail.deliveries[0])
    told = [f"Reached {len(there)} of {len(trail.deliveries)} destinations."]
    return " ".join([*told, *(of_delivery(one) for one in sorted(open_, key=urgency)[:1])])


def of_delivery(delivery: Delivery) -> str:
    """Whether a delivery reached its destination, and if not, why."""
    return SENTENCES[delivery.status](delivery)


def of_cause(cause: str | None) -> str:
    """What a delivery's cause means. One that only a newer version knows is named."""
    if cause is None:
        return "Why is not known."
    if cause in set(Cause):
        return Cause(cause).sentence
    return Reason(cause).sentence if cause in set(Reason) else f"It stopped for the cause {cause}."


WORDS: Mapping[Status, str] = {
    Status.DEAD: "failed",
    Status.HELD: "held",
    Status.PENDING: "delivering",
    Status.SENDING: "delivering",
    Status.RETRYING: "delivering",
    Status.PARKED: "parked",
    Status.DELIVERED: "delivered",
    Status.REFUSED: "refused",
}
"""An event in one word, by the state of the delivery that most needs somebody's eye."""


def of_test(condition: Mapping[str, Json]) -> str:
    """What a part of a route's condition asks for, without the value that it compares with."""
    match condition:
        case {"field": str(field), "is": str(operator)}:
            return f"{field} {operator}"
        case {"not": part}:
            return f"not: {of_test(part)}"
        case {"all": parts}:
            return f"all of: {', '.join(map(of_test, parts))}"
        case {"any": parts}:
            return f"any of: {', '.join(map(of_test, parts))}"
    return "something else"


def of_refusal(type: str) -> str:
    """Why the API refused events."""
    return REFUSED.get(type, "It was refused, and its sender was told why.")


def of_reason(reason: str) -> str:
    """What a funnel's reason means: why events stopped where they did."""
    word, _, cause = reason.partition(".")
    if word in set(kept.Cause):
        return QUARANTINED[kept.Cause(word)]
    if word in set(Status):
        return f"{STATES[Status(word)]} {of_cause(cause)}" if cause else STATES[Status(word)]
    return of_cause(reason)


def _not_started(steps: Sequence[Step]) -> str:
    """Why the event has no delivery."""
    reason = next((step.reason for step in steps if step.name == "route"), None)
    return of_cause(reason or Reason.NO_ROUTE)


def _retrying(one: Delivery) -> str:
    status = one.attempts[-1].status_code if one.attempts else None
    answered = f" It answered {status}." if status else ""
    at = f" The next attempt is at {times.text(one.due_at)}." if one.due_at else ""
    return f"Has not reached {one.destination} yet. {of_cause(one.cause)}{answered}{at}"


def _refused(one: Delivery) -> str:
    if one.cause == Reason.UNSUBSCRIBED:
        return "its subscription has ended"
    return f"the person has opted out of {one.purpose}"


def _reached(one: Delivery) -> str:
    at = f" at {one.attempts[-1].at}" if one.attempts else ""
    return f"Reached {one.destination}{at}."


SENTENCES: Mapping[Status, Sentence] = {
    Status.PENDING: lambda one: f"Waits to be sent to {one.destination}, which happens by itself.",
    Status.SENDING: lambda one: f"Is being sent to {one.destination}.",
    Status.RETRYING: _retrying,
    Status.PARKED: lambda one: (
        f"Waits: {one.destination} is paused or disabled, or the section is paused. Resume it, and it goes on."
    ),
    Status.DELIVERED: _reached,
    Status.REFUSED: lambda one: f"Not sent to {one.destination}: {_refused(one)}.",
    Status.HELD: lambda one: (
        f"Held, and may have reached {one.destination}. {of_cause(one.cause)} If it is not there, replay it."
    ),
    Status.DEAD: lambda one: f"Did not reach {one.destination}. {of_cause(one.cause)}",
}
"""One for each state of a delivery."""
STATES: Mapping[Status, str] = {
    Status.PENDING: "Waits to be sent, which happens by itself.",
    Status.SENDING: "Is being sent.",
    Status.RETRYING: "Is tried again by itself.",
    Status.PARKED: "Waits for a destination or the section to be resumed.",
    Status.DELIVERED: "Arrived.",
    Status.REFUSED: Reason.OPTED_OUT.sentence,
    Status.HELD: "Held, and may have arrived: look there, and replay what is not.",
    Status.DEAD: "Did not arrive.",
}
"""The same of many deliveries at once."""
QUARANTINED: Mapping[kept.Cause, str] = {
    kept.Cause.MALFORMED_BODY: "A webhook that cannot be read lies in quarantine. Ask its sender.",
    kept.Cause.UNKNOWN_TYPE: "A webhook of a type that its source does not know lies in quarantine. Add the type, then replay.",
    kept.Cause.UNKNOWN_EVENT: "A webhook for a definition that is not there lies in quarantine. Define it, then replay.",
    kept.Cause.UNKNOWN_VERSION: "A webhook for a version that is not there lies in quarantine. Correct the type, then replay.",
    kept.Cause.INVALID: "A webhook that does not fit its definition lies in quarantine. Mend the mapping, then replay.",
    kept.Cause.BODY_TOO_LARGE: "A webhook that is too large lies in quarantine. Ask its sender for smaller ones.",
    kept.Cause.BROKEN_SOURCE: "This version cannot read a webhook, which lies in quarantine. Update Signalbox, then replay.",
    kept.Cause.PAUSED: "A webhook waits in quarantine for its source to be resumed.",
}
"""Why a webhook is no event yet, for each cause of quarantine."""
REFUSED: Mapping[str, str] = {
    Invalid.type: "It did not fit its definition. Its sender was told what to correct.",
    UnknownVersion.type: "It named a version that its definition does not have. Its sender was told so.",
}
"""Why the API refused an event, by the type of the problem."""
