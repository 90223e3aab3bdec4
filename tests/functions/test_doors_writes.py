"""Whatever stands in a body that a door takes, the answer is never a fault of ours, and what was written can be read."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.functions.asking import PROBLEM, ask
from tests.functions.conftest import Place

GOOD: Mapping[str, Any] = {
    "/v1/definitions": {
        "event": "tests.mutant",
        "title": "Mutant",
        "description": "Any",
        "purpose": "marketing",
        "retentionDays": 30,
        "fields": [{"name": "a", "type": "text", "required": True, "description": "Any"}],
    },
    "/v1/destinations": {
        "name": "mutant",
        "kind": "webhook",
        "settings": {"url": "https://a.example/hook", "timeoutSeconds": 5},
        "secrets": {"signingSecret": "whsec_" + "QUFB" * 11},
    },
    "/v1/routes": {
        "event": "tests.mutant",
        "destination": "mutant",
        "purpose": "marketing",
        "mapping": {"a": "id", "b": {"c": "event"}},
    },
    "/v1/sources": {
        "name": "mutant",
        "kind": "shopify",
        "label": "web",
        "secrets": {"signing": "12345678"},
        "types": {"orders/create": {"event": "a.b", "version": "v", "mapping": {"id": "id"}}},
    },
    "/v1/keys": {
        "name": "mutant",
        "scopes": ["events:write"],
        "source": "web",
        "events": ["a.b"],
        "expiresAt": "2099-01-01T00:00:00Z",
    },
    "/v1/consents": {
        "email": "ada@example.com",
        "purpose": "marketing",
        "state": "opted_out",
        "reason": "any",
    },
    "/v1/events": {
        "event": "tests.mutant",
        "id": "mutant",
        "occurredAt": "2026-01-01T00:00:00Z",
        "source": "web",
        "person": {"email": "ada@example.com", "mobile": "+46701740605", "externalIds": {"erp": "1"}},
        "properties": {"a": "a"},
        "test": True,
    },
}
ODD: tuple[Any, ...] = (
    None,
    True,
    -1.5,
    10**40,
    "",
    "\x00\x1b",
    "\U0001f600\ufffe",
    "x" * 40_000,
    "http://[::1",
    "0001-01-01T00:00:00+14:00",
    [],
    [[{}]],
    {"": {"~/": [None]}},
    {str(n): "id" for n in range(300)},
)


@pytest.fixture(scope="session")
def furnished(noisy: Place) -> Place:
    """With the definition and the destination that routes and events name."""
    for path in ("/v1/definitions", "/v1/destinations"):
        assert noisy.client.post(path, GOOD[path]).status == 201
    return noisy


def places(doc: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything in a document, itself included."""
    yield here
    inside = doc.items() if isinstance(doc, dict) else enumerate(doc) if isinstance(doc, list) else ()
    for step, value in inside:
        yield from places(value, (*here, step))


def changed(doc: Any, place: tuple[Any, ...], value: Any) -> Any:
    """The document with something else in that place."""
    if not place:
        return value
    whole = copy.deepcopy(doc)
    part = whole
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    return whole


@pytest.mark.slow
@pytest.mark.parametrize("path", GOOD)
def test_an_odd_value_anywhere_in_a_body_is_never_a_fault_of_ours(furnished: Place, path: str):
    bodies = [changed(GOOD[path], place, value) for place in places(GOOD[path]) for value in ODD]

    answers = [ask(furnished.client, "POST", path, json.dumps(body).encode()) for body in bodies]
    refused = [answer for answer in answers if answer.status >= 400]

    assert [answer.doc for answer in answers if answer.status >= 500] == []
    assert {answer.headers["content-type"] for answer in refused} == {PROBLEM}
    assert len(refused) > len(bodies) / 2
    if path not in ("/v1/consents", "/v1/events"):
        assert furnished.client.get(path).status == 200
