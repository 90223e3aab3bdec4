"""What every door does before anything else: who is asking, and what cannot be taken in at all."""

import json
import re

import pytest

from shared.access.rights import NEEDS
from shared.stages.receive import MAX_BODY_BYTES
from tests.functions.asking import PROBLEM, ask, ask_in_bytes, assert_problem, pointers
from tests.functions.bad_input import CASES, PERSONAL, Case
from tests.functions.conftest import Place

ODD_IDS = (
    "..",
    ".",
    "%2e%2e",
    "%2F",
    "..%2F..%2Fkeys",
    "%5C",
    "%23",
    "%3F",
    "%25",
    "%252F",
    "%00",
    "%0d%0aX-Injected:1",
    "%7F",
    "%c2%85",
    "%ff",
    "%ed%a0%80",
    "%F0%9F%98%80",
    "~",
    "%7C",
    "*",
    "'%20or%201%20eq%201",
    "ffffffff-ffff-8000-8000-000000000000",
    "ffffffff-ffff-8000-8000-000000000000_",
    "x" * 8_000,
)
PLACE = re.compile(r"\{\w+\}")
WRITES = [route for route in NEEDS if route.startswith(("POST ", "PUT ")) and "{" not in route]
BODIES = [route for route in WRITES if route not in ("POST /v1/tick", "POST /v1/sections")]
ODD_BODIES = {
    b"": (400, "malformed-body"),
    b"{": (400, "malformed-body"),
    b"[" * 100_000: (400, "malformed-body"),
    b'{"a":1e99999999999999999999}': (400, "malformed-body"),
    b" " * (MAX_BODY_BYTES + 1): (413, "body-too-large"),
    b"null": (422, "invalid"),
    b"[[]]": (422, "invalid"),
    b'{"":{}}': (422, "invalid"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_is_refused_with_what_to_do_and_nothing_is_stored(quiet: Place, case: Case):
    answer = ask(quiet.client, "POST", "/v1/events", case.body, **case.headers)

    assert_problem(answer, case.status, case.type)
    assert sorted(pointers(answer)) == sorted(case.pointers)
    assert PERSONAL not in json.dumps(answer.doc)
    assert quiet.stored() == []


@pytest.mark.parametrize("route", BODIES)
def test_every_door_that_takes_a_body_refuses_what_is_none(quiet: Place, route: str):
    method, _, path = route.partition(" ")
    for body, (status, type) in ODD_BODIES.items():
        assert_problem(ask(quiet.client, method, path, body), status, type)


@pytest.mark.parametrize("route", [route for route in NEEDS if "{" in route])
def test_an_odd_id_in_a_path_is_never_a_fault_of_ours(quiet: Place, route: str):
    method, _, template = route.partition(" ")
    for odd in ODD_IDS:
        path = odd.join(PLACE.split(template))
        answer = ask(quiet.client, method, path, b"" if method == "GET" else b"{}")
        assert 400 <= answer.status < 500, (path, answer.doc)
        assert answer.headers["content-type"] == PROBLEM
        assert "x-injected" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/events", "/v1/quarantine", "/v1/dead-letters"])
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=1.0", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=%D9%A1", "/limit"),
        ("limit=000000019" + "9" * 5_000, "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("after=yesterday", "/after"),
        ("before=1&limit=1", "/before"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused(quiet: Place, path: str, query: str, pointer: str):
    answer = quiet.client.get(f"{path}?{query}")

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == [pointer]


def test_a_body_that_is_shorter_than_it_says_is_not_taken_in(quiet: Place):
    body = json.dumps({"event": "tests.everything", "properties": {"text": "a", "decimal": 1}}).encode()

    answer = ask_in_bytes(quiet.client, "/v1/events", b"Content-Length: 500\r\n\r\n" + body, leave=True)

    assert b" 202 " not in answer
    assert quiet.stored() == []


def test_a_body_that_is_longer_than_it_says_is_cut_there(quiet: Place):
    body = json.dumps({"event": "tests.everything", "properties": {"text": "a", "decimal": 1}}).encode()

    answer = ask_in_bytes(quiet.client, "/v1/events", b"Content-Length: 30\r\n\r\n" + body)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b" 202 " not in answer
    assert quiet.stored() == []


@pytest.mark.parametrize("length", ["-1", "x", "", "1, 2", "9" * 30])
def test_a_length_that_is_none_is_refused(quiet: Place, length: str):
    answer = ask_in_bytes(quiet.client, "/v1/events", f"Content-Length: {length}\r\n\r\n{{}}".encode())

    assert answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "path", ["/v1/events", "/v1/events/batch", "/v1/definitions", "/v1/keys/none/revoke"]
)
def test_a_chunked_body_is_asked_for_its_length(quiet: Place, path: str):
    chunked = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"

    answer = ask_in_bytes(quiet.client, path, chunked)

    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"/problems/length-required" in answer
