"""A preview says whether an event would take a route and what would be sent, and does neither."""

import pytest

from shared import exact
from shared.errors import Invalid
from shared.operations.preview import preview
from tests.house import ORDER, body, build, order

ROUTE = {"event": ORDER["event"], "destination": "crm", "mapping": {"total": "properties.totalValue"}}
LARGE = {"field": "properties.totalValue", "is": "at-least", "value": 100}


async def previewed(event=None, **route):
    house = await build().furnish()
    told = await preview(
        house.line, "demo", body({"route": {**ROUTE, **route}, "event": order() if event is None else event})
    )
    assert (house.rows("events"), house.queue.sent, house.http.requests) == ([], [], [])
    assert len(await house.line.routes.list("demo")) == 1
    return told


async def test_what_would_be_sent_is_shown_without_secrets():
    told = await previewed()

    request = told["request"]
    assert (told["takes"], told["reason"], told["errors"]) == (True, None, [])
    assert (request["method"], request["url"]) == ("POST", "https://crm.example.com/hook")
    assert "webhook-signature" in request["headers"]
    assert "v1," not in str(told)
    assert exact.loads(request["body"])["data"]["properties"] == {"total": 42.5}


async def test_the_query_of_a_url_is_not_shown():
    house = await build().furnish()
    await house.add_destination("flow", "https://flow.example.com/run?sig=hunter22")

    told = await preview(
        house.line, "demo", body({"route": {**ROUTE, "destination": "flow"}, "event": order()})
    )

    assert told["request"]["url"] == "https://flow.example.com/run"
    assert "hunter22" not in str(told)


async def test_an_event_that_does_not_meet_the_condition_would_not_take_it():
    told = await previewed(condition=LARGE)

    assert (told["takes"], told["request"]) == (False, None)
    assert "does not meet" in told["reason"]


async def test_an_event_that_does_not_fit_its_definition_is_told_what_is_wrong():
    told = await previewed(order(properties={"orderId": 7}))

    assert not told["takes"]
    assert {fault["pointer"] for fault in told["errors"]} == {"/properties/orderId", "/properties/totalValue"}


async def test_a_mapping_that_does_not_fit_the_event_is_told():
    told = await previewed(mapping={"total": "to_number(properties.orderId)", "n": "abs(properties.orderId)"})

    assert (told["takes"], told["request"]) == (True, None)
    assert told["reason"]


async def test_an_event_of_another_definition_would_not_take_it():
    house = await build().furnish()
    await house.line.definitions.create("demo", body({**ORDER, "event": "other.thing"}))

    told = await preview(
        house.line, "demo", body({"route": ROUTE, "event": {**order(), "event": "other.thing"}})
    )

    assert not told["takes"]


@pytest.mark.parametrize(
    ("route", "where"),
    [
        ({"destination": "nowhere"}, "/route/destination"),
        ({"condition": {}}, "/route/condition"),
        ({"purpose": "No no"}, "/route/purpose"),
        ({"mapping": {"x": "["}}, "/route/mapping/x"),
    ],
)
async def test_a_route_that_cannot_be_is_refused_where_it_is_wrong(route, where):
    with pytest.raises(Invalid) as refusal:
        await previewed(**route)

    assert [fault.pointer for fault in refusal.value.faults] == [where]
