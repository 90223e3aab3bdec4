"""The doors of the catalog."""

import secrets
from typing import Any

import pytest

from tests.functions.asking import assert_problem, pointers
from tests.running import Running

FIELD = {"name": "orderId", "type": "text", "required": True, "description": "The order's number"}


def definition(**changes: Any) -> dict[str, Any]:
    """A definition that can be made, under a name of its own."""
    return {
        "event": f"tests.thing-{secrets.token_hex(6)}",
        "title": "A thing",
        "description": "Something has happened.",
        "purpose": "marketing",
        "retentionDays": 30,
        "fields": [FIELD],
        **changes,
    }


def test_a_definition_is_made_read_and_listed(running: Running):
    wanted = definition()

    made = running.operator.post("/v1/definitions", wanted)
    read = running.operator.get(made.headers["location"])
    listed = running.operator.get("/v1/definitions").doc["definitions"]

    assert (made.status, read.status) == (201, 200)
    assert read.doc == made.doc
    assert {name: read.doc[name] for name in wanted if name != "fields"} == {
        name: value for name, value in wanted.items() if name != "fields"
    }
    assert read.doc["version"]["fields"] == [FIELD]
    assert wanted["event"] in [one["event"] for one in listed]


def test_a_definition_can_be_used_at_once(running: Running):
    wanted = definition()
    event = {"event": wanted["event"], "properties": {"orderId": "1"}}

    before = running.client.post("/v1/events", event)
    running.operator.post("/v1/definitions", wanted)
    after = running.client.post("/v1/events", event)

    assert_problem(before, 422, "unknown-event")
    assert after.status == 202


def test_a_name_is_defined_once(running: Running):
    wanted = definition()
    running.operator.post("/v1/definitions", wanted)

    assert_problem(running.operator.post("/v1/definitions", wanted), 409, "conflict")


def test_versions_are_numbered_and_the_newest_is_active(running: Running):
    wanted = definition()
    first = running.operator.post("/v1/definitions", wanted).doc["version"]
    path = f"/v1/definitions/{wanted['event']}/versions"

    added = running.operator.post(path, {"fields": [FIELD, {**FIELD, "name": "size"}]})
    listed = running.operator.get(path)

    assert (added.status, added.doc["version"]["number"]) == (201, 2)
    assert [(one["number"], one["status"]) for one in listed.doc["versions"]] == [
        (1, "accepted"),
        (2, "active"),
    ]
    assert listed.doc["versions"][0]["id"] == first["id"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"event": "NoName"}, ["/event"]),
        ({"event": "a.b.c"}, ["/event"]),
        ({"event": "a." + "b" * 200}, ["/event"]),
        ({"title": " "}, ["/title"]),
        ({"purpose": "two words"}, ["/purpose"]),
        ({"retentionDays": 0}, ["/retentionDays"]),
        ({"retentionDays": "30"}, ["/retentionDays"]),
        ({"retentionDays": 30.0}, ["/retentionDays"]),
        ({"fields": {}}, ["/fields"]),
        ({"fields": [{**FIELD, "type": "money"}]}, ["/fields/0/type"]),
        ({"fields": [{**FIELD, "name": "order id"}]}, ["/fields/0/name"]),
        ({"fields": [{**FIELD, "name": "__class__"}]}, ["/fields/0/name"]),
        ({"fields": [FIELD, {**FIELD, "name": "orderID"}]}, ["/fields/1/name"]),
        ({"fields": [{**FIELD, "required": "yes"}, 5]}, ["/fields/0/required", "/fields/1"]),
        ({"active": 2, "title": None}, ["/title", "/active"]),
    ],
)
def test_a_definition_that_cannot_be_is_refused_with_every_fault(
    running: Running, changes: dict[str, Any], where: list[str]
):
    answer = running.operator.post("/v1/definitions", definition(**changes))

    assert_problem(answer, 422, "invalid")
    assert sorted(pointers(answer)) == sorted(where)


def test_what_is_missing_is_named(running: Running):
    answer = running.operator.post("/v1/definitions", {})

    assert_problem(answer, 422, "invalid")
    # How long events are kept is the section's own choice where a definition makes none.
    assert set(pointers(answer)) == {f"/{name}" for name in definition()} - {"/retentionDays"}


def test_too_many_fields_are_refused(running: Running):
    fields = [{**FIELD, "name": f"field{number}"} for number in range(101)]

    answer = running.operator.post("/v1/definitions", definition(fields=fields))

    assert (answer.status, pointers(answer)) == (422, ["/fields"])


def test_the_events_of_signalbox_itself_cannot_be_defined(running: Running):
    assert_problem(running.operator.post("/v1/definitions", definition(event="system.tick")), 409, "conflict")


def test_what_is_not_defined_is_not_found(running: Running):
    path = f"/v1/definitions/{definition()['event']}"

    assert_problem(running.operator.get(path), 404, "not-found")
    assert_problem(running.operator.get(f"{path}/versions"), 404, "not-found")
    assert_problem(running.operator.post(f"{path}/versions", {"fields": []}), 404, "not-found")
