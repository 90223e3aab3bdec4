"""The flow, on fakes: what each promise means for one event."""

import json
from dataclasses import replace
from datetime import timedelta

from shared.errors import Invalid, KeyReused, Unavailable, UnknownEvent
from shared.operations import listing, replay, unpark
from shared.operations.pace import Pace
from shared.operations.tick import tick
from shared.ports import Answer, NoAnswer, Operation, RowExists
from shared.stages.verdict import Accepted
from tests.fakes import FakeQueue, FakeTables
from tests.house import OK, build, order


async def receipt(house, id):
    return await listing.receipt(house.line, house.caller, id)


async def test_an_event_goes_from_the_door_to_its_destination():
    house = await build(OK).furnish()

    id = await house.accept()
    await house.work()

    seen = await receipt(house, id)
    assert seen["status"] == "delivered"
    assert [step["outcome"] for step in seen["steps"]] == ["stored", "created", "passed", "routed"]
    sent = json.loads(house.http.requests[0].body)
    assert sent["data"]["id"] == id
    assert sent["data"]["properties"]["orderId"] == "1001"


async def test_a_finished_commit_leaves_the_outbox_at_once():
    house = await build(OK).furnish()
    await house.accept()
    assert [rk[:2] for _, rk in house.tables.tables["events"] if rk[0] in "uw"] == ["w|"]

    await house.work()

    assert not [rk for _, rk in house.tables.tables["events"] if rk[0] in "uw"]


async def test_the_same_event_again_is_the_first_answer_again():
    house = await build(OK, OK).furnish()

    first, second = await house.post(), await house.post()

    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert (first.id, first.replayed, second.replayed) == (second.id, False, True)


async def test_the_same_key_with_another_content_is_refused():
    house = await build().furnish()
    await house.accept()

    told = await house.post(properties={"orderId": "1001", "totalValue": 43})

    assert isinstance(told, KeyReused)


async def test_equal_keys_in_one_batch_are_one_event():
    house = await build().furnish()

    told = await house.post_all(order(), order(), order(id="order-2"))

    assert len({one.id for one in told}) == 2
    assert [one.replayed for one in told] == [False, True, False]


async def test_a_duplicate_beside_a_new_event_does_not_cost_the_new_one():
    house = await build().furnish()
    first = await house.accept()

    told = await house.post_all(order(), *(order(id=f"order-{n}") for n in range(50)))

    assert told[0].id == first
    assert all(isinstance(one, Accepted) and not one.replayed for one in told[1:])
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
    assert not house.tables.tables.get("events")


async def test_an_unknown_event_is_refused():
    house = await build().furnish()

    assert isinstance(await house.post(event="transactions.unheard-of"), UnknownEvent)


async def test_a_redelivery_that_no_longer_fits_is_still_a_repeat():
    house = await build().furnish()
    first = await house.accept()
    fields = [
        {"name": "orderId", "type": "text", "required": True},
        {"name": "vat", "type": "decimal", "required": True},
    ]
    await house.line.definitions.add_version("demo", order()["event"], {"fields": fields})

    told = await house.post()

    assert isinstance(told, Accepted)
    assert (told.id, told.replayed) == (first, True)


async def test_a_bus_that_is_away_does_not_refuse_events_and_the_sweeper_hands_them_off():
    queue = AwayQueue()
    house = await build(OK, queue=queue).furnish()

    queue.away = True
    id = await house.accept()
    assert not queue.sent
    queue.away = False
    house.clock.pass_(seconds=31)
    await tick(house.line)
    await house.work()

    assert (await receipt(house, id))["status"] == "delivered"


async def test_an_insert_whose_answer_was_lost_is_accepted_and_not_a_duplicate():
    tables = ForgetfulTables()
    house = await build(OK, tables=tables).furnish()

    tables.forget_next = True
    told = await house.post()

    assert isinstance(told, Accepted)
    assert not told.replayed


async def test_a_delivery_succeeds_on_its_second_attempt():
    house = await build(Answer(503, {}, b""), OK).furnish()
    id = await house.accept()
    await house.work()
    assert (await receipt(house, id))["deliveries"][0]["status"] == "retrying"

    house.clock.pass_(seconds=10)
    await house.work()

    delivery = (await receipt(house, id))["deliveries"][0]
    assert delivery["status"] == "delivered"
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["retry", "delivered"]
    assert len({request.headers["webhook-id"] for request in house.http.requests}) == 1


async def test_a_long_wait_lies_in_the_due_table_until_its_time():
    house = await build(*[Answer(503, {}, b"")] * 3, OK).furnish()
    id = await house.accept()
    for step in ({"seconds": 10}, {"minutes": 7}):
        await house.work()
        house.clock.pass_(**step)
    await house.work()
    assert house.tables.tables["due"]

    house.clock.pass_(minutes=40)
    await tick(house.line)
    await house.work()

    assert (await receipt(house, id))["status"] == "delivered"
    assert not house.tables.tables["due"]


async def test_a_refused_delivery_is_a_dead_letter_and_can_be_replayed():
    house = await build(Answer(400, {}, b""), OK).furnish()
    id = await house.accept()
    await house.work()
    dead = await house.line.dead_letters.list("demo", None, 10)
    assert [one["cause"] for one in dead] == ["rejected"]

    await replay.dead_letter(house.line, "demo", dead[0]["id"])
    await house.work()

    assert (await receipt(house, id))["status"] == "delivered"
    assert await house.line.dead_letters.list("demo", None, 10) == []


async def test_a_delivery_that_never_succeeds_ends_as_a_dead_letter():
    house = await build(*[NoAnswer("connect")] * 10).furnish()
    id = await house.accept()
    await house.work()
    for _ in range(10):
        house.clock.pass_(hours=30)
        await tick(house.line)
        await house.work()

    seen = await receipt(house, id)
    assert (seen["status"], seen["deliveries"][0]["cause"]) == ("failed", "exhausted")


async def test_nothing_is_sent_for_a_purpose_that_was_opted_out_of():
    house = await build().furnish()
    section = await house.line.sections.read("demo")
    refusal = {"email": " ADA@example.com", "purpose": "marketing", "state": "opted_out"}
    await house.line.consents.set(section, refusal)

    id = await house.accept()
    await house.work()

    seen = await receipt(house, id)
    assert (seen["status"], seen["deliveries"][0]["cause"]) == ("refused", "opted_out")
    assert house.http.requests == []


async def test_consent_is_asked_again_just_before_sending():
    house = await build(Answer(503, {}, b"")).furnish()
    id = await house.accept()
    await house.work()
    section = await house.line.sections.read("demo")
    await house.line.consents.set(
        section, {"email": "ada@example.com", "purpose": "marketing", "state": "opted_out"}
    )

    house.clock.pass_(minutes=1)
    await house.work()

    assert (await receipt(house, id))["status"] == "refused"


async def test_a_paused_destination_parks_and_a_resumed_one_lets_go():
    house = await build(OK).furnish()
    await house.line.destinations.set_status("demo", "crm", "paused")
    id = await house.accept()
    await house.work()
    assert (await receipt(house, id))["status"] == "parked"

    await house.line.destinations.set_status("demo", "crm", "active")
    assert await unpark.resume(house.line, "demo", "crm", Pace.of(house.clock, timedelta(seconds=10))) == 1
    await house.work()

    assert (await receipt(house, id))["status"] == "delivered"


async def test_a_test_event_is_stored_and_starts_nothing():
    house = await build().furnish()

    id = await house.accept(test=True)
    await house.work()

    seen = await receipt(house, id)
    assert (seen["status"], seen["deliveries"]) == ("processed", [])


async def test_a_message_twice_delivers_once():
    house = await build(OK).furnish()
    await house.accept()
    house.queue.sent *= 2

    await house.work()

    assert len(house.http.requests) == 1


async def test_a_lost_delivery_message_is_sent_again_by_the_sweeper():
    house = await build(OK).furnish()
    id = await house.accept()
    await process_only(house)
    house.queue.sent.clear()

    house.clock.pass_(hours=2)
    await tick(house.line)
    await house.work()

    assert (await receipt(house, id))["status"] == "delivered"


async def test_an_attempt_without_an_end_is_sent_again_where_the_receiver_deduplicates():
    house = await build(OK).furnish()
    id = await house.accept()
    await process_only(house)
    await claim_and_vanish(house, id)

    await house.work()
    assert house.http.requests == []
    house.clock.pass_(minutes=1)
    await house.work()

    delivery = (await receipt(house, id))["deliveries"][0]
    assert delivery["status"] == "delivered"
    assert [attempt.get("outcome") for attempt in delivery["attempts"]] == [None, "delivered"]


async def test_what_is_past_its_retention_is_gone_with_all_that_hangs_on_it():
    house = await build(OK).furnish()
    await house.accept()
    await house.work()
    house.clock.pass_(minutes=2)
    await tick(house.line)

    house.clock.pass_(days=367)
    done = await tick(house.line)

    assert (done["purge"]["events"], done["purge"]["keys"]) == (1, 1)
    assert not house.tables.tables["events"]
    assert not house.tables.tables["receipts"]
    assert not house.tables.tables["timeline"]


async def test_events_are_listed_newest_first_and_can_be_followed():
    house = await build().furnish()
    older = await house.accept(id="a")
    house.clock.pass_(hours=5)
    newer = await house.accept(id="b")
    house.clock.pass_(minutes=1)

    listed = await listing.newest(house.line, house.caller, listing.page_of({}))
    followed = await listing.newest(house.line, house.caller, listing.page_of({"after": older}))

    assert [one["id"] for one in listed["events"]] == [newer, older]
    assert [one["id"] for one in followed["events"]] == [newer]


async def test_the_events_of_one_person_lie_on_one_timeline():
    house = await build(OK, OK).furnish()
    first = await house.accept(id="a", person={"email": "Ada@Example.com ", "crmId": "c-1"})
    second = await house.accept(id="b", person={"crmId": "c-1"})
    await house.work()

    person = (await receipt(house, first))["personId"]
    rows = await house.line.timeline.newest("demo", person, 10)

    assert {row["id"] for row in rows} == {first, second}


async def test_storage_that_is_away_is_unavailable_and_never_a_refusal():
    tables = ForgetfulTables()
    house = await build(tables=tables).furnish()

    tables.away = True
    told = (await house.line.recorder.record(await section_of(house), []), await house_verdict(house))[1]

    assert isinstance(told, Unavailable)


async def section_of(house):
    return await house.line.sections.read("demo")


async def house_verdict(house):
    try:
        return await house.post()
    except Unavailable as error:
        return error


async def process_only(house):
    [(queue, message, _)] = house.queue.sent
    house.queue.sent.clear()
    house.queue.sent.append((queue, message, None))
    from shared import flow
    from shared.messages import read_commit

    house.queue.sent.clear()
    await flow.process(house.line, read_commit(message.encode()))


async def claim_and_vanish(house, id):
    """Leave what a worker leaves that was killed between its claim and its mark."""
    from datetime import timedelta

    from shared.stores.receipts import Attempt, Status

    delivery = await house.line.receipts.delivery("demo", id, "rt-crm")
    claimed = replace(
        delivery,
        status=Status.SENDING,
        attempt=1,
        claim_until=house.clock.now() + timedelta(seconds=30),
        attempts=(Attempt(1, "2026-11-22T09:15:00.000Z"),),
    )
    await house.line.receipts.save("demo", claimed)


class AwayQueue(FakeQueue):
    """A queue that can be away."""

    away = False

    async def send(self, queue, bodies, *, at=None):
        if self.away:
            raise Unavailable("away")
        await super().send(queue, bodies, at=at)


class ForgetfulTables(FakeTables):
    """Commits a transaction and then answers as if it had been there before; or is away."""

    forget_next = False
    away = False

    async def transact(self, table, operations: list[Operation]):
        if self.away:
            raise Unavailable("away")
        await super().transact(table, operations)
        if self.forget_next and table == "events":
            self.forget_next = False
            raise RowExists(0)
