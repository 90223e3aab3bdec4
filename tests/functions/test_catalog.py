"""The doors of the catalog."""

import secrets
from typing import Any

import jsonschema_rs
import pytest

from local.client import Client
from shared import times
from tests.functions.asking import assert_problem, pointers, text_of
from tests.functions.conftest import MakeKey, Place
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


@pytest.mark.feature("F2")
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


@pytest.mark.feature("F1")
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


@pytest.mark.feature("F61")
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
    assert [one["id"] for one in listed.doc["versions"]] == [first["id"], added.doc["version"]["id"]]
    assert all(times.parse(one["createdAt"]) for one in listed.doc["versions"])


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
        ({"fields": [{"name": "orderId", "description": "Of no type"}]}, ["/fields/0/type"]),
        ({"fields": [{**FIELD, "name": "order id"}]}, ["/fields/0/name"]),
        ({"fields": [{**FIELD, "name": "order-id"}]}, ["/fields/0/name"]),
        ({"fields": [{**FIELD, "name": "OrderId"}]}, ["/fields/0/name"]),
        ({"fields": [{**FIELD, "name": "__class__"}]}, ["/fields/0/name"]),
        ({"fields": [FIELD, {**FIELD, "name": "orderID"}]}, ["/fields/1/name"]),
        ({"fields": [{**FIELD, "required": "yes"}, 5]}, ["/fields/0/required", "/fields/1"]),
        ({"active": 2, "title": None}, ["/title", "/active"]),
    ],
)
@pytest.mark.feature("F28", "F50")
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


@pytest.mark.feature("F2")
def test_the_events_of_signalbox_itself_cannot_be_defined(running: Running):
    assert_problem(running.operator.post("/v1/definitions", definition(event="system.tick")), 409, "conflict")


def test_what_is_not_defined_is_not_found(running: Running):
    path = f"/v1/definitions/{definition()['event']}"

    assert_problem(running.operator.get(path), 404, "not-found")
    assert_problem(running.operator.get(f"{path}/versions"), 404, "not-found")
    assert_problem(running.operator.post(f"{path}/versions", {"fields": []}), 404, "not-found")


@pytest.mark.feature("F34")
def test_the_schema_of_an_event_is_one_to_any_validator(running: Running):
    wanted = definition(fields=[FIELD, {"name": "size", "type": "integer", "description": "In cm"}])
    path = running.operator.post("/v1/definitions", wanted).headers["location"]

    schema = jsonschema_rs.Draft202012Validator(running.operator.get(f"{path}/schema").doc)

    assert schema.is_valid({"orderId": "1", "size": 5})
    assert not any(
        map(schema.is_valid, ({}, {"orderId": 1}, {"orderId": "1", "size": "5"}, {"orderId": "1", "x": 1}))
    )


def test_the_schema_of_an_event_names_its_fields_for_people_with_their_types(running: Running):
    wanted = definition(fields=[FIELD, {"name": "sizeInCm2", "type": "decimal", "description": "Its size"}])
    path = running.operator.post("/v1/definitions", wanted).headers["location"]

    drawn = running.operator.get(f"{path}/schema").doc["properties"]

    assert drawn["orderId"]["x-ms-summary"] == "Order Id (Text)"
    assert drawn["sizeInCm2"]["x-ms-summary"] == "Size In Cm2 (Number with decimals)"
    assert [name for name, field in drawn.items() if "x-ms-visibility" in field] == ["orderId"]


@pytest.mark.feature("F74")
def test_what_came_before_new_fields_stays_as_it_was_to_the_byte(running: Running):
    wanted = definition()
    path = running.operator.post("/v1/definitions", wanted).headers["location"]
    answer = running.client.post("/v1/events", {"event": wanted["event"], "properties": {"orderId": "1"}})
    running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "processed")
    before = text_of(running.client, answer.doc["receipt"])

    added = running.operator.post(f"{path}/versions", {"fields": [{**FIELD, "name": "other"}]})

    assert added.status == 201
    assert text_of(running.client, answer.doc["receipt"]) == before


@pytest.mark.feature("F136")
def test_who_may_only_send_defines_nothing(running: Running, make_key: MakeKey):
    wanted, sender = definition(), Client.keyed(running.stack.base_url, make_key("events:write")["key"])

    assert_problem(sender.post("/v1/definitions", wanted), 403, "forbidden")
    assert_problem(
        sender.post(f"/v1/definitions/{wanted['event']}/versions", {"fields": []}), 403, "forbidden"
    )
    assert_problem(running.operator.get(f"/v1/definitions/{wanted['event']}"), 404, "not-found")


@pytest.mark.feature("F198", "F199")
def test_how_long_events_are_kept_has_to_be_chosen_and_for_ever_warns(noisy: Place):
    unsaid = {name: value for name, value in definition().items() if name != "retentionDays"}

    refused = noisy.client.post("/v1/definitions", unsaid)
    forever = noisy.client.post("/v1/definitions", {**unsaid, "retentionDays": None})
    a_month = noisy.client.post("/v1/definitions", definition())

    assert_problem(refused, 422, "invalid")
    assert pointers(refused) == ["/retentionDays"]
    assert (forever.status, a_month.doc["warnings"]) == (201, [])
    assert "kept forever" in forever.doc["warnings"][0]
