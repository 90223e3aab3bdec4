"""The doors that say that somebody is in, and whether events can be taken in."""

from typing import Any

import pytest

from local.client import Client
from tests.functions.asking import assert_problem
from tests.functions.conftest import MakeKey
from tests.kill.rig import wait_until
from tests.running import Running

SECONDS = 20


def test_anybody_may_ask_whether_the_instance_is_alive(running: Running):
    answer = running.anonymous.get("/health/live")

    assert (answer.status, answer.doc) == (200, {"status": "alive"})


def test_it_tells_a_stranger_nothing_else(running: Running):
    answer = running.anonymous.get("/health/live?verbose=1")

    assert answer.doc == {"status": "alive"}
    assert not {"server", "x-powered-by"} & set(answer.headers)


def test_anybody_may_ask_whether_events_can_be_taken_in_and_learns_no_more(running: Running):
    answer = running.anonymous.get("/health/ready")

    assert (answer.status, answer.doc) == (200, {"status": "ready"})


@pytest.mark.feature("F259")
def test_whoever_operates_is_told_how_each_part_stands(running: Running):
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)
    deployment.post("/v1/tick")

    def told() -> dict[str, Any]:
        doc: dict[str, Any] = running.operator.get("/health/ready").doc
        return {one["name"]: one for one in doc["dependencies"]}

    wait_until(lambda: told()["tick"]["ready"], "what was found before the tick to be forgotten", SECONDS)
    parts = told()
    assert set(parts) == {"tables", "masterKeys", "blobs", "bus", "tick"}
    assert all(one["ready"] and one["detail"] is None for one in parts.values())
    assert all(0 <= one["milliseconds"] < 3_000 for one in parts.values())
    assert running.operator.get("/health/ready").doc["status"] == "ready"


def test_a_credential_that_is_good_for_nothing_here_is_refused(running: Running, make_key: MakeKey):
    reader = Client.keyed(running.stack.base_url, make_key("events:read")["key"])

    assert_problem(reader.get("/health/ready"), 403, "forbidden")
    wrong = Client.keyed(running.stack.base_url, "sbx_wrong")
    assert_problem(wrong.get("/health/ready"), 401, "unauthenticated")
