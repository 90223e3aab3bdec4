"""The demo section is made once and found again."""

import pytest

from local.demo.furnish import DESTINATIONS, ORDER, SHOP_SECRET, NotFurnished, furnish, is_known
from tests.running import Running


def again(running: Running, key: str | None):
    return furnish(running.stack.base_url, running.deployment_key, running.stack.receiver_url, key)


def test_what_exists_is_found_again(running):
    def there() -> list[str]:
        found = [
            running.operator.get(f"/v1/{kind}").doc[kind] for kind in ("destinations", "routes", "sources")
        ]
        return [one["id"] for kind in found for one in kind]

    before = there()
    assert again(running, running.demo.key) == running.demo
    assert there() == before
    assert {*DESTINATIONS} <= {*before}


def test_a_source_of_somebodys_own_is_left_alone(running):
    types = {"orders/cancelled": {"event": ORDER}}
    source = {"name": "a shop", "kind": "shopify", "label": "own", "secrets": {"signing": SHOP_SECRET}}
    own = running.operator.post("/v1/sources", {**source, "types": types}).doc
    assert again(running, running.demo.key) == running.demo
    assert list(running.operator.get(f"/v1/sources/{own['id']}").doc["types"]) == ["orders/cancelled"]


def test_a_key_that_storage_has_forgotten_is_made_anew(running):
    known = running.demo.key
    forgotten = known[:-1] + ("0" if known[-1] != "0" else "1")
    assert is_known(running.stack.base_url, known)
    assert not is_known(running.stack.base_url, forgotten)
    assert is_known(running.stack.base_url, again(running, forgotten).key)


def test_a_refusal_names_the_request_and_the_problem(running):
    with pytest.raises(NotFurnished, match=r"POST /v1/sections answered 403: .*sections:write"):
        furnish(running.stack.base_url, running.demo.key, running.stack.receiver_url, None)
