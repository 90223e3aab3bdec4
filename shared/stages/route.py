"""Route: what becomes of one stored event, given who it is about, what was refused, and which routes there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared import times
from shared.documents import is_stale
from shared.event import Event, Stored
from shared.people.identity import Resolved
from shared.routing.routes import Route
from shared.stores.reasons import Reason
from shared.stores.trail import Delivery, Status, Step, Trail


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known of an event when it is decided where it goes."""

    stored: Stored
    person: Resolved | None
    refused: Collection[str]
    routes: Sequence[Route]
    alike: str | None = None
    """The earlier event that says the same."""
    passed_by: int = 0
    """Routes of the definition whose condition or versions the event does not meet."""


def decide(decision: Decision, already: Trail, now: datetime) -> Trail:
    """The trail of an event: its steps, and a delivery for each route that has none yet."""
    if already.steps:
        # Decided before: routes that were made since are for events to come.
        return already
    at = times.text(now)
    not_started = stopped(decision.stored.event, now) or _repeated(decision.alike)
    routed = Step("route", at, "skipped", *not_started) if not_started else _routed(decision, at)
    steps = (_resolved(decision.person, at), _gated(decision, at), routed)
    known = {delivery.route for delivery in already.deliveries}
    taken = () if not_started else decision.routes
    new = [_delivery(decision, route) for route in taken if route.id not in known]
    person = decision.person.person if decision.person else None
    return Trail(person, steps, (*already.deliveries, *new))


def stopped(event: Event, now: datetime) -> tuple[str, str] | None:
    """Why an event is stored and shown, and starts nothing by itself: a reason, and a sentence."""
    if event.test:
        return Reason.TEST, "A test event starts nothing."
    if not event.starts:
        return Reason.UNTRUSTED, "It came from a browser, so it starts nothing."
    if event.backfill:
        return Reason.BACKFILL, "It tells of the past (`backfill`), so it starts nothing."
    if is_stale(event, now):
        return (
            Reason.STALE,
            f"It happened more than {event.stale_after_hours} hours before, so it starts nothing.",
        )
    return None


def _repeated(first: str | None) -> tuple[str, str] | None:
    return (Reason.ALIKE, f"It says the same as {first} did, so it starts nothing.") if first else None


def _delivery(decision: Decision, route: Route) -> Delivery:
    refused = route.purpose in decision.refused
    return Delivery(
        event_id=decision.stored.id,
        route=route.id,
        destination=route.destination,
        purpose=route.purpose,
        person=decision.person.person if decision.person else None,
        status=Status.REFUSED if refused else Status.PENDING,
        cause=Reason.OPTED_OUT.value if refused else None,
    )


def _resolved(person: Resolved | None, at: str) -> Step:
    if person is None:
        return Step(
            "resolve", at, "unresolved", Reason.NO_IDENTIFIER, "The event names nobody who could be found."
        )
    outcome = "created" if person.created else "found"
    if person.ambiguous:
        detail = "Other identifiers belong to somebody else; the strongest one decided."
        return Step("resolve", at, outcome, f"by_{person.by}", detail)
    return Step("resolve", at, outcome, f"by_{person.by}")


def _gated(decision: Decision, at: str) -> Step:
    if decision.refused:
        purposes = ", ".join(sorted(decision.refused))
        return Step("consent", at, "refused", Reason.OPTED_OUT, f"The person has opted out of: {purposes}.")
    return Step("consent", at, "passed")


def _routed(decision: Decision, at: str) -> Step:
    if not decision.routes and decision.passed_by:
        detail = f"It does not meet what {decision.passed_by} route(s) ask for."
        return Step("route", at, "none", Reason.NO_CONDITION_MET, detail)
    if not decision.routes:
        return Step("route", at, "none", Reason.NO_ROUTE, "No active route takes this event.")
    passed_by = f", {decision.passed_by} not met" if decision.passed_by else ""
    return Step("route", at, "routed", None, f"{len(decision.routes)} route(s){passed_by}")
