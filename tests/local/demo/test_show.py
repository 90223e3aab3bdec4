"""What a scene looks like in a terminal."""

import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from local.client import Response
from local.demo.scene import Note, Part, Receipt, Scene
from local.demo.show import show_scene

RECEIPT = {
    "id": "01a20344-f05f-8000-8e84-ed2529e4dc00",
    "event": "transactions.order-placed",
    "steps": [
        {"name": "record", "outcome": "stored"},
        {"name": "resolve", "outcome": "found", "detail": "by_email"},
    ],
    "deliveries": [
        {
            "destination": "journeys",
            "status": "dead",
            "cause": "rejected",
            "attempts": [
                {"number": 1, "statusCode": 503, "outcome": "retry", "reason": "Try later."},
                {"number": 2},
            ],
        }
    ],
}
PROBLEM = {
    "type": "/problems/invalid",
    "detail": "It does not fit.",
    "errors": [
        {"pointer": "/a", "detail": "Send text.", "expected": "text", "received": "number"},
        {"pointer": "/b", "detail": "Remove it.", "received": "[bold]text[/]"},
    ],
}


def answered(
    asked: str, status: int, doc: object = None, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(status, headers or {}, doc, asked)


def shown(*parts: Part, surprise: str | None = None, width: int = 100, colours: bool = False) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=colours, highlight=False)
    show_scene(console, Scene("A title", parts, surprise))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_receipt_is_a_table_whose_columns_line_up():
    assert shown(Receipt(RECEIPT)) == [
        "",
        "✓ A title",
        "  event      transactions.order-placed   01a20344-f05f-8000-8e84-ed2529e4dc00",
        "  record     stored",
        "  resolve    found                       by_email",
        "  deliver    dead                        to journeys, rejected",
        "  attempt 1  503 retry                   Try later.",
        "  attempt 2  unknown",
    ]


def test_a_problem_lists_every_fault_as_it_came():
    assert shown(answered("POST /v1/events", 422, PROBLEM))[2:] == [
        "  POST /v1/events → 422",
        "  problem    /problems/invalid           It does not fit.",
        "  error      /a                          Send text. (expected text, received number)",
        "  error      /b                          Remove it. (received [bold]text[/])",
    ]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            answered("POST /v1/events", 202, {"status": "accepted"}, {"idempotency-replayed": "true"}),
            "  POST /v1/events → 202 accepted  Idempotency-Replayed: true",
        ),
        (
            answered("POST /v1/hooks/0123456789abcdef0123456789abcdef", 202, {"status": "quarantined"}),
            "  POST /v1/hooks/… → 202 quarantined",
        ),
        (answered("GET /v1/dead-letters?limit=100", 200, {}), "  GET /v1/dead-letters → 200"),
        (answered("PUT /v1/sources/x/types", 204), "  PUT /v1/sources/x/types → 204"),
    ],
)
def test_an_answer_names_its_request_without_what_only_takes_room(answer, line):
    assert shown(answer)[2:] == [line]


def test_a_note_stands_in_the_same_columns():
    assert shown(Note("listed", "rejected", "Correct the cause."))[2:] == [
        "  listed     rejected                    Correct the cause."
    ]


def test_what_went_wrong_comes_last():
    lines = shown(Receipt(RECEIPT), surprise="The event should have ended as delivered.")
    assert lines[1] == "✗ A title"
    assert lines[-1] == "  The event should have ended as delivered."


@pytest.mark.parametrize("width", [80, 120])
def test_long_texts_wrap_within_their_column(width):
    long = {"type": "/problems/invalid", "detail": "word " * 60}
    lines = shown(answered("POST /v1/events", 422, long), width=width)
    assert len(lines) > 5
    assert max(map(len, lines)) <= width
    assert all(line.startswith(" " * 41) for line in lines[4:])


def test_colours_are_for_terminals():
    assert "\x1b" not in "".join(shown(Receipt(RECEIPT)))
    assert "\x1b" in "".join(shown(Receipt(RECEIPT), colours=True))
