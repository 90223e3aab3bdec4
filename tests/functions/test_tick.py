"""The HTTP twin of the timer."""

import secrets

import pytest

from local.client import Client
from tests.functions.asking import Storage, assert_problem, kept
from tests.kill.rewind import expire
from tests.running import Running


def test_a_tick_says_what_it_did_in_each_of_its_parts(running: Running):
    answer = Client.keyed(running.stack.base_url, running.deployment_key).post("/v1/tick")

    assert answer.status == 200
    assert {"sweep", "due", "purge"} <= set(answer.doc)
    assert not [part for part in answer.doc.values() if "stopped" in part]


def test_a_tick_is_not_for_the_keys_of_sections(running: Running):
    assert_problem(running.client.post("/v1/tick"), 403, "forbidden")


@pytest.mark.slow
@pytest.mark.feature("F194")
def test_what_is_past_its_retention_is_nowhere_any_more(running: Running):
    order_id = f"gone-{secrets.token_hex(8)}"
    answer = running.post_order(properties={"orderId": order_id, "totalValue": 1})
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")
    timeline = f"/v1/people/{receipt['personId']}/timeline"
    there = [one["id"] for one in running.client.get(timeline).doc["events"]]
    held = [text for text in kept(running) if order_id in text]

    expire(Storage.of(running), answer.doc["id"])
    assert running.operator.post("/v1/tick").status == 200

    assert (answer.doc["id"] in there, bool(held)) == (True, True)
    assert_problem(running.client.get(answer.doc["receipt"]), 404, "not-found")
    for path in (timeline, "/v1/events?limit=100"):
        assert answer.doc["id"] not in [one["id"] for one in running.client.get(path).doc["events"]]
    assert [text for text in kept(running) if order_id in text] == []
