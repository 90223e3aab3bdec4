"""The judge of the storm lets nothing pass that an answer may not be."""

import json
from collections.abc import Mapping

import pytest

import function_app  # noqa: F401  (registers the doors)
from functions.openapi import document
from tests.described import PROBLEM, Description
from tests.fuzz.judge import faults
from tests.fuzz.wire import Reply, Request

DESCRIPTION = Description(json.loads(json.dumps(document())))
PLAIN = Request(b"GET", b"/v1/events/1", [(b"Accept", b"*/*")])
GOOD = {
    "type": "/problems/not-found",
    "title": "There is no such thing here",
    "status": 404,
    "detail": "There is no such event in this section.",
    "instance": "/v1/events/1",
    "traceId": "0af7651916cd43dd8448eb211c80319c",
}


def problem(code: int = 404, *, media: str = PROBLEM, **changes: object) -> Reply:
    """A refusal, some of its members changed, or gone where they are None."""
    members = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return Reply(code, {"content-type": media}, json.dumps(members).encode())


def test_a_refusal_as_it_should_be_is_let_pass():
    assert list(faults(PLAIN, problem(), DESCRIPTION)) == []


@pytest.mark.parametrize(
    "reply",
    [
        None,
        problem(500, status=500, type="/problems/internal"),
        problem(503, status=503, type="/problems/unavailable"),
        problem(418, status=418),
        problem(media="text/html"),
        problem(type="/problems/no-such-section"),
        problem(type="/problems/invalid"),
        problem(title=""),
        problem(detail=None),
        problem(traceId=None),
        problem(traceId="0"),
        problem(status=400),
        problem(more="than is described"),
        Reply(404),
        Reply(404, {"content-type": PROBLEM}, b"not JSON"),
        Reply(404, {"content-type": PROBLEM}, b"[]"),
        Reply(200, {"content-type": "application/json"}, b"{}"),
        Reply(404, {"content-type": PROBLEM, "x-injected": "1"}, problem().body),
    ],
)
def test_what_an_answer_may_not_be_is_told(reply: Reply | None):
    assert list(faults(PLAIN, reply, DESCRIPTION)) != []


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (Request(b"GET", b"//v1", []), Reply(404)),
        (Request(b"GET", b"/admin/x", []), Reply(404)),
        (Request(b"POST", b"/v1/events", [], bytes(4_194_305)), Reply(413)),
        (Request(b"GET", b"/a b", []), Reply(400, {"content-type": "text/plain"}, b"Invalid")),
        (Request(b"POST", b"/v1/events", [(b"Content-Length", b"x")], framed=False), None),
    ],
)
def test_the_host_may_refuse_in_its_own_way_what_never_gets_to_the_app(
    request_: Request, reply: Reply | None
):
    assert list(faults(request_, reply, DESCRIPTION)) == []
    assert list(faults(PLAIN, reply, DESCRIPTION)) != []


def test_where_there_is_no_door_a_problem_says_so():
    headers: Mapping[str, str] = {"content-type": PROBLEM, "allow": "GET"}
    other = Request(b"PUT", b"/v1/events/1", [])
    told = problem(405, status=405, type="/problems/method-not-allowed")

    assert list(faults(other, Reply(405, {**headers}, told.body), DESCRIPTION)) == []
    assert list(faults(other, told, DESCRIPTION)) != []
