"""A new master key on the real stack: set it, rotate every section, withdraw the old one, and all goes on."""

from dataclasses import replace
from pathlib import Path

import pytest

from local.azurite import installed
from local.client import Client
from local.demo.furnish import furnish
from local.stack import Stack
from shared.azure.vault import new_master_key
from tests.functions.asking import assert_problem, shop_order, webhook
from tests.running import Running, deployment_key, fresh, order


@pytest.mark.slow
def test_a_master_key_is_changed_and_the_old_one_withdrawn_while_everything_goes_on(tmp_path: Path):
    if not installed():
        pytest.skip("Azurite is not installed: make setup")
    kept, new = fresh(), new_master_key()
    old = kept.master_keys
    with _stack(tmp_path, kept) as stack:
        key = deployment_key(stack)
        demo = furnish(stack.base_url, key, stack.receiver_url, None)
        running = Running(stack, demo, key)
        first = running.post_order()
        assert running.client.receipt(first.doc["id"], _delivered)["status"] == "delivered"

    with _stack(tmp_path, replace(kept, master_keys=f"{new},{old}")) as stack:
        deployment = Client.keyed(stack.base_url, key)
        sections = [one["id"] for one in deployment.get("/v1/sections").doc["sections"]]
        told = [deployment.post(f"/v1/sections/{id}/rotate").doc for id in sections]
        again = [deployment.post(f"/v1/sections/{id}/rotate").doc["resealed"] for id in sections]

    with _stack(tmp_path, replace(kept, master_keys=new)) as stack:
        running = Running(stack, demo, key)
        repeat = running.client.post("/v1/events", order(id="rotated"))
        receipt = running.client.receipt(repeat.doc["id"], _delivered)
        hooked = webhook(running, shop_order())
        person = running.client.receipt(first.doc["id"], _delivered)["personId"]

    assert {one["masterKey"] for one in told} == {new.partition(":")[0]}
    assert all(one["resealed"] > 2 for one in told)
    assert set(again) == {0}
    assert (receipt["status"], hooked.status) == ("delivered", 202)
    assert receipt["personId"] == person


def test_a_section_that_is_not_there_is_not_rotated(running: Running):
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)

    assert_problem(deployment.post("/v1/sections/nowhere/rotate"), 404, "not-found")


def _stack(home: Path, kept: object) -> Stack:
    return Stack(kept, lambda _: None, home, timers=False)  # type: ignore[arg-type]


def _delivered(doc: dict[str, object]) -> bool:
    return doc["status"] == "delivered"
