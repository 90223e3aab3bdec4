"""A subscription is sent what it asked for, signed, from when it is made until it is deleted or its receiver answers 410."""

from datetime import timedelta

import pytest

from shared import exact
from shared.catalog import own
from shared.errors import Invalid, LimitReached, NotFound
from shared.operations import unpark
from shared.operations.notices import TOLD_AFTER
from shared.operations.pace import Pace
from shared.ports import Answer
from shared.routing import subscriptions as module
from shared.stores.trail import Status
from tests.house import OK, ORDER, body, build

BAD, GONE, FAILED = Answer(400, {}, b""), Answer(410, {}, b""), Answer(503, {}, b"")
URL = "https://hooks.example.com/signalbox"
LATER = TOLD_AFTER.total_seconds() + 1


async def lonely(*answers):
    """A house whose own route is paused."""
    house = await build(*answers).furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    return house


async def subscribe(house, *events, number=1, **more):
    doc = body({"events": [*events], "url": URL, **more})
    random = bytes([number]) * module.ID_BYTES
    return await house.line.subscriptions.create("demo", doc, random, bytes(range(32)))


async def remove(house, id):
    """As the door does it."""
    await house.line.subscriptions.remove("demo", id)
    pace = Pace(house.line.clock, house.clock.now() + timedelta(seconds=10))
    await unpark.resume(house.line, "demo", id, pace)


def sent(house):
    return [exact.loads(request.body)["type"] for request in house.http.requests if request.url == URL]


async def test_an_event_is_sent_signed_and_told_in_its_receipt():
    house = await lonely(OK)
    made = await subscribe(house, ORDER["event"])

    id = await house.accept()
    await house.work()

    [request] = house.http.requests
    told = exact.loads(request.body)
    assert (request.url, told["type"], told["data"]["id"]) == (URL, ORDER["event"], id)
    assert request.headers["webhook-signature"].startswith("v1,")
    [delivery] = (await house.receipt(id))["deliveries"]
    assert (delivery["destination"], delivery["status"]) == (made["id"], "delivered")


async def test_its_secret_is_shown_once_and_sealed():
    house = await lonely()
    made = await subscribe(house, ORDER["event"])
    secret = made["secrets"]["signingSecret"]

    assert secret.startswith("whsec_")
    assert "secrets" not in await house.line.subscriptions.read("demo", made["id"])
    assert secret not in str(await house.line.subscriptions.list("demo"))


async def test_it_stands_in_no_list_of_routes_and_destinations():
    house = await lonely()
    await subscribe(house, ORDER["event"])

    assert [one["id"] for one in await house.line.destinations.list("demo")] == ["crm"]
    assert [one["id"] for one in await house.line.routes.list("demo")] == ["rt-crm"]


async def test_several_events_go_to_one_url_and_others_do_not():
    house = await lonely(*[OK] * 2)
    for name in ("transactions.order-paid", "transactions.order-sent"):
        await house.line.definitions.create("demo", body({**ORDER, "event": name}))
    await subscribe(house, ORDER["event"], "transactions.order-paid")

    for number, name in enumerate((ORDER["event"], "transactions.order-paid", "transactions.order-sent")):
        await house.accept(event=name, id=f"order-{number}")
    await house.work()

    assert sorted(sent(house)) == ["transactions.order-paid", ORDER["event"]]


async def test_once_it_is_deleted_nothing_more_is_sent_and_that_alarms_nobody():
    house = await lonely(FAILED)
    await subscribe(house, own.DELIVERY_FAILED, number=2)
    made = await subscribe(house, ORDER["event"])
    begun = await house.accept(id="one")
    await house.work()
    await remove(house, made["id"])
    later = await house.accept(id="two")
    await house.work()
    for _ in range(3):
        await house.pass_(minutes=10)

    assert len(house.http.requests) == 1
    delivery = await house.delivery(begun, made["id"])
    assert (delivery.status, delivery.cause) == (Status.REFUSED, "unsubscribed")
    assert await house.dead_letters() == []
    assert (await house.receipt(later))["deliveries"] == []
    assert house.rows("due") == []
    with pytest.raises(NotFound):
        await house.line.subscriptions.remove("demo", made["id"])


async def test_a_receiver_that_answers_410_has_unsubscribed():
    house = await lonely(GONE)
    made = await subscribe(house, ORDER["event"])
    id = await house.accept(id="one")
    await house.work()
    await house.accept(id="two")
    await house.work()

    assert await house.line.subscriptions.list("demo") == []
    delivery = await house.delivery(id, made["id"])
    assert (delivery.status, delivery.cause) == (Status.REFUSED, "unsubscribed")
    assert await house.dead_letters() == []
    assert len(house.http.requests) == 1
    [change] = [
        one for one in (await house.line.audit.page("demo", 20))["changes"] if one["id"] == made["id"]
    ][:1]
    assert (change["what"], change["by"]) == ("subscription removed", "signalbox")


async def test_what_a_receiver_refuses_is_a_dead_letter_and_can_be_replayed():
    house = await lonely(BAD)
    made = await subscribe(house, ORDER["event"])
    await house.accept()
    await house.work()

    [dead] = await house.dead_letters()
    assert (dead["destination"], dead["cause"]) == (made["id"], "rejected")


async def test_one_that_takes_nothing_for_a_day_is_disabled_and_goes_on_once_it_is_resumed():
    house = await lonely(*[FAILED] * 10, OK)
    made = await subscribe(house, ORDER["event"])
    id = await house.accept(id="one")
    await house.work()
    while (await house.delivery(id, made["id"])).status is not Status.DEAD:
        await house.pass_(hours=1)
    waiting = await house.accept(id="two")
    await house.work()
    shown = await house.line.subscriptions.read("demo", made["id"])
    assert (shown["status"], "attempts" in shown["disabledReason"]) == ("disabled", True)
    assert (await house.delivery(waiting, made["id"])).status is Status.PARKED

    assert (await house.line.subscriptions.resume("demo", made["id"]))["status"] == "active"
    await house.pass_(minutes=1)

    assert (await house.delivery(waiting, made["id"])).status is Status.DELIVERED


async def test_what_is_parked_for_one_that_is_deleted_waits_no_longer():
    house = await lonely(*[FAILED] * 10)
    made = await subscribe(house, ORDER["event"])
    id = await house.accept(id="one")
    await house.work()
    while (await house.delivery(id, made["id"])).status is not Status.DEAD:
        await house.pass_(hours=1)
    waiting = await house.accept(id="two")
    await house.work()

    await remove(house, made["id"])
    await house.work()

    assert (await house.delivery(waiting, made["id"])).cause == "unsubscribed"
    assert house.rows("due") == []


async def test_whoever_has_opted_out_of_its_purpose_is_in_nothing_that_it_is_sent():
    house = await lonely(OK)
    await subscribe(house, ORDER["event"], number=1)
    await subscribe(house, ORDER["event"], number=2, purpose="transactional")
    refusal = {"email": "ada@example.com", "purpose": "marketing", "state": "opted_out"}
    await house.line.consents.set(await house.line.sections.read("demo"), body(refusal))

    id = await house.accept()
    await house.work()

    assert sorted(one["status"] for one in (await house.receipt(id))["deliveries"]) == [
        "delivered",
        "refused",
    ]


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({}, ["crm", "mail"]),
        ({"destination": "mail"}, ["mail"]),
        ({"definition": ORDER["event"]}, ["crm", "mail"]),
        ({"definition": "transactions.order-paid"}, []),
        ({"destination": "crm", "definition": "transactions.order-paid"}, []),
    ],
)
async def test_it_is_told_of_failures_of_one_destination_or_of_one_definition(filters, told):
    house = await build(BAD, BAD, *[OK] * 2).furnish()
    await house.add_destination("mail", "https://mail.example.com/hook")
    await house.add_route("mail")
    await subscribe(house, own.DELIVERY_FAILED, **filters)

    await house.accept()
    await house.work()
    await house.pass_(seconds=LATER)

    heard = [exact.loads(one.body)["data"]["properties"] for one in house.http.requests if one.url == URL]
    assert sorted(one["destination"] for one in heard) == told


@pytest.mark.parametrize(
    ("doc", "where"),
    [
        ({"events": []}, ["/events"]),
        ({"events": ["no.such"]}, ["/events/0"]),
        ({"events": ["delivery.failed", "delivery.failed"]}, ["/events/1"]),
        ({"events": ["system.anything"]}, ["/events/0"]),
        ({"events": "delivery.failed"}, ["/events"]),
        ({"url": "ftp://a.example"}, ["/url"]),
        ({"url": "https://me:word@a.example"}, ["/url"]),
        ({"purpose": "Two Words"}, ["/purpose"]),
        ({"events": [ORDER["event"]], "destination": "crm"}, ["/destination"]),
        ({"events": [ORDER["event"]], "definition": ORDER["event"]}, ["/definition"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
async def test_one_that_cannot_be_is_refused_with_where(doc, where):
    house = await lonely()

    with pytest.raises(Invalid) as refused:
        await house.line.subscriptions.create(
            "demo", body({"events": ["delivery.failed"], "url": URL, **doc}), bytes(16), bytes(32)
        )

    assert [fault.pointer for fault in refused.value.faults] == where
    assert "word@" not in str(refused.value.faults)


async def test_a_section_has_so_many_and_no_more(monkeypatch):
    monkeypatch.setattr("shared.registry._MOST", {"subscription": (2, "Delete one.")})
    house = await lonely()
    for number in range(2):
        await subscribe(house, "delivery.failed", number=number)

    with pytest.raises(LimitReached, match="Delete one"):
        await subscribe(house, "delivery.failed", number=3)


async def test_another_section_has_none_of_it():
    house = await lonely()
    made = await subscribe(house, ORDER["event"])

    assert await house.line.subscriptions.list("other") == []
    with pytest.raises(NotFound):
        await house.line.subscriptions.read("other", made["id"])


@pytest.mark.parametrize("id", ["", "crm", "sub_", "sub_00", "~", "../x"])
async def test_what_is_no_subscription_is_not_found(id):
    house = await lonely()

    with pytest.raises(NotFound):
        await house.line.subscriptions.read("demo", id)


async def test_no_name_of_a_destination_is_taken_for_a_subscription():
    house = await lonely()
    doc = {"name": "sub_1", "kind": "webhook", "settings": {"url": URL}}

    with pytest.raises(Invalid):
        await house.line.destinations.create("demo", body(doc), bytes(32))
