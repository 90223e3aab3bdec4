"""Steps: each ends as one line and one span, whatever came of it."""

import json
import logging
from collections.abc import Mapping

import pytest

from shared import steps, trace
from shared.errors import Invalid, Unavailable
from shared.trace import Trace
from tests.fakes import FakeSpans


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "signalbox")


def lines(caplog: pytest.LogCaptureFixture) -> list[Mapping[str, object]]:
    return [json.loads(record.getMessage()) for record in caplog.records]


def test_a_step_ends_as_a_line_and_a_span_with_the_same_fields(caplog: pytest.LogCaptureFixture):
    spans, here = FakeSpans(), Trace.new()

    with trace.within(here), steps.step(spans, "process", "consumer", section="demo") as step:
        steps.note(events=2)
        steps.add(delivered=1)
        steps.add(delivered=1)
        within = trace.current()

    [span], [line] = spans.ended, lines(caplog)
    assert (span.parent, span.trace, within) == (here, step.trace, step.trace)
    assert span.fields == {"section": "demo", "events": 2, "delivered": 2}
    assert {**span.fields, "step": "process", "traceId": here.id}.items() <= line.items()
    assert float(str(line["ms"])) >= 0


@pytest.mark.parametrize(
    ("error", "level", "told"),
    [
        (Unavailable("Later."), "WARNING", {"outcome": "retry", "reason": "unavailable"}),
        (Invalid("ada@example.com"), "ERROR", {"outcome": "failed", "reason": "invalid"}),
        (ValueError("ada@example.com"), "ERROR", {"outcome": "failed", "reason": "internal"}),
    ],
)
def test_what_stops_a_step_goes_on_and_is_told_without_its_text(
    caplog: pytest.LogCaptureFixture, error: Exception, level: str, told: Mapping[str, str]
):
    spans = FakeSpans()

    with pytest.raises(type(error)), steps.step(spans, "process"):
        raise error

    [line] = lines(caplog)
    assert told.items() <= line.items()
    assert (caplog.records[0].levelname, spans.ended[0].failed) == (level, True)
    assert "ada" not in caplog.text


def test_a_step_within_another_belongs_to_it_and_the_outer_one_goes_on_after_it():
    spans = FakeSpans()

    with steps.step(spans, "tick"):
        with steps.step(spans, "process"):
            steps.note(events=1)
        steps.note(part="sweep")

    inner, outer = spans.ended
    assert (inner.parent, inner.fields, outer.fields) == (outer.trace, {"events": 1}, {"part": "sweep"})


def test_outside_of_a_step_nothing_is_noted():
    steps.note(events=1)
    steps.add(delivered=1)

    assert steps.place() is None
