"""The doors of webhook sources."""

import secrets
from typing import Any

import pytest

from tests.functions.asking import assert_problem, pointers
from tests.running import Running


def test_a_source_is_registered_read_and_mended_without_its_secret(running: Running):
    secret = f"shh-{secrets.token_hex(8)}"
    body = {"name": "shop", "kind": "shopify", "label": "web", "secrets": {"signing": secret}}

    made = running.operator.post("/v1/sources", body)
    path = made.headers["location"]
    types = {"orders/create": {"event": "transactions.order-placed", "version": None, "mapping": None}}
    mended = running.operator.put(f"{path}/types", types)
    read, listed = running.operator.get(path), running.operator.get("/v1/sources")

    assert (made.status, made.doc["hookPath"]) == (201, f"/v1/hooks/{made.doc['id']}")
    assert (mended.status, read.doc["types"]) == (200, types)
    assert read.doc in listed.doc["sources"]
    assert secret not in str([made.doc, mended.doc, read.doc, listed.doc])
    assert read.doc["secrets"] == 1


def test_a_mapping_is_refused_before_it_is_nested_too_deeply_to_be_read_again(running: Running):
    nested: Any = "id"
    for _ in range(20):
        nested = {"a": nested}
    body = {
        "name": "deep",
        "kind": "shopify",
        "label": "web",
        "types": {"t": {"event": "a.b", "mapping": nested}},
    }

    answer = running.operator.post("/v1/sources", body)

    assert_problem(answer, 422, "invalid")
    assert pointers(answer)[0].startswith("/types/t/mapping/a")
    assert running.operator.get("/v1/sources").status == 200


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"kind": "os"}, ["/kind"]),
        ({"kind": "../shopify"}, ["/kind"]),
        ({"secrets": {"signing": "short"}}, ["/secrets/signing"]),
        ({"secrets": {}}, ["/secrets/signing"]),
        ({"types": {"t": {"event": "no name"}}}, ["/types/t/event"]),
        ({"types": {"": {"event": "a.b"}}}, ["/types/"]),
        ({"types": []}, ["/types"]),
        ({"paused": True}, ["/paused"]),
        ({"settings": {"a": 1}}, ["/settings"]),
        ({"kind": "generic"}, ["/settings/proof"]),
        ({"kind": "generic", "settings": {"proof": {"scheme": "none"}}}, ["/settings/proof"]),
        ({"kind": "dataverse", "settings": {"ownUsers": ["me"]}}, ["/settings/ownUsers/0"]),
        ({"unverified": True, "secrets": {"signing": "long enough"}}, [""]),
        ({"unverified": "yes"}, ["/unverified"]),
    ],
)
def test_a_source_that_cannot_be_is_refused(running: Running, changes: dict[str, Any], where: list[str]):
    answer = running.operator.post(
        "/v1/sources", {"name": "shop", "kind": "shopify", "label": "web", **changes}
    )

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == where


def test_a_source_is_set_up_anew_and_settings_that_do_not_fit_change_nothing(running: Running):
    body = {"name": "any", "kind": "generic", "label": "any", "settings": {"proof": {"scheme": "secret"}}}
    made = running.operator.post("/v1/sources", body)
    path = f"/v1/sources/{made.doc['id']}"

    wrong = running.operator.put(f"{path}/settings", {"proof": {"scheme": "secret"}, "id": "["})
    before = running.operator.get(path).doc
    right = running.operator.put(f"{path}/settings", {"proof": {"scheme": "secret"}, "id": "body.id"})

    assert_problem(wrong, 422, "invalid")
    assert (pointers(wrong), before["settings"]) == (["/id"], body["settings"])
    assert right.doc["settings"]["id"] == "body.id"
    assert running.operator.get(path).doc == right.doc


def test_a_document_that_is_larger_than_a_row_is_refused(running: Running):
    mapping = {"properties": {"x" * 1_200_000: "id"}}
    body = {
        "name": "shop",
        "kind": "shopify",
        "label": "web",
        "types": {"t": {"event": "a.b", "mapping": mapping}},
    }

    assert_problem(running.operator.post("/v1/sources", body), 413, "body-too-large")
