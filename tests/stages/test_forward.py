"""Forward: a delivery is claimed before it is sent, and whatever happens to an attempt, the delivery goes on or ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import flow
from shared.destinations import never
from shared.destinations.kinds import webhook
from shared.destinations.settings import SCHEDULE
from shared.errors import Unavailable
from shared.messages import DeliveryMessage, read_delivery
from shared.ports import Answer, NoAnswer
from shared.stores.trail import Attempt, Status
from tests.house import OK, ORDER, body, build

FAILED = Answer(503, {}, b"")


async def processed(*answers, **changes):
    """A house with one delivery, and the message that tells of it."""
    house = await build(*answers).furnish()
    id = await house.accept(**changes)
    await house.work("events")
    house.queue.sent.clear()
    return house, id, DeliveryMessage("demo", "rt-crm", (id,))


async def begun(house, id, *, claimed_for=timedelta(seconds=30), attempt=1):
    """What a worker leaves that ends between its claim and its mark."""
    claimed = replace(
        await house.delivery(id),
        status=Status.SENDING,
        attempt=attempt,
        claim_until=house.clock.now() + claimed_for,
        attempts=(Attempt(attempt, "2026-11-22T09:15:00.000Z"),),
    )
    await house.line.receipts.save("demo", claimed)


async def test_a_delivery_is_claimed_before_anything_is_sent(monkeypatch):
    house, id, message = await processed(OK)
    seen = []

    async def send(request, *, timeout_seconds):
        seen.append(await house.delivery(id))
        return OK

    monkeypatch.setattr(house.http, "send", send)
    await flow.deliver(house.line, message)

    [claimed] = seen
    assert (claimed.status, claimed.attempt) == (Status.SENDING, 1)
    assert claimed.claim_until == house.clock.now() + timedelta(seconds=15 + 15)


async def test_a_delivery_in_other_hands_is_looked_at_again_when_their_claim_ends():
    house, id, message = await processed()
    await begun(house, id)

    await flow.deliver(house.line, message)

    [(queue, body, at)] = house.queue.sent
    assert (queue, read_delivery(body.encode())) == ("deliveries", message)
    assert at == house.clock.now() + timedelta(seconds=30)
    assert house.http.requests == []


async def test_a_retry_whose_message_was_never_sent_is_put_back_for_its_time():
    house, id, message = await processed()
    due = house.clock.now() + timedelta(minutes=5)
    await house.line.receipts.save(
        "demo", replace(await house.delivery(id), status=Status.RETRYING, due_at=due)
    )

    await flow.deliver(house.line, message)

    assert [at for _, _, at in house.queue.sent] == [due]


async def test_an_attempt_without_an_end_is_sent_again_where_the_receiver_deduplicates():
    house, id, message = await processed(OK)
    await begun(house, id)
    house.clock.pass_(seconds=31)

    await flow.deliver(house.line, message)

    seen = await house.delivery(id)
    assert (seen.status, [one.outcome for one in seen.attempts]) == (Status.DELIVERED, [None, "delivered"])


async def test_an_attempt_without_an_end_is_held_where_the_receiver_does_not(monkeypatch):
    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, deduplicates=never))
    house, id, message = await processed()
    await begun(house, id)
    house.clock.pass_(seconds=31)

    await flow.deliver(house.line, message)

    seen = await house.delivery(id)
    assert (seen.status, seen.cause) == (Status.HELD, "outcome_unknown")
    assert [one["cause"] for one in await house.dead_letters()] == ["outcome_unknown"]


async def test_a_pause_does_not_hide_that_an_attempt_has_no_end(monkeypatch):
    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, deduplicates=never))
    house, id, message = await processed()
    await begun(house, id)
    await house.line.destinations.set_status("demo", "crm", "paused")
    house.clock.pass_(seconds=31)

    await flow.deliver(house.line, message)

    assert (await house.delivery(id)).status is Status.HELD


async def test_attempts_that_never_end_come_to_an_end():
    house, id, message = await processed()
    await begun(house, id, attempt=len(SCHEDULE) + 1)
    house.clock.pass_(seconds=31)

    await flow.deliver(house.line, message)

    seen = await house.delivery(id)
    assert (seen.status, seen.cause) == (Status.DEAD, "exhausted")


async def test_a_plug_in_that_breaks_on_one_event_ends_that_delivery_and_no_other(monkeypatch):
    build_request = webhook.build

    def broken(settings, secrets, parcel, now):
        if parcel.properties["orderId"] == "bad":
            raise ZeroDivisionError
        return build_request(settings, secrets, parcel, now)

    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, build=broken))
    house = await build(OK).furnish()
    bad = await house.accept(id="a", properties={"orderId": "bad", "totalValue": 1})
    good = await house.accept(id="b")
    await house.work("events")
    house.queue.sent.clear()

    await flow.deliver(house.line, DeliveryMessage("demo", "rt-crm", (bad, good)))

    seen = await house.delivery(bad)
    assert (seen.status, seen.cause) == (Status.DEAD, "mapping")
    assert "ZeroDivisionError" in str(seen.attempts[0].reason)
    assert (await house.delivery(good)).status is Status.DELIVERED


async def test_a_mapping_that_does_not_fit_the_event_is_told_in_the_receipt():
    house = await build(OK).furnish()
    await house.add_destination("erp")
    await house.add_route("erp", mapping={"length": "length(properties.totalValue)"})
    id = await house.accept()

    await house.work()

    told = {one["route"]: one for one in (await house.receipt(id))["deliveries"]}
    assert (told["rt-crm"]["status"], told["rt-erp"]["cause"]) == ("delivered", "mapping")
    assert told["rt-erp"]["attempts"][0]["reason"]


async def test_settings_that_no_longer_fit_are_a_dead_letter_and_not_a_loop():
    house, id, message = await processed()
    row = next(row for row in house.rows("registry", "crm") if row.pk == "demo|destination")
    doc = row.values["doc"].replace(b"https://crm.example.com/hook", b"not a url")
    await house.tables.upsert("registry", replace(row, values={"doc": doc}))
    house = build(tables=house.tables, clock=house.clock)

    await flow.deliver(house.line, message)

    seen = await house.delivery(id)
    assert (seen.status, seen.cause) == (Status.DEAD, "mapping")


@pytest.mark.parametrize("gone", ["route", "destination"])
async def test_a_delivery_whose_way_is_gone_is_a_dead_letter(gone):
    house, id, message = await processed()
    place = {"route": ("demo|route", "rt-crm"), "destination": ("demo|destination", "crm")}[gone]
    await house.tables.delete("registry", *place)
    house = build(tables=house.tables, clock=house.clock)

    await flow.deliver(house.line, message)

    assert (await house.delivery(id)).cause == "no_destination"


async def test_a_message_of_a_delivery_that_is_not_there_is_done():
    house, id, _ = await processed()

    await flow.deliver(house.line, DeliveryMessage("demo", "rt-other", (id,)))

    assert house.queue.sent == []


async def test_a_delivery_that_has_ended_is_not_taken_up_again():
    house, id, message = await processed(OK)
    await flow.deliver(house.line, message)

    await flow.deliver(house.line, message)

    assert len(house.http.requests) == 1
    assert (await house.delivery(id)).attempt == 1


@pytest.mark.parametrize("answer", [FAILED, NoAnswer("connect"), NoAnswer("timeout")])
async def test_attempts_end_after_the_schedule_and_all_bear_one_id(answer):
    house, id, message = await processed(*[answer] * 20)
    await flow.deliver(house.line, message)
    for _ in range(60):
        await house.pass_(hours=2)

    seen = await house.delivery(id)
    assert (seen.status, seen.cause, seen.attempt) == (Status.DEAD, "exhausted", len(SCHEDULE) + 1)
    assert {request.headers["webhook-id"] for request in house.http.requests} == {f"{id}_rt-crm"}
    assert len(house.http.requests) == len(SCHEDULE) + 1


async def set_up(house, **settings):
    """Let the destination have these settings."""
    doc = {"url": "https://crm.example.com/hook", **settings}
    await house.line.destinations.change("demo", "crm", body({"settings": doc}))


async def test_a_destination_has_a_schedule_of_its_own():
    house, id, message = await processed(FAILED, FAILED, FAILED)
    await set_up(house, retrySeconds=[60, 60])
    await flow.deliver(house.line, message)
    for _ in range(4):
        await house.pass_(seconds=80)

    seen = await house.delivery(id)
    assert (seen.status, seen.cause, seen.attempt) == (Status.DEAD, "exhausted", 3)


async def test_without_waits_there_is_one_attempt():
    house, id, message = await processed(FAILED)
    await set_up(house, retrySeconds=[])

    await flow.deliver(house.line, message)

    assert (await house.delivery(id)).cause == "exhausted"


@pytest.mark.parametrize(("wanted", "status"), [("hold", Status.HELD), ("resend", Status.RETRYING)])
async def test_what_may_have_arrived_is_held_or_sent_again_as_the_destination_says(
    wanted, status, monkeypatch
):
    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, deduplicates=never))
    house, id, message = await processed(NoAnswer("timeout"))
    await set_up(house, onUnknown=wanted)

    await flow.deliver(house.line, message)

    assert (await house.delivery(id)).status is status


async def test_an_attempt_without_an_end_is_made_again_where_the_destination_wants_that(monkeypatch):
    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, deduplicates=never))
    house, id, message = await processed(OK)
    await set_up(house, onUnknown="resend")
    await begun(house, id)
    house.clock.pass_(seconds=31)

    await flow.deliver(house.line, message)

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_an_event_that_is_too_old_is_not_sent():
    house, id, message = await processed()
    await set_up(house, maxAgeHours=2)
    await house.line.destinations.set_status("demo", "crm", "paused")
    await flow.deliver(house.line, message)
    house.clock.pass_(hours=2, seconds=1)

    await house.line.destinations.set_status("demo", "crm", "active")
    await house.pass_(minutes=1)

    seen = await house.delivery(id)
    assert (seen.status, seen.cause, house.http.requests) == (Status.DEAD, "expired", [])


async def test_an_event_of_exactly_the_maximum_age_is_sent():
    house, id, message = await processed(OK)
    await set_up(house, maxAgeHours=2)
    house.clock.pass_(hours=2)

    await flow.deliver(house.line, message)

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_an_attempt_that_may_have_arrived_is_not_called_too_old():
    house, id, message = await processed(OK)
    await set_up(house, maxAgeHours=1)
    await begun(house, id)
    house.clock.pass_(hours=3)

    await flow.deliver(house.line, message)

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_what_a_destination_asks_to_wait_is_waited():
    house, id, message = await processed(Answer(429, {"retry-after": "120"}, b""), OK)

    await flow.deliver(house.line, message)

    seen = await house.delivery(id)
    assert seen.status is Status.RETRYING
    assert seen.due_at >= house.clock.now() + timedelta(seconds=120)


async def test_an_outage_that_stops_one_delivery_puts_that_one_back_alone(monkeypatch):
    house = await build(OK, OK).furnish()
    first, second = await house.accept(id="a"), await house.accept(id="b")
    await house.work("events")
    save = house.line.receipts.save

    async def failing(section, delivery):
        if delivery.event_id == first:
            raise Unavailable("away")
        return await save(section, delivery)

    monkeypatch.setattr(house.line.receipts, "save", failing)
    house.queue.sent.clear()
    await flow.deliver(house.line, DeliveryMessage("demo", "rt-crm", (first, second)))

    assert (await house.delivery(first)).status is Status.PENDING
    assert (await house.delivery(second)).status is Status.DELIVERED
    [(queue, message, at)] = house.queue.sent
    assert (queue, read_delivery(message.encode()).events) == ("deliveries", (first,))
    assert at > house.clock.now()


async def test_a_replay_of_an_event_that_is_stale_sends_nothing():
    house = build(Answer(400, {}, b""))
    await house.furnish()
    stale = {**ORDER, "event": "orders.fleeting", "staleAfterHours": 24}
    await house.line.definitions.create("demo", body(stale))
    await house.add_route("crm", "rt-fleeting", event="orders.fleeting")
    id = await house.accept(event="orders.fleeting")
    await house.work()
    assert (await house.delivery(id, "rt-fleeting")).cause == "rejected"
    house.clock.pass_(hours=25)

    await house.line.dead_letters.replay("demo", f"{id}_rt-fleeting")
    await flow.deliver(house.line, DeliveryMessage("demo", "rt-fleeting", (id,)))

    seen = await house.delivery(id, "rt-fleeting")
    assert (seen.status, seen.cause, len(house.http.requests)) == (Status.DEAD, "expired", 1)


async def test_what_came_back_is_kept_with_the_attempt_without_our_secrets():
    house = await build().furnish()
    secret = (await house.line.destinations.open("demo", "crm")).secrets["signingSecret"]
    house.http.answers = [Answer(503, {}, f"no\n{secret}".encode()), Answer(200, {}, b"thanks")]
    id = await house.accept()
    await house.work()
    await house.pass_(minutes=1)

    failed, delivered = (await house.delivery(id)).attempts
    assert (failed.status_code, failed.answer) == (503, "no [secret]")
    assert (delivered.status_code, delivered.answer) == (200, None)
    [told] = (await house.receipt(id))["deliveries"]
    assert told["attempts"][0]["answer"] == "no [secret]"
