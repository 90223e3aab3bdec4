"""The app's own description is OpenAPI, leaves no door out, and says of each what its code does."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import validate

import function_app  # noqa: F401  (registers the doors)
from functions.doors import DOORS, Door
from functions.openapi import VERSION, document, refusals
from shared.access.rights import NEEDS, NEEDS_TOO
from shared.errors import Later, PausedSource, SignalboxError
from tests.functions.test_index import doors
from tests.running import Running
from tests.test_docs import every_error

ROOT = Path(__file__).parents[2]
BODIES = ROOT / "tests/fixtures/api"
UNFIT = {"mixed"}
"""A batch of which some events are none."""
UNMADE = """
import function_app
from functions.openapi import document
assert document.cache_info().currsize == 0
"""
TURNED = """
from functions import tick, operate, preflight, access
import function_app
from functions.openapi import document
import json
print(json.dumps(document()))
"""
NOT_OF_A_DOOR = {PausedSource, Later}
"""The first is only a cause of quarantine, the second is met by a message's work."""


def operations() -> dict[str, dict[str, Any]]:
    paths = document()["paths"]
    return {f"{method.upper()} {path}": one for path, item in paths.items() for method, one in item.items()}


def test_it_is_valid_openapi():
    validate(document())


def test_every_door_is_described_and_nothing_else():
    assert sorted(operations()) == sorted(door for door in doors() if not door.startswith("HEAD "))


def test_the_scope_that_a_door_needs_is_told():
    for route, operation in operations().items():
        needed = [str(one) for one in (NEEDS[route], *NEEDS_TOO.get(route, ()))] if route in NEEDS else []
        assert [scope for one in operation["security"] for scope in one["key"]] == needed
        assert all(f"`{scope}`" in operation["description"] for scope in needed)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.route)
def test_a_door_says_what_it_does(door: Door):
    assert re.fullmatch(r"[A-Z].*\.", door.handler.__doc__ or "")


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.route)
def test_a_door_declares_what_it_reads(door: Door):
    """Whoever asks a call for its body or its query has said so, and the other way round."""
    read = set(door.handler.__code__.co_names)

    if "GET" not in door.methods and "OPTIONS" not in door.methods:
        assert (door.wants.body is not None) == bool(read & {"body", "optional_body", "request"})
    assert bool(door.wants.query) == ("query" in read or "page_of" in read)


def test_every_door_that_reads_json_has_a_body_to_try_and_to_bend():
    reading = {door.handler.__name__ for door in DOORS if door.wants.body not in (None, bytes)}

    assert {path.name for path in BODIES.iterdir() if list(path.glob("*.json"))} == reading


@pytest.mark.parametrize(
    "path", sorted(BODIES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_body_that_its_door_reads_fits_the_description(path: Path):
    [operation] = [one for one in operations().values() if one["operationId"] == path.parent.name]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    check = jsonschema_rs.validator_for({**schema, "components": document()["components"]})

    assert check.is_valid(json.loads(path.read_bytes())) == (path.stem not in UNFIT)


def test_every_problem_is_of_some_door():
    told = {kind for door in DOORS for kind in refusals(door)}

    assert told == set(every_error(SignalboxError)) - NOT_OF_A_DOOR


def test_every_component_is_referred_to():
    text = str(document())
    components = document()["components"]

    for room in ("schemas", "responses"):
        assert [name for name in components[room] if f"'#/components/{room}/{name}'" not in text] == []


@pytest.mark.feature("F132")
def test_it_is_served_to_anybody_as_it_is(running: Running):
    answer = running.anonymous.get("/openapi.json")
    validate(answer.doc)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.doc == document()


def test_it_is_made_when_it_is_first_asked_for():
    subprocess.run([sys.executable, "-c", UNMADE], cwd=ROOT, check=True)  # noqa: S603


def test_it_is_the_same_whichever_module_was_imported_first():
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", TURNED], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert told.stdout.strip() == json.dumps(document())


def test_its_version_is_that_of_the_project():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
