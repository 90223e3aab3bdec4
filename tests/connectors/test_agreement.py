"""The connector says of each door what the app's own description says: neither can change without the other."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from functions.openapi import document
from shared.access.rights import COVERS, Scope
from shared.catalog import own
from tests.connectors.swagger import FOLDER, Doc, Operation, Swagger, read

SWAGGER = Swagger(read("apiDefinition.swagger.json"))
LEFT_OUT: Mapping[str, set[str]] = {
    "PostEvent": {
        "Idempotency-Key",  # the body's id means the same
        "version",  # a form draws the fields of the active one
        "person/externalIds",  # it has names that nobody knows before
    },
    "OnEvent": {
        "events",  # a form that draws fields draws those of one
        "definition",
        "destination",  # both narrow Signalbox's own events only
        *("url", "purpose", "destination", "definition", "createdAt", "disabledAt", "disabledReason"),
        "secrets",  # the history of a flow would show it
    },
    "OnFailedDelivery": {
        *("url", "purpose", "destination", "definition", "createdAt", "disabledAt", "disabledReason"),
        "secrets",
    },
    "ListEvents": {
        f"definitions/{name}"
        for name in (
            *("category", "purpose", "retentionDays", "staleAfterHours", "fromBrowsers", "unique"),
            *("versions", "warnings", "version"),
        )
    },
    "ListDestinations": {
        f"destinations/{name}" for name in ("settings", "createdAt", "disabledAt", "disabledReason")
    },
    "Unsubscribe": {"Signalbox-Section"},
}
"""What the connector does without, though the door has it."""
SECTION = {"Signalbox-Section", "section"}
"""Either says which section is meant."""


def described() -> Doc:
    """The app's own description, with all its doors."""
    importlib.import_module("function_app")
    document.cache_clear()
    found: Doc = document()
    return found


OURS = described()


@pytest.fixture(params=SWAGGER.list, ids=lambda one: one.id)
def operation(request: pytest.FixtureRequest) -> Operation:
    one: Operation = request.param
    return one


def ours(operation: Operation) -> Doc:
    found: Doc = OURS["paths"][operation.path][operation.method]
    return found


def resolved(schema: Doc) -> Doc:
    """Our schema itself, without references, and of several types the one that is not null."""
    if "$ref" in schema:
        return resolved(OURS["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    several = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    return resolved(several[0]) if several else schema


def members(schema: Doc) -> Mapping[str, Doc]:
    whole = resolved(schema)
    found: Mapping[str, Doc] = whole.get("properties") or resolved(whole.get("items", {})).get(
        "properties", {}
    )
    return found


def type_of(schema: Doc) -> str:
    whole = resolved(schema)
    return str(whole.get("type") or ("string" if "enum" in whole else "object"))


def test_a_parameter_of_the_connector_is_one_of_the_door(operation: Operation):
    known = {(one["name"], one["in"]): one for one in ours(operation)["parameters"]}

    for name, one in operation.parameters.items():
        if name != "body":
            door = known[name, one["in"]]
            assert type_of(door["schema"]) == one["type"]
            assert bool(one.get("required")) == bool(door.get("required"))


def test_the_connector_leaves_out_no_parameter_unnoticed(operation: Operation):
    door = {one["name"] for one in ours(operation)["parameters"]}
    missing = door - operation.parameters.keys() - LEFT_OUT.get(operation.id, set())

    assert missing <= (SECTION if operation.parameters.keys() & SECTION else set())


def test_the_body_of_the_connector_fits_the_door(operation: Operation):
    content = ours(operation).get("requestBody", {}).get("content", {})
    door = content.get("application/json", {}).get("schema", {})

    assert bool(content) == bool(operation.body)
    assert list(differences(operation.body, door, LEFT_OUT.get(operation.id, set()), "")) == []
    assert set(resolved(door).get("required", [])) <= set(operation.body.get("required", []))


def test_the_good_answer_is_that_of_the_door(operation: Operation):
    status, good = operation.good
    door = ours(operation)["responses"][status]
    content = door.get("content", {}).get("application/json", {}).get("schema", {})

    assert good.get("headers", {}).keys() <= door.get("headers", {}).keys()
    assert ("schema" in good) == bool(content)
    left = LEFT_OUT.get(operation.id, set())
    assert list(differences(good.get("schema", {}), content, left, "")) == []


def test_a_problem_is_what_every_refusal_is():
    problem = OURS["components"]["schemas"]["Problem"]

    assert list(differences(SWAGGER.doc["definitions"]["Problem"], problem, set(), "")) == []


def differences(theirs: Doc, door: Doc, left: set[str], at: str) -> Iterator[str]:
    """Members that only one of the two has, or has otherwise; a dynamic or free object is not looked into."""
    mine, known = SWAGGER.members(theirs), members(door)
    if mine:
        missing = {f"{at}{name}" for name in known} - {f"{at}{name}" for name in mine} - left
        yield from (f"{name} is not in the connector" for name in sorted(missing))
    for name, one in mine.items():
        if name not in known:
            yield f"{at}{name} is not at the door"
            continue
        yield from _otherwise(SWAGGER.resolved(one), known[name], f"{at}{name}")
        yield from differences(one, known[name], left, f"{at}{name}/")


def _otherwise(one: Doc, door: Doc, at: str) -> Iterator[str]:
    if one["type"] != type_of(door):
        yield f"{at} is of another type"
    if one.get("format", "int32") not in (resolved(door).get("format", "int32"), "int32"):
        yield f"{at} has another format"
    # What is sent may be left out instead of being null.
    if one.get("x-nullable") and {"type": "null"} not in door.get("anyOf", []):
        yield f"{at} is never null"


def test_what_is_null_is_said_to_be_so():
    """An answer that is null where nobody said so would break a flow."""
    for one in SWAGGER.list:
        content = ours(one)["responses"][one.good[0]].get("content", {}).get("application/json", {})
        for name, mine, door in _pairs(one.good[1].get("schema", {}), content.get("schema", {}), one.id):
            assert bool(mine.get("x-nullable")) == ({"type": "null"} in door.get("anyOf", [])), name


def _pairs(theirs: Doc, door: Doc, at: str) -> Iterator[tuple[str, Doc, Doc]]:
    known = members(door)
    for name, one in SWAGGER.members(theirs).items():
        yield f"{at}/{name}", one, known[name]
        yield from _pairs(one, known[name], f"{at}/{name}")


def test_the_failure_that_a_flow_is_told_has_the_fields_of_our_own_event():
    told = SWAGGER.members(SWAGGER.doc["definitions"]["FailedDelivery"])["data"]
    fields = SWAGGER.members(SWAGGER.members(told)["properties"])

    assert list(fields) == [one["name"] for one in own.fields(own.DELIVERY_FAILED)]
    assert {one["type"] for one in fields.values()} == {"string"}


def test_the_scopes_that_its_page_asks_for_are_those_that_its_operations_need():
    needed = {Scope(scope) for one in SWAGGER.list for way in ours(one)["security"] for scope in way["key"]}
    covered = {scope for one in needed for scope in COVERS.get(one, ())}
    line = next(line for line in (FOLDER / "README.md").read_text().splitlines() if "The key needs" in line)

    assert {part for part in line.split("`") if ":" in part or part == "operate"} == needed - covered


def test_a_difference_is_found_out():
    receipt: Any = {**SWAGGER.doc["definitions"]["Receipt"]["properties"]}
    door = {"$ref": "#/components/schemas/Receipt"}
    wrong = [
        {name: one for name, one in receipt.items() if name != "steps"},
        {**receipt, "colour": {"type": "string"}},
        {**receipt, "test": {"type": "string"}},
        {**receipt, "occurredAt": {"type": "string", "format": "date"}},
        {**receipt, "detail": {"type": "string", "x-nullable": True}},
    ]

    assert list(differences({"properties": receipt}, door, set(), "")) == []
    assert [one for one in wrong if not list(differences({"properties": one}, door, set(), ""))] == []
