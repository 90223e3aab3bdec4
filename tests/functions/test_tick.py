"""The HTTP twin of the timer."""

from local.client import Client
from tests.functions.asking import assert_problem
from tests.running import Running


def test_a_tick_says_what_it_did_in_each_of_its_parts(running: Running):
    answer = Client.keyed(running.stack.base_url, running.deployment_key).post("/v1/tick")

    assert answer.status == 200
    assert {"sweep", "due", "purge"} <= set(answer.doc)
    assert not [part for part in answer.doc.values() if "stopped" in part]


def test_a_tick_is_not_for_the_keys_of_sections(running: Running):
    assert_problem(running.client.post("/v1/tick"), 403, "forbidden")
