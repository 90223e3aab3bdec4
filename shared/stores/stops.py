"""Stops: how far an event came, where it stopped and for which one reason, and what that comes to; pure.

The stages are nested: an event is at a stage if it is at each before. It stops once, at the first stage that it did not
reach, for one reason.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from shared.stores.reasons import Reason
from shared.stores.trail import Delivery, Status, Trail

RECEIVED, VALID, RESOLVED, CONSENTED, ROUTED, DELIVERED = STAGES = (
    *("received", "valid", "resolved", "consented", "routed", "delivered"),
)
"""How far an event may come, in this order."""
URGENCY = (
    *(Status.DEAD, Status.HELD, Status.PENDING, Status.SENDING, Status.RETRYING, Status.PARKED),
    *(Status.DELIVERED, Status.REFUSED),
)
"""The states of deliveries; what most needs somebody's eye comes first."""
_WITH_CAUSE = (Status.DEAD, Status.HELD, Status.RETRYING)
FINAL = frozenset(
    {
        *(Reason.NO_IDENTIFIER, Reason.OPTED_OUT, Reason.NO_ROUTE, Reason.NO_CONDITION_MET),
        *(Reason.STALE, Reason.BACKFILL, Reason.ALIKE, Reason.UNTRUSTED, Reason.UNSUBSCRIBED),
    }
)
"""Where an event stops for good."""

Stop = tuple[str, str]
"""The stage that was not reached, and the reason."""
Outcome = Literal["delivered", "failed", "held", "parked", "waiting", "quarantined", "nowhere"]
"""What became of an event, or of a delivery, in a word: the first that applies."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


_OUTCOMES: Mapping[str, Outcome] = {
    Status.DEAD: "failed",
    Status.HELD: "held",
    Status.PARKED: "parked",
    Reason.SECTION_PAUSED: "parked",
}


def stop_of(trail: Trail, *, paused: bool) -> Stop | None:
    """Where an event stopped; None for one of which at least one delivery arrived. `paused`: whether its section is."""
    if not trail.steps:
        return RESOLVED, Reason.SECTION_PAUSED if paused else Reason.NOT_PROCESSED
    statuses = {one.status for one in trail.deliveries}
    if Status.DELIVERED in statuses:
        return None
    if not statuses:
        if trail.person is None:
            return RESOLVED, Reason.NO_IDENTIFIER
        return ROUTED, next(
            (one.reason for one in trail.steps if one.name == "route"), None
        ) or Reason.NO_ROUTE
    if statuses == {Status.REFUSED}:
        causes = {reason_of(one) for one in trail.deliveries}
        is_left = Reason.UNSUBSCRIBED in causes
        return (DELIVERED, Reason.UNSUBSCRIBED) if is_left else (CONSENTED, Reason.OPTED_OUT)
    return DELIVERED, reason_of(min(trail.deliveries, key=urgency))


def reason_of(delivery: Delivery) -> str:
    """Why a delivery is not there: its state, with the cause where there is one, as in `dead.rejected`."""
    if delivery.status is Status.REFUSED:
        return Reason.UNSUBSCRIBED if delivery.cause == Reason.UNSUBSCRIBED else Reason.OPTED_OUT
    named = delivery.status in _WITH_CAUSE and delivery.cause
    return f"{delivery.status}.{delivery.cause}" if named else delivery.status.value


def outcome_of(stage: str, reason: str) -> Outcome:
    """What a stop comes to: `failed` and `held` want somebody, `waiting` goes on by itself, `nowhere` was to go nowhere."""
    if stage == VALID:
        return "quarantined"
    if reason == DELIVERED:
        return "delivered"
    if reason in FINAL:
        return "nowhere"
    return _OUTCOMES.get(reason.partition(".")[0], "waiting")


def urgency(delivery: Delivery) -> int:
    """Its place in URGENCY: 0 most needs somebody's eye."""
    return URGENCY.index(delivery.status)
