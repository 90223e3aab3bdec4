"""Lines: that they have no fields but those on the list, and nothing of what an error says."""

import json
import logging

import pytest

from shared import logs, trace
from shared.trace import Trace


def line(caplog: pytest.LogCaptureFixture) -> dict[str, object]:
    [record] = caplog.records
    doc: dict[str, object] = json.loads(record.getMessage())
    return doc


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "signalbox")


def test_a_line_is_json_with_its_fields_in_the_order_of_the_list(caplog: pytest.LogCaptureFixture):
    logs.say(logging.INFO, "process", ms=1.5, events=3, section="demo", reason=None)

    assert [*line(caplog).items()] == [("step", "process"), ("section", "demo"), ("events", 3), ("ms", 1.5)]


def test_a_line_names_the_trace_that_it_is_said_in(caplog: pytest.LogCaptureFixture):
    here = Trace.new()

    with trace.within(here):
        logs.warn("hand_off", "left to the sweeper", commits=2)

    assert line(caplog)["traceId"] == here.id
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("field", ["email", "url", "body", "key", "detail"])
def test_a_field_that_is_not_on_the_list_is_an_error(field: str):
    with pytest.raises(KeyError, match=field):
        logs.say(logging.ERROR, "process", **{field: "ada@example.com"})


def test_a_field_is_bounded(caplog: pytest.LogCaptureFixture):
    logs.say(logging.INFO, "process", reason="x" * 1_000)

    assert len(str(line(caplog)["reason"])) == logs.MAX_TEXT


def test_a_line_that_nobody_wants_costs_nothing_but_asking(caplog: pytest.LogCaptureFixture):
    logs.say(logging.DEBUG, "request", door="GET /health/live")

    assert caplog.records == []


def test_of_an_error_its_name_and_place_are_told_and_not_its_text():
    def fail() -> None:
        raise ValueError("ada@example.com")

    with pytest.raises(ValueError, match="ada") as failed:
        fail()
    told = logs.told_of(failed.value)

    assert told.startswith("ValueError at tests.test_logs:")
    assert "ada" not in told
