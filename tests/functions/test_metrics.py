"""The doors that say how a section runs."""

import secrets
from typing import Any

import pytest

from tests.functions.asking import assert_problem, pointers
from tests.functions.conftest import MakeKey, Place
from tests.functions.test_funnel import a_definition, post
from tests.running import Running


def of(listed: list[dict[str, Any]], name: str, value: str) -> dict[str, Any]:
    [found] = [one for one in listed if one[name] == value]
    return found


@pytest.mark.feature("F256")
def test_the_numbers_of_a_dashboard_are_those_of_the_receipts_and_of_the_funnel(
    running: Running, make_key: MakeKey
):
    event, source, person = (
        a_definition(running),
        f"shop-{secrets.token_hex(4)}",
        {"crmId": secrets.token_hex(8)},
    )
    receipts = [
        post(running, event, person=person, source=source),
        post(running, event, person=person, source=source),
        post(running, event, person=person, source="erp"),
        post(running, event, person=person, source=source, test=True),
    ]
    reader = make_key("events:read", events=[event])["key"]

    told = type(running.client).keyed(running.stack.base_url, reader).get("/v1/metrics").doc

    funnel = running.client.get(f"/v1/definitions/{event}/funnel").doc
    stages = {one["stage"]: one["count"] for one in funnel["stages"]}
    [definition] = told["definitions"]
    assert (definition["received"], definition["outcomes"]["delivered"], definition["tests"]) == (3, 3, 1)
    assert (stages["received"], stages["delivered"], funnel["tests"]) == (3, 3, 1)
    assert {one["source"]: one["received"] for one in told["sources"]} == {source: 2, "erp": 1}
    assert told["total"]["latency"]["count"] == 3
    sent = [way for receipt in receipts for way in receipt["deliveries"]]
    for one in funnel["destinations"]:
        way = of(told["destinations"], "destination", one["destination"])
        assert (way["deliveries"], way["outcomes"]["delivered"]) == (one["deliveries"], one["delivered"])
        mine = [each for each in sent if each["destination"] == one["destination"]]
        assert way["deliveries"] == len(mine)
        assert way["outcomes"]["failed"] == sum(each["status"] == "dead" for each in mine)
        assert way["answerTime"]["count"] == way["outcomes"]["delivered"]


def test_the_whole_section_is_told_to_whoever_may_see_all_of_it(running: Running):
    event = a_definition(running)
    post(running, event, person={"crmId": "x"}, source="erp")

    told = running.client.get("/v1/metrics?limit=100&step=day").doc

    assert of(told["definitions"], "event", event)["received"] == 1
    assert told["total"]["waiting"]["dead"] >= 1
    for outcome, count in told["total"]["outcomes"].items():
        assert sum(one["outcomes"][outcome] for one in told["sources"]) == count
        assert sum(one["outcomes"][outcome] for one in told["parts"]) == count


def test_a_stranger_is_told_nothing_of_what_came_here(running: Running, stranger: Place):
    running.post_order()

    told = stranger.client.get("/v1/metrics").doc

    assert (told["total"]["received"], told["definitions"], told["destinations"]) == (0, [], [])


def test_metrics_need_the_right_to_read_events(running: Running, make_key: MakeKey):
    writer = make_key("events:write")["key"]

    refused = type(running.client).keyed(running.stack.base_url, writer).get("/v1/metrics")

    assert_problem(refused, 403, "forbidden")


def test_a_time_or_a_page_that_cannot_be_had_is_refused(running: Running):
    for query, where in (("limit=0", "/limit"), ("since=yesterday", "/since"), ("step=week", "/step")):
        answer = running.client.get(f"/v1/metrics?{query}")
        assert_problem(answer, 422, "invalid")
        assert pointers(answer) == [where]
