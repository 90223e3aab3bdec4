"""Route: every active route of an event gets one delivery, once, and the receipt says why or why not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.event import Event, Person, Stored
from shared.people.identity import Resolved
from shared.routing.routes import Route
from shared.stages.route import Decision, decide
from shared.stores.trail import Delivery, Status, Step, Trail

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
EVENT = Event(
    event="a.b",
    version="v1",
    purpose="marketing",
    retention_days=None,
    person=Person(email="ada@example.com"),
    properties={},
    occurred_at=None,
    received_at=NOW,
    source="shop",
    source_id="key-1",
    trust="server",
    key=None,
    test=False,
)
ADA = Resolved("p1", created=False, by="email", ambiguous=False, refused=frozenset())


def route(id, purpose="marketing"):
    return Route(id, "a.b", f"to-{id}", purpose, None, "active")


def decided(*routes, person=ADA, refused=(), test=False, already=None):
    stored = Stored("id-1", replace(EVENT, test=test))
    return decide(Decision(stored, person, frozenset(refused), routes), already or Trail(), NOW)


def step(trail, name):
    [found] = [(one.outcome, one.reason) for one in trail.steps if one.name == name]
    return found


def test_each_route_gets_a_delivery_to_its_destination():
    trail = decided(route("r1"), route("r2"))

    assert [(one.route, one.destination, one.status) for one in trail.deliveries] == [
        ("r1", "to-r1", Status.PENDING),
        ("r2", "to-r2", Status.PENDING),
    ]
    assert {one.id for one in trail.deliveries} == {"id-1_r1", "id-1_r2"}
    assert step(trail, "route") == ("routed", None)


def test_only_what_was_refused_is_refused():
    trail = decided(route("r1"), route("r2", "service"), refused=["marketing"])

    assert [(one.status, one.cause) for one in trail.deliveries] == [
        (Status.REFUSED, "opted_out"),
        (Status.PENDING, None),
    ]
    assert step(trail, "consent") == ("refused", "opted_out")


def test_without_a_route_the_event_is_processed_and_says_so():
    trail = decided()

    assert (trail.deliveries, trail.open) == ((), False)
    assert step(trail, "route") == ("none", "no_route")


def test_a_test_event_starts_nothing():
    trail = decided(route("r1"), test=True)

    assert trail.deliveries == ()
    assert step(trail, "route") == ("skipped", "test")


@pytest.mark.parametrize(
    ("person", "outcome"),
    [
        (None, ("unresolved", "no_identifier")),
        (ADA, ("found", "by_email")),
        (replace(ADA, created=True), ("created", "by_email")),
    ],
)
def test_the_receipt_says_how_the_person_was_found(person, outcome):
    trail = decided(person=person)

    assert step(trail, "resolve") == outcome
    assert trail.person == (person.person if person else None)


def test_the_receipt_says_when_identifiers_belong_to_several_people():
    trail = decided(person=replace(ADA, ambiguous=True))

    assert "somebody else" in trail.steps[0].detail


def test_what_was_decided_before_stands():
    sent = Delivery("id-1", "r1", "to-r1", "marketing", status=Status.DELIVERED, etag="v1")
    before = Trail("p0", (Step("resolve", "earlier", "found"),), (sent,))

    assert decided(route("r1"), route("r2"), already=before) == before


def test_a_decision_that_was_cut_short_is_completed():
    """Deliveries are written before the steps: without steps there may be some that are missing."""
    sent = Delivery("id-1", "r1", "to-r1", "marketing", status=Status.DELIVERED, etag="v1")

    trail = decided(route("r1"), route("r2"), already=Trail(deliveries=(sent,)))

    assert trail.deliveries[0] is sent
    assert [(one.route, one.etag) for one in trail.deliveries] == [("r1", "v1"), ("r2", None)]
    assert trail.steps


@pytest.mark.parametrize(
    ("happened", "outcome"),
    [
        ("2026-11-21T09:15:00Z", ("routed", None)),
        ("2026-11-21T09:14:59Z", ("skipped", "stale")),
        (None, ("routed", None)),
    ],
)
def test_what_happened_too_long_ago_starts_nothing(happened, outcome):
    event = replace(EVENT, occurred_at=happened, stale_after_hours=24)

    trail = decide(Decision(Stored("id-1", event), ADA, frozenset(), [route("r1")]), Trail(), NOW)

    assert step(trail, "route") == outcome
    assert len(trail.deliveries) == (outcome[0] == "routed")
