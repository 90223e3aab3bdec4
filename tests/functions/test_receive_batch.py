"""The door of many events: a verdict each, in order, and none costs another."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from functions.calls import KeyedCall
from functions.receive import post_batch
from functions.replies import Reply
from local.client import Client, Response
from shared.errors import Unavailable
from shared.sources import Received
from shared.stages.translate import MAX_BATCH
from tests.failing import FailingTables
from tests.functions.asking import assert_problem, pointers
from tests.functions.conftest import MakeKey
from tests.house import House, build
from tests.running import Running, order

BAD_ITEMS: Mapping[str, Any] = {
    "idempotency-key-reused": None,  # filled in: it needs the key of a good one
    "invalid": {"event": "transactions.order-placed", "properties": {"orderId": 7, "totalValue": "1"}},
    "unknown-event": {"event": "tests.nothing"},
    "unknown-version": {"event": "transactions.order-placed", "version": "ver_0"},
}
NO_EVENTS: tuple[Any, ...] = (5, None, "text", [], {}, {"event": 5}, True)


def batch(client: Client, *events: Any, **headers: str) -> Response:
    return client.post("/v1/events/batch", {"events": list(events)}, **headers)


def test_order(**changes: Any) -> dict[str, Any]:
    """An order that starts nothing: what is asked here is what the door says."""
    return order(test=True, person=None, **changes)


test_order.__test__ = False  # type: ignore[attr-defined]


def verdicts(answer: Response) -> list[str]:
    return [result["status"] for result in answer.doc["results"]]


@pytest.mark.slow
def test_a_thousand_items_get_a_verdict_each_in_order(running: Running):
    first = test_order()
    bad = [
        {**first, "properties": {"orderId": "other", "totalValue": 1}},
        *list(BAD_ITEMS.values())[1:],
        *NO_EVENTS,
    ]
    wrong = {100 * n + 50: item for n, item in enumerate(bad[:9])} | {
        990 + n: i for n, i in enumerate(bad[9:])
    }
    events = [wrong.get(n, first if n == 0 else test_order()) for n in range(MAX_BATCH)]

    answer = batch(running.client, *events)
    again = batch(running.client, *events[:100])

    assert (answer.status, again.status) == (207, 207)
    assert [result["index"] for result in answer.doc["results"]] == list(range(MAX_BATCH))
    assert verdicts(answer) == ["rejected" if n in wrong else "accepted" for n in range(MAX_BATCH)]
    assert verdicts(again) == ["rejected" if n in wrong else "duplicate" for n in range(100)]
    ids = [result["id"] for result in answer.doc["results"] if "id" in result]
    assert len(set(ids)) == MAX_BATCH - len(wrong)
    assert [result["id"] for result in again.doc["results"] if "id" in result] == ids[:99]


def test_a_rejected_item_says_what_is_wrong_with_it(running: Running):
    good = test_order()
    reused = {**good, "properties": {"orderId": "other", "totalValue": 1}}

    answer = batch(running.client, good, reused, *list(BAD_ITEMS.values())[1:])

    problems = [result["problem"] for result in answer.doc["results"][1:]]
    assert [problem["type"].removeprefix("/problems/") for problem in problems] == list(BAD_ITEMS)
    assert {problem["status"] for problem in problems} == {422}
    assert [fault["pointer"] for fault in problems[1]["errors"]] == [
        "/properties/orderId",
        "/properties/totalValue",
    ]


@pytest.mark.feature("F264")
def test_of_ten_with_three_bad_ones_seven_are_stored(running: Running):
    bad = dict(zip((1, 4, 9), list(BAD_ITEMS.values())[1:], strict=True))

    answer = batch(running.client, *(bad.get(n) or test_order() for n in range(10)))

    results = answer.doc["results"]
    assert (answer.status, [one["index"] for one in results]) == (207, list(range(10)))
    assert {one["index"] for one in results if one["status"] == "rejected" and one["problem"]} == bad.keys()
    stored = [running.client.get(f"/v1/events/{one['id']}").status for one in results if "id" in one]
    assert stored == [200] * 7


@pytest.mark.parametrize("item", NO_EVENTS, ids=json.dumps)
def test_what_is_no_event_costs_no_other(running: Running, item: Any):
    answer = batch(running.client, test_order(), item, test_order())

    assert (answer.status, verdicts(answer)) == (207, ["accepted", "rejected", "accepted"])
    assert answer.doc["results"][1]["problem"]["type"] == "/problems/invalid"


def test_equal_items_of_one_batch_are_one_event(running: Running):
    event = test_order()

    answer = batch(running.client, event, event, test_order(), event)

    assert verdicts(answer) == ["accepted", "duplicate", "accepted", "duplicate"]
    assert len({answer.doc["results"][n]["id"] for n in (0, 1, 3)}) == 1


def test_a_batch_knows_what_was_posted_alone(running: Running):
    event = test_order()
    alone = running.client.post("/v1/events", event)

    answer = batch(running.client, test_order(), event)

    assert verdicts(answer) == ["accepted", "duplicate"]
    assert answer.doc["results"][1]["id"] == alone.doc["id"]


def test_a_key_in_a_batchs_header_does_not_count(running: Running):
    key = secrets.token_hex(8)
    events = [{**test_order(), "id": None} for _ in range(2)]

    answers = [batch(running.client, *events, Idempotency_Key=key) for _ in range(2)]

    assert [verdicts(answer) for answer in answers] == [["accepted", "accepted"]] * 2


def test_a_limited_key_is_refused_the_other_items_only(running: Running, make_key: MakeKey):
    key = make_key("events:write", events=["transactions.order-placed"])["key"]
    client = Client.keyed(running.stack.base_url, key)

    answer = batch(client, {"event": "signals.survey-submitted"}, test_order())

    assert verdicts(answer) == ["rejected", "accepted"]
    assert answer.doc["results"][0]["problem"]["type"] == "/problems/forbidden"


@pytest.mark.parametrize(
    "body",
    [
        {"events": []},
        {"events": [{"event": "a.b"}] * (MAX_BATCH + 1)},
        {"events": {"event": "a.b"}},
        {"events": None},
        {"events": [], "test": True},
        {"event": "a.b"},
        {},
        [{"event": "a.b"}],
        None,
        5,
    ],
    ids=["none", "1001", "object", "null", "member", "event", "empty", "list", "nothing", "number"],
)
def test_what_is_no_batch_is_refused_whole(running: Running, body: Any):
    answer = running.client.send("POST", "/v1/events/batch", json.dumps(body).encode())

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/events"]


async def posted(house: House, *events: Any) -> Reply:
    """What the door answers where no host stands before it."""
    body_ = json.dumps({"events": events}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body_))}
    request = Received("POST", "/v1/events/batch", headers, body_)
    return await post_batch(KeyedCall(house.line, request, {}, {}, house.caller))


async def test_a_batch_of_which_something_is_to_be_sent_again_says_when():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    tables.before = lambda _, operations: Unavailable("away") if operations[0].row.pk == "demo|1" else None

    some = await posted(house, *(order(id=f"order-{n}") for n in range(40)))
    tables.come_back()
    none = await posted(house, *(order(id=f"order-{n}") for n in range(40)))

    assert {one["status"] for one in some.doc["results"]} == {"accepted", "retry"}
    assert (some.status, some.headers["Retry-After"]) == (207, "5")
    assert {one["status"] for one in none.doc["results"]} == {"accepted", "duplicate"}
    assert "Retry-After" not in none.headers
