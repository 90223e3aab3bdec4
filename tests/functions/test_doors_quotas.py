"""A caller that sends more than its quota is told when to come back, and everybody is told how theirs stands."""

import asyncio
import json
import secrets
from functools import partial
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from functions import receive, serving
from local.client import Client
from local.demo.furnish import SHOP, TYPES
from shared.access.tokens import RANDOM_BYTES
from tests.functions.asking import assert_problem, shop_order, webhook
from tests.functions.conftest import MakeKey
from tests.house import House, body, build, order
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

    taken = client.post("/v1/events/batch", batch)

    assert (taken.status, taken.headers["ratelimit"]) == (207, '"key";r=0;t=66')
    assert_problem(client.get("/v1/events"), 429, "quota-exceeded")


def test_a_source_has_the_quota_that_it_is_given_and_later_another(running: Running):
    made = running.operator.post("/v1/sources", {**SHOP, "name": "slow", "types": TYPES, "perMinute": 1}).doc
    first, second = (webhook(running, shop_order(), made["hookPath"]) for _ in range(2))
    changed = running.operator.put(f"/v1/sources/{made['id']}/quota", {"perMinute": 100})
    third = webhook(running, shop_order(), made["hookPath"])

    assert (made["perMinute"], changed.doc["perMinute"]) == (1, 100)
    assert (first.status, third.status) == (202, 202)
    assert_problem(second, 429, "quota-exceeded")
    assert second.headers["ratelimit-policy"] == '"source";q=1;w=60'


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> House:
    """The doors of this process lead into it, so that what they ask of storage can be counted."""
    house = await build().furnish()
    monkeypatch.setattr(serving, "line", lambda: house.line)
    return house


def post_event() -> Any:
    """The function that the host calls."""
    app = func.FunctionApp()
    app.register_functions(receive.bp)
    [found] = [one for one in app.get_functions() if one.get_function_name() == "post_event"]
    context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))
    return partial(found.get_user_function(), context=context)


async def keyed(house: House, per_minute: int) -> dict[str, str]:
    """The headers of a key of its own."""
    wanted = {"name": "k", "scopes": ["events:write"], "source": "shop", "perMinute": per_minute}
    made = await house.line.keys.create("demo", body(wanted), secrets.token_bytes(RANDOM_BYTES))
    return {"authorization": f"Bearer {made['key']}", "content-type": "application/json"}


def an_order(headers: dict[str, str]) -> func.HttpRequest:
    content = json.dumps(order(id=secrets.token_hex(8))).encode()
    return func.HttpRequest("POST", "https://x.example/v1/events", headers=headers, body=content)


async def idle(house: House) -> None:
    for one in (house.line.hand_off, house.line.quotas, house.line.used):
        await one.idle()


async def test_a_flood_costs_storage_one_note_whichever_way_it_is_mixed_with_others_requests(house: House):
    post, flooding, other = post_event(), await keyed(house, 1), await keyed(house, 60_000)
    for headers in (flooding, other):
        assert (await post(an_order(headers))).status_code == 202
    await idle(house)
    before = house.tables.requests
    assert (await post(an_order(other))).status_code == 202
    await idle(house)
    alone = house.tables.requests - before

    mixed = [flooding] * 200 + [other] + [flooding] * 200
    answers = await asyncio.gather(*(post(an_order(headers)) for headers in mixed))
    await idle(house)

    assert [one.status_code for one in answers] == [429] * 200 + [202] + [429] * 200
    # One row is read and written once a minute: how many were refused.
    assert house.tables.requests - before == 2 * alone + 2


async def test_what_is_refused_for_its_quota_waits_for_nothing_so_nobody_waits_behind_it(house: House):
    post, flooding = post_event(), await keyed(house, 1)
    assert (await post(an_order(flooding))).status_code == 202

    with pytest.raises(StopIteration) as ended:
        post(an_order(flooding)).send(None)

    assert ended.value.value.status_code == 429
