"""Routes: an event takes the active routes of its definition, and none that leads nowhere is made."""

import pytest

from shared.errors import Conflict, Invalid, NotFound
from shared.mapping import MAX_EXPRESSIONS
from tests.house import OK, ORDER, body, build

EVENT = ORDER["event"]


async def create(house, id="rt-new", **changes):
    doc = {"event": EVENT, "destination": "crm", **changes}
    return await house.line.routes.create("demo", body(doc), id)


def pointers(refusal):
    return sorted(fault.pointer for fault in refusal.value.faults)


async def taken(house, event=EVENT):
    return [route.id for route in await house.line.routes.of_event("demo", event)]


async def test_a_route_takes_its_definition_s_purpose_unless_it_says_another():
    house = await build().furnish()

    assert (await create(house))["purpose"] == ORDER["purpose"]
    assert (await create(house, "rt-2", purpose="service"))["purpose"] == "service"


async def test_an_event_takes_its_own_active_routes():
    house = await build().furnish()
    await house.line.definitions.create("demo", body({**ORDER, "event": "other.thing"}))
    await create(house, "rt-other", event="other.thing")
    await create(house, "rt-paused")
    await house.line.routes.set_status("demo", "rt-paused", "paused")

    assert await taken(house) == ["rt-crm"]
    assert await taken(house, "other.thing") == ["rt-other"]
    assert await taken(house, "no.such") == []


async def test_a_route_that_is_resumed_takes_events_again():
    house = await build().furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    assert await taken(house) == []

    await house.line.routes.set_status("demo", "rt-crm", "active")

    assert await taken(house) == ["rt-crm"]


async def test_an_event_that_came_while_its_route_was_paused_does_not_take_it_later():
    house = await build().furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    id = await house.accept()
    await house.work()

    await house.line.routes.set_status("demo", "rt-crm", "active")
    await house.pass_(hours=3)

    assert (await house.receipt(id))["status"] == "processed"
    assert house.http.requests == []


async def test_a_route_that_leads_nowhere_is_refused_with_all_that_is_missing():
    house = await build().furnish()

    with pytest.raises(Invalid) as refusal:
        await create(house, event="no.such", destination="nowhere")

    assert pointers(refusal) == ["/destination", "/event"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"event": "Not A Name"}, "/event"),
        ({"destination": 7}, "/destination"),
        ({"colour": "red"}, "/colour"),
        ({"mapping": {"total": "properties.["}}, "/mapping/total"),
        ({"mapping": {str(n): "id" for n in range(MAX_EXPRESSIONS + 1)}}, "/mapping"),
    ],
)
async def test_what_cannot_be_a_route_is_refused_with_its_place(changes, pointer):
    house = await build().furnish()

    with pytest.raises(Invalid) as refusal:
        await create(house, **changes)

    assert any(one.startswith(pointer) for one in pointers(refusal))


async def test_an_id_is_taken_once():
    house = await build().furnish()
    await create(house)

    with pytest.raises(Conflict):
        await create(house)


async def test_routes_are_listed_and_read_in_their_section_only():
    house = await build().furnish()

    assert [one["id"] for one in await house.line.routes.list("demo")] == ["rt-crm"]
    assert (await house.line.routes.read("demo", "rt-crm"))["destination"] == "crm"
    assert await house.line.routes.list("other") == []
    with pytest.raises(NotFound):
        await house.line.routes.read("other", "rt-crm")
    with pytest.raises(NotFound):
        await house.line.routes.set_status("demo", "rt-none", "paused")


async def test_a_mapping_decides_what_is_sent():
    house = await build(OK, OK).furnish()
    await create(
        house, mapping={"order": "properties.orderId", "sum": "properties.totalValue", "who": "person.email"}
    )
    await house.accept()
    await house.work()

    sent = [request.body for request in house.http.requests if b'"order"' in request.body]
    assert len(sent) == 1
    assert b'"properties":{"order":"1001","sum":42.5,"who":"ada@example.com"}' in sent[0]


LARGE = {"field": "properties.totalValue", "is": "at-least", "value": 100}


async def test_a_route_with_a_condition_takes_what_meets_it_and_the_receipt_says_so():
    house = await build(OK, OK, OK).furnish()
    await create(house, "rt-large", condition=LARGE)

    small = await house.accept(id="small", properties={"orderId": "1", "totalValue": 99.99})
    large = await house.accept(id="large", properties={"orderId": "2", "totalValue": 100})
    await house.work()

    small, large = [await house.receipt(id) for id in (small, large)]
    assert [one["route"] for one in small["deliveries"]] == ["rt-crm"]
    assert sorted(one["route"] for one in large["deliveries"]) == ["rt-crm", "rt-large"]
    assert [step["detail"] for step in small["steps"] if step["name"] == "route"] == ["1 route(s), 1 not met"]


async def test_an_event_that_meets_no_condition_is_told_why_it_goes_nowhere():
    house = await build().furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    await create(house, "rt-large", condition=LARGE)

    id = await house.accept()
    await house.work()

    receipt = await house.receipt(id)
    [step] = [step for step in receipt["steps"] if step["name"] == "route"]
    assert (receipt["deliveries"], step["outcome"], step["reason"]) == ([], "none", "no_condition_met")


async def test_a_route_of_some_versions_takes_their_events_only():
    house = await build(OK, OK).furnish()
    first = (await house.line.definitions.read("demo", EVENT))["version"]["id"]
    await create(house, "rt-first", versions=[first])
    await house.line.definitions.add_version("demo", EVENT, body({"fields": ORDER["fields"]}))

    old = await house.accept(id="old", version=first)
    new = await house.accept(id="new")

    found = {}
    for id in (old, new):
        stored = await house.line.ledger.event("demo", id)
        routes = await house.line.routes.of_event("demo", EVENT)
        found[id] = [route.id for route in routes if route.takes(stored)]
    assert found == {old: ["rt-crm", "rt-first"], new: ["rt-crm"]}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"versions": ["ver_nothing"]}, ["/versions/0"]),
        ({"versions": []}, ["/versions"]),
        ({"condition": {**LARGE, "value": "100"}}, ["/condition/value"]),
        ({"condition": {"all": [LARGE, {}]}, "versions": ["x"]}, ["/condition/all/1", "/versions/0"]),
        ({"condition": []}, ["/condition"]),
    ],
)
async def test_a_route_that_could_not_work_is_refused_where_it_is_wrong(changes, where):
    house = await build().furnish()

    with pytest.raises(Invalid) as refusal:
        await create(house, **changes)

    assert pointers(refusal) == where


async def test_a_condition_keeps_the_types_that_it_was_made_for():
    house = await build(OK, OK).furnish()
    await create(house, "rt-large", condition=LARGE)
    fields = [{"name": "totalValue", "type": "text", "required": True, "description": "In words"}]
    await house.line.definitions.add_version("demo", EVENT, body({"fields": fields}))

    id = await house.accept(properties={"totalValue": "a hundred"})
    await house.work()

    assert [one["route"] for one in (await house.receipt(id))["deliveries"]] == ["rt-crm"]
