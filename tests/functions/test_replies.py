"""How answers look: problem details, and nothing of ours or of anybody's in them."""

import json
import re
from collections.abc import Mapping
from typing import cast

import azure.functions as func
import pytest

from functions import replies
from functions.replies import Reply
from shared import errors, trace
from shared.errors import Fault, Later, SignalboxError, Unavailable
from shared.exact import Number
from shared.trace import Trace
from tests.functions.asking import ask
from tests.running import Running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HERE = Trace(TRACE, "00f067aa0ba902b7")
URL = "https://a.example/v1/events?key=x"


def told(response: func.HttpResponse) -> Mapping[str, object]:
    return cast("Mapping[str, object]", json.loads(response.get_body()))


ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, SignalboxError) and error is not Later
]
"""What a door may answer: `Later` is met by the work of a message only."""


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_refusal_is_problem_details_of_its_own_type(kind: type[SignalboxError]):
    response = replies.problem(kind("Do this."), URL)

    assert response.mimetype == "application/problem+json"
    assert response.status_code == kind.status
    doc = told(response)
    assert re.fullmatch(r"/problems/[a-z-]+", str(doc["type"]))
    assert (doc["title"], doc["status"], doc["detail"]) == (kind.title, kind.status, "Do this.")
    assert doc["instance"] == "/v1/events"


def test_types_tell_refusals_apart():
    assert len({kind.type for kind in ERRORS}) == len(ERRORS)


def test_a_fault_shows_only_what_is_known_of_it():
    response = replies.problem(errors.Invalid("Mend it.", faults=[Fault("/a", "Send text.", "text")]), URL)

    assert told(response)["errors"] == [{"pointer": "/a", "detail": "Send text.", "expected": "text"}]


def test_what_is_away_says_when_to_come_back():
    response = replies.problem(Unavailable("Later.", retry_after=7), URL)

    assert response.headers["Retry-After"] == "7"


def test_a_fault_of_ours_says_nothing_but_the_trace():
    with trace.within(HERE):
        response = replies.unexpected(URL)

    assert (response.status_code, told(response)["traceId"]) == (500, TRACE)


def test_a_good_answer_keeps_the_text_of_numbers():
    response = replies.answer(Reply(202, {"total": Number("42.50")}, {"X-A": "b"}))

    assert response.get_body() == b'{"total":42.50}'
    assert (response.status_code, response.mimetype, response.headers["X-A"]) == (
        202,
        "application/json",
        "b",
    )


def test_the_trace_that_a_caller_started_is_in_the_answer(running: Running):
    answer = ask(running.anonymous, "GET", "/v1/events", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")

    assert answer.doc["traceId"] == TRACE


def test_an_instance_is_the_path_without_its_query(running: Running):
    answer = ask(running.anonymous, "GET", "/v1/events?token=hunter2")

    assert answer.doc["instance"] == "/v1/events"
    assert "hunter2" not in str(answer.doc)
