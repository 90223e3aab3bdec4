"""The closed list of what is measured: what its attributes may say, and that it keeps up with the line's own words."""

import re

import pytest

from shared import destinations, errors, metrics
from shared.destinations.outcomes import Cause
from shared.metrics import DELIVERIES, EVENTS, METRICS, OTHER, THROTTLED, UNFINISHED_AGE
from shared.stores.reasons import Reason


def every_type(of: type[errors.SignalboxError]) -> set[str]:
    ours = (one for one in of.__subclasses__() if one.__module__.startswith("shared."))
    return {of.type}.union(*map(every_type, ours))


def test_every_reason_to_refuse_an_event_is_on_the_list():
    assert {*metrics.REFUSALS} == every_type(errors.SignalboxError)


def test_every_cause_that_a_delivery_has_and_every_kind_of_destination_is_on_the_list():
    assert (*Cause,) == metrics.CAUSES
    assert {*metrics.STOPS} <= {*Reason}
    assert (*destinations.KINDS, metrics.NONE) == metrics.KINDS


def test_names_are_ours_and_none_comes_twice():
    names = [metric.name for metric in METRICS]

    assert len({*names}) == len(names)
    assert all(re.fullmatch(r"signalbox\.[a-z]+(\.[a-z]+)?", name) for name in names)


def test_no_attribute_can_have_more_than_a_few_dozen_values_and_none_is_a_maker_s_word():
    attributes = {name: values for metric in METRICS for name, values in metric.attributes.items()}

    assert attributes.keys() == {"door", "outcome", "reason", "kind", "state", "by"}
    assert all(len(values) <= 40 for values in attributes.values())


def test_a_histogram_has_edges_and_nothing_else_has():
    assert all((metric.kind == "histogram") == bool(metric.bounds) for metric in METRICS)
    assert all([*metric.bounds] == sorted({*metric.bounds}) for metric in METRICS)


def test_a_value_that_is_not_on_the_list_is_counted_as_another():
    assert THROTTLED.closed({"by": "somebody@example.com"}) == {"by": OTHER}
    assert THROTTLED.closed({"by": "bus"}) == {"by": "bus"}
    assert UNFINISHED_AGE.closed({}) == {}


@pytest.mark.parametrize("of", [{}, {"by": "bus", "section": "acme"}, {"section": "acme"}])
def test_other_attributes_than_those_of_the_metric_are_refused(of):
    with pytest.raises(ValueError, match=r"signalbox\.throttled"):
        THROTTLED.closed(of)


def test_alerts_and_pages_find_the_names_that_they_were_promised():
    assert [metric.name for metric in METRICS] == [
        "signalbox.events",
        "signalbox.deliveries",
        "signalbox.delivery.duration",
        "signalbox.event.duration",
        "signalbox.unfinished.age",
        "signalbox.waiting",
        "signalbox.throttled",
        "signalbox.silent",
        "signalbox.unusual",
    ]
    assert {*EVENTS.attributes} == {"door", "outcome", "reason"}
    assert {*DELIVERIES.attributes} == {"kind", "outcome", "reason"}
