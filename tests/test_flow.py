"""The flow, on fakes: what each promise means for one event on its whole way."""

import json

import pytest

from shared import exact, flow
from shared.errors import Invalid, KeyReused, Unavailable, UnknownEvent
from shared.messages import read_delivery
from shared.operations import replay
from shared.ports import Answer, NoAnswer, RowExists
from shared.stages import translate
from shared.stages.gate import ASKED_AGAIN_AFTER
from shared.stages.verdict import Accepted
from tests.failing import AwayQueue, FailingTables
from tests.fakes import FakeHttp
from tests.house import OK, body, build, order

FAILED = Answer(503, {}, b"")


class ErpFails(FakeHttp):
    """One destination fails, every other answers 200."""

    async def send(self, request, *, timeout_seconds):
        self.answers = [FAILED if "erp" in request.url else OK]
        return await super().send(request, timeout_seconds=timeout_seconds)


async def opt_out(house):
    section = await house.line.sections.read("demo")
    refusal = {"email": " ADA@example.com", "purpose": "marketing", "state": "opted_out"}
    await house.line.consents.set(section, body(refusal))


async def test_an_event_goes_from_the_door_to_its_destination():
    house = await build(OK).furnish()

    id = await house.accept()
    await house.work()

    seen = await house.receipt(id)
    assert seen["status"] == "delivered"
    assert [step["outcome"] for step in seen["steps"]] == ["stored", "created", "passed", "routed"]
    sent = json.loads(house.http.requests[0].body)
    assert sent["data"]["id"] == id
    assert sent["data"]["properties"]["orderId"] == "1001"


async def test_the_number_text_that_came_in_is_what_goes_out():
    house = await build(OK).furnish()

    envelope = exact.loads(
        '{"event": "transactions.order-placed", "properties": {"orderId": "1", "totalValue": 42.50}}'
    )
    [told] = await flow.intake(house.line, house.caller, [translate.envelope(envelope)])
    assert isinstance(told, Accepted)
    await house.work()

    assert b'"totalValue":42.50' in house.http.requests[0].body
    assert (await house.receipt(told.id))["properties"]["totalValue"].text == "42.50"


async def test_what_has_ended_leaves_nothing_to_be_done():
    house = await build(OK).furnish()
    await house.accept()
    await house.work()

    await house.pass_(minutes=2)

    assert house.rows("events", "u|") + house.rows("events", "w|") == []
    assert house.queue.sent == []
    assert house.rows("due") == []


async def test_the_same_event_again_is_the_first_answer_again():
    house = await build().furnish()

    first, second = await house.post(), await house.post()

    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert (first.id, first.replayed, second.replayed) == (second.id, False, True)


async def test_the_same_key_with_another_content_is_refused():
    house = await build().furnish()
    await house.accept()

    told = await house.post(properties={"orderId": "1001", "totalValue": 43})

    assert isinstance(told, KeyReused)


async def test_a_duplicate_beside_new_events_does_not_cost_them():
    house = await build().furnish()
    first = await house.accept()

    told = await house.post_all(order(), *(order(id=f"order-{n}") for n in range(50)), order())

    assert (told[0].id, told[-1].id) == (first, first)
    assert [one.replayed for one in told] == [True, *[False] * 50, True]
    assert len({one.id for one in told}) == 51


async def test_an_event_without_a_key_is_accepted_and_says_that_it_is_not_deduplicated():
    house = await build().furnish()
    envelope = {name: value for name, value in order().items() if name != "id"}

    told = await house.post_all(envelope, envelope)

    assert told[0].id != told[1].id
    assert not told[0].keyed


async def test_all_faults_are_told_at_once_and_nothing_is_stored():
    house = await build().furnish()

    told = await house.post(
        occurredAt="2026-11-22T10:15:00", colour="red", properties={"orderId": 7, "size": "L"}
    )

    assert isinstance(told, Invalid)
    assert {fault.pointer for fault in told.faults} == {
        "/colour",
        "/occurredAt",
        "/properties/orderId",
        "/properties/size",
        "/properties/totalValue",
    }
    assert house.rows("events") == []


async def test_an_unknown_event_is_refused():
    house = await build().furnish()

    assert isinstance(await house.post(event="transactions.unheard-of"), UnknownEvent)


async def test_one_bad_event_of_a_batch_does_not_cost_the_others():
    house = await build().furnish()

    told = await house.post_all(order(id="a"), order(id="b", properties={}), order(id="c"))

    assert [type(one) for one in told] == [Accepted, Invalid, Accepted]


async def test_a_redelivery_that_no_longer_fits_is_still_a_repeat():
    house = await build().furnish()
    first = await house.accept()
    fields = [
        {"name": "orderId", "type": "text", "required": True},
        {"name": "vat", "type": "decimal", "required": True},
    ]
    await house.line.definitions.add_version("demo", order()["event"], body({"fields": fields}))

    told = await house.post()

    assert isinstance(told, Accepted)
    assert (told.id, told.replayed) == (first, True)


async def test_a_bus_that_is_away_does_not_refuse_events_and_the_sweeper_hands_them_off():
    queue = AwayQueue()
    house = await build(OK, queue=queue).furnish()

    queue.away = True
    id = await house.accept()
    queue.away = False
    await house.pass_(seconds=31)

    assert (await house.receipt(id))["status"] == "delivered"


@pytest.mark.parametrize("answer", [RowExists(0), Unavailable("the answer was lost")])
async def test_an_insert_that_took_effect_is_accepted_whatever_its_answer_says(answer):
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    tables.after = lambda table, _: answer if table == "events" else None

    told = await house.post()

    assert isinstance(told, Accepted)
    assert not told.replayed


async def test_storage_that_is_away_is_unavailable_and_never_a_refusal():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    warm = await house.accept()
    tables.go_away()

    assert isinstance(await house.post(id="other"), Unavailable)
    cold = build(tables=tables)
    cold.caller = house.caller
    with pytest.raises(Unavailable):
        await cold.post()
    with pytest.raises(Unavailable):
        await house.receipt(warm)


async def test_a_delivery_succeeds_on_its_second_attempt_under_the_same_id():
    house = await build(FAILED, OK).furnish()
    id = await house.accept()
    await house.work()
    assert (await house.receipt(id))["deliveries"][0]["status"] == "retrying"

    await house.pass_(seconds=10)

    delivery = (await house.receipt(id))["deliveries"][0]
    assert delivery["status"] == "delivered"
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["retry", "delivered"]
    assert len({request.headers["webhook-id"] for request in house.http.requests}) == 1


async def test_a_long_wait_lies_in_the_due_table_until_its_time():
    house = await build(FAILED, FAILED, FAILED, OK).furnish()
    id = await house.accept()
    await house.work()
    for time in ({"seconds": 10}, {"minutes": 7}):
        await house.pass_(**time)
    assert house.rows("due")

    await house.pass_(minutes=40)

    assert (await house.receipt(id))["status"] == "delivered"
    assert house.rows("due") == []


async def test_a_refused_delivery_is_a_dead_letter_and_can_be_replayed():
    house = await build(Answer(400, {}, b""), OK).furnish()
    id = await house.accept()
    await house.work()
    [dead] = await house.dead_letters()
    assert dead["cause"] == "rejected"

    await replay.dead_letter(house.line, "demo", dead["id"])
    await house.work()

    assert (await house.receipt(id))["status"] == "delivered"
    assert await house.dead_letters() == []


async def test_a_delivery_that_never_succeeds_ends_as_a_dead_letter():
    house = await build(*[NoAnswer("connect")] * 10).furnish()
    id = await house.accept()
    await house.work()
    for _ in range(60):
        await house.pass_(hours=2)

    seen = await house.receipt(id)
    assert (seen["status"], seen["deliveries"][0]["cause"]) == ("failed", "exhausted")


async def test_one_failing_destination_does_not_stop_the_other():
    house = await build(http=ErpFails()).furnish()
    await house.add_destination("erp", "https://erp.example.com/hook")
    await house.add_route("erp")

    id = await house.accept()
    await house.work()

    statuses = {one["destination"]: one["status"] for one in (await house.receipt(id))["deliveries"]}
    assert statuses == {"crm": "delivered", "erp": "retrying"}


async def test_nothing_is_sent_for_a_purpose_that_was_opted_out_of():
    house = await build().furnish()
    await opt_out(house)

    id = await house.accept()
    await house.work()

    seen = await house.receipt(id)
    assert (seen["status"], seen["deliveries"][0]["cause"]) == ("refused", "opted_out")
    assert house.http.requests == []


async def test_consent_is_asked_again_just_before_sending():
    house = await build(FAILED).furnish()
    id = await house.accept()
    await house.work()
    await opt_out(house)

    await house.pass_(minutes=1)

    assert (await house.receipt(id))["status"] == "refused"
    assert len(house.http.requests) == 1


async def test_what_was_asked_a_moment_ago_holds_for_seconds_and_no_longer():
    house = await build(OK).furnish()
    first, second = await house.accept(id="a"), await house.accept(id="b")
    await house.work("events")
    await opt_out(house)
    messages = [read_delivery(body.encode()) for _, body, _ in house.queue.sent]
    sent = {message.events[0]: message for message in messages}

    house.clock.pass_(seconds=ASKED_AGAIN_AFTER.total_seconds())
    await flow.deliver(house.line, sent[first])
    house.clock.pass_(seconds=1)
    await flow.deliver(house.line, sent[second])

    assert [(await house.delivery(id)).status for id in (first, second)] == ["delivered", "refused"]


async def test_a_test_event_is_stored_and_starts_nothing():
    house = await build().furnish()

    id = await house.accept(test=True)
    await house.work()

    seen = await house.receipt(id)
    assert (seen["status"], seen["deliveries"]) == ("processed", [])


async def test_a_message_twice_delivers_once():
    house = await build(OK).furnish()
    await house.accept()
    house.queue.sent *= 2

    await house.work()

    assert len(house.http.requests) == 1


async def test_the_events_of_one_person_lie_on_one_timeline():
    house = await build(OK, OK).furnish()
    first = await house.accept(id="a", person={"email": "Ada@Example.com ", "crmId": "c-1"})
    second = await house.accept(id="b", person={"crmId": "c-1"})
    await house.work()

    person = (await house.receipt(first))["personId"]
    rows = await house.line.timeline.newest("demo", person, 10)

    assert {row["id"] for row in rows} == {first, second}


async def test_nothing_personal_lies_on_the_bus():
    house = await build().furnish()
    await house.accept(person={"email": "wilhelmina@example.com", "crmId": "zq-77"})
    messages = [message for _, message, _ in house.queue.sent]
    await house.work("events")
    messages += [message for _, message, _ in house.queue.sent]

    assert len(messages) == 2
    assert not [message for message in messages if "wilhelmina" in message or "zq-77" in message]
