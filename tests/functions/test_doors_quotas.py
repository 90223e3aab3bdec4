"""A caller that sends more than its quota is told when to come back, and everybody is told how theirs stands."""

import pytest

from local.client import Client
from tests.functions.asking import assert_problem
from tests.functions.conftest import MakeKey
from tests.running import Running


@pytest.mark.feature("F88")
def test_a_key_beyond_its_quota_is_told_when_to_come_back_and_another_is_not_concerned(
    running: Running, make_key: MakeKey
):
    slow, other = (
        Client.keyed(running.stack.base_url, make_key("events:read", perMinute=minute)["key"])
        for minute in (2, 60_000)
    )

    passed = [slow.get("/v1/events") for _ in range(2)]
    refused = slow.get("/v1/events")

    assert [one.status for one in passed] == [200, 200]
    assert passed[0].headers["ratelimit-policy"] == '"key";q=2;w=60'
    assert passed[0].headers["ratelimit"] == '"key";r=1;t=30'
    assert_problem(refused, 429, "quota-exceeded")
    wait = int(refused.headers["retry-after"])
    assert 0 < wait <= 30
    assert refused.headers["ratelimit"] == f'"key";r=0;t={wait}'
    assert other.get("/v1/events").status == 200


def test_the_events_of_a_batch_count_one_each(running: Running, make_key: MakeKey):
    client = Client.keyed(
        running.stack.base_url, make_key("events:write", "events:read", perMinute=10)["key"]
    )
    batch = {"events": [{"event": "tests.nothing"}] * 10}

    assert client.post("/v1/events/batch", batch).status == 207
    assert_problem(client.get("/v1/events"), 429, "quota-exceeded")
