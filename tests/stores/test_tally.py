"""A tally is what it says for any events: each gap is the sum of its reasons, and counts of parts add up to that of the whole."""

import itertools
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact
from shared.destinations.outcomes import Cause
from shared.stores import kept
from shared.stores.reasons import Reason
from shared.stores.stops import STAGES, URGENCY, stop_of
from shared.stores.tally import Came, Tally, read_tally
from shared.stores.trail import Delivery, Status, Step, Trail

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
FOUND = Step("resolve", "t", "found", "by_email")
NOBODY = Step("resolve", "t", "unresolved", Reason.NO_IDENTIFIER)
ROUTED = Step("route", "t", "routed")


def delivery(status, cause=None, route="rt-1", destination="crm"):
    return Delivery("id", route, destination, "marketing", status=status, cause=cause)


def trail(*deliveries, person="p1", reason=None):
    routed = Step("route", "t", "none", reason) if reason else ROUTED
    return Trail(person, (FOUND if person else NOBODY, routed), deliveries)


def deliveries():
    causes = st.none() | st.sampled_from([*Cause]).map(str)
    made = st.builds(
        delivery,
        st.sampled_from(Status),
        causes,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["crm", "erp"]),
    )
    return st.lists(made, max_size=4).map(tuple)


def trails():
    """What may lie in storage: not processed, with no delivery for some reason, or with some."""
    people, reasons = st.sampled_from(["p1", None]), st.sampled_from([*Reason]).map(str)
    nowhere = st.builds(lambda person, reason: trail(person=person, reason=reason), people, reasons)
    somewhere = st.builds(lambda sent, person: trail(*sent, person=person), deliveries(), people)
    return st.just(Trail()) | nowhere | somewhere


EVENTS = st.lists(st.tuples(trails(), st.booleans()), max_size=30)
KEPT = st.dictionaries(st.sampled_from([*kept.Cause]).map(str), st.integers(1, 9), max_size=3)


def tally(events, quarantined=(), *, paused=False):
    made = Tally()
    for one, test in events:
        made.add(one, Came("erp", AT, test), paused=paused)
    for cause, count in dict(quarantined).items():
        made.quarantined(cause, count)
    return made


@given(EVENTS, KEPT, st.booleans())
def test_every_gap_is_the_sum_of_its_reasons(events, quarantined, paused):
    made = tally(events, quarantined, paused=paused)
    reached = made.reached()
    real = [one for one, test in events if not test]

    assert reached["received"] == len(real) + sum(quarantined.values())
    assert reached["valid"] == len(real)
    assert reached["delivered"] == sum(
        any(each.status is Status.DELIVERED for each in one.deliveries) for one in real
    )
    for before, stage in itertools.pairwise(STAGES):
        assert reached[before] - reached[stage] == sum(made.gap(stage).values())
        assert all(count > 0 for count in made.gap(stage).values())
    assert made.tests == len(events) - len(real)
    assert made.stored == len(events)


@given(EVENTS)
def test_what_became_of_a_destination_s_deliveries_sums_up_to_all_of_them(events):
    made = tally(events)

    counted = Counter[str]()
    for (destination, _), count in made.sent.items():
        counted[destination] += count
    assert counted == Counter(
        each.destination for one, test in events if not test and one.steps for each in one.deliveries
    )


@given(EVENTS, EVENTS, KEPT)
def test_parts_add_up_to_the_whole_in_any_order(some, others, quarantined):
    whole = tally([*some, *others], quarantined)
    first, second = tally(some, quarantined), tally(others)
    first += second

    assert first == whole == tally([*reversed(others), *some], quarantined)


@given(EVENTS, KEPT)
def test_a_tally_is_read_as_it_was_written(events, quarantined):
    made = tally(events, quarantined)

    assert read_tally(exact.read(exact.dumps(made.written()).encode())) == made


@pytest.mark.parametrize(
    ("one", "stop"),
    [
        (Trail(), ("resolved", "not_processed")),
        (trail(person=None, reason="no_route"), ("resolved", "no_identifier")),
        (trail(reason="no_route"), ("routed", "no_route")),
        (trail(reason="stale"), ("routed", "stale")),
        (trail(reason="alike"), ("routed", "alike")),
        (trail(reason="backfill"), ("routed", "backfill")),
        (trail(delivery(Status.REFUSED, "opted_out")), ("consented", "opted_out")),
        (trail(delivery(Status.DEAD, "rejected")), ("delivered", "dead.rejected")),
        (trail(delivery(Status.HELD, "timeout")), ("delivered", "held.timeout")),
        (trail(delivery(Status.RETRYING, "tls")), ("delivered", "retrying.tls")),
        (trail(delivery(Status.PARKED)), ("delivered", "parked")),
        (trail(delivery(Status.PENDING)), ("delivered", "pending")),
        (trail(delivery(Status.REFUSED), delivery(Status.DEAD, "gone", "rt-2")), ("delivered", "dead.gone")),
        (trail(delivery(Status.DEAD, "gone"), delivery(Status.DELIVERED, None, "rt-2")), None),
        # It names nobody, and went out all the same: nothing stopped it.
        (trail(delivery(Status.DELIVERED), person=None), None),
        (trail(delivery(Status.PENDING), person=None), ("delivered", "pending")),
    ],
)
def test_an_event_stops_at_the_first_stage_that_it_did_not_reach(one, stop):
    assert stop_of(one, paused=False) == stop


def test_in_a_paused_section_what_is_not_processed_waits_for_it():
    assert stop_of(Trail(), paused=True) == ("resolved", "section_paused")


def test_what_went_on_without_a_person_is_counted_apart():
    made = tally(
        [
            (trail(delivery(Status.DELIVERED), person=None), False),
            (trail(person=None, reason="no_route"), False),
        ]
    )

    assert (made.nobody, made.reached()["resolved"]) == (1, 1)


def test_every_state_of_a_delivery_has_its_place():
    assert {*URGENCY} == {*Status}


@pytest.mark.parametrize(
    ("events", "final"),
    [
        ([trail(reason="no_route"), trail(delivery(Status.DELIVERED))], True),
        ([trail(delivery(Status.REFUSED))], True),
        ([Trail()], False),
        ([trail(delivery(Status.DELIVERED), delivery(Status.RETRYING, "tls", "rt-2"))], False),
        ([trail(delivery(Status.DEAD, "gone"))], False),
        ([trail(delivery(Status.PARKED))], False),
    ],
)
def test_it_is_final_once_nothing_can_go_further_by_itself_or_by_anybody(events, final):
    assert tally([(one, False) for one in events]).is_final is final


def test_what_lies_in_quarantine_may_still_become_an_event():
    assert not tally([], {"invalid": 1}).is_final
