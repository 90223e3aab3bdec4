"""A paused section goes on taking events in; nothing of them is processed or sent until it is resumed, and nothing twice."""

from datetime import timedelta

import pytest

from shared import flow
from shared.access.caller import Caller
from shared.operations import listing, replay, unpark
from shared.operations.listing import page_of
from shared.operations.pace import Pace
from shared.ports import Answer
from shared.stages import translate
from shared.stages.verdict import Accepted
from shared.stores.trail import Status
from tests.crash import Fuse, World
from tests.failing import AwayQueue
from tests.house import OK, ORDER, SECTION, body, build, order
from tests.operations import test_mend

FAILED = Answer(503, {}, b"")
BAD = Answer(400, {}, b"")


async def paused(*answers, **parts):
    house = await build(*answers, **parts).furnish()
    await house.line.sections.set_status("demo", "paused")
    return house


async def resumed(house, *, seconds=10):
    """Resume it as the door does; how much went on."""
    await house.line.sections.set_status("demo", "active")
    pace = Pace.of(house.clock, timedelta(seconds=seconds))
    return await unpark.resume_section(house.line, "demo", pace)


def outbox(house):
    return [row.rk[0] for kind in ("u|", "w|", "p|") for row in house.rows("events", kind)]


async def test_what_comes_is_stored_and_nothing_of_it_is_processed_or_sent():
    house = await paused()

    id = await house.accept(person={"email": "new@example.com"})
    await house.work()

    assert [row.rk for row in house.rows("events", "e|")] == [f"e|{id}"]
    for table in ("receipts", "people", "timeline", "due", "deadletters"):
        assert house.rows(table) == [], table
    assert (house.http.requests, house.queue.sent) == ([], [])


async def test_days_pass_and_nobody_touches_it():
    house = await paused()
    await house.accept()
    await house.work()
    before = house.rows("events")

    for _ in range(40):
        done = await house.pass_(hours=1, seconds=1)
        assert done["sweep"] == {"sent": 0, "finished": 0, "resent": 0, "waiting": 0}
        assert done["unpark"] == {"resumed": 0}

    assert house.rows("events") == before
    assert house.http.requests == []


async def test_on_resume_everything_goes_on_and_arrives_once():
    house = await paused(OK, OK, OK)
    ids = [await house.accept(id=f"order-{n}") for n in range(3)]
    await house.work()
    house.clock.pass_(days=3)

    assert await resumed(house) == 3
    await house.work()
    for _ in range(3):
        await house.pass_(hours=2)

    assert [(await house.delivery(id)).status for id in ids] == [Status.DELIVERED] * 3
    assert len(house.http.requests) == 3
    assert outbox(house) == []


async def test_resuming_twice_and_a_tick_beside_it_send_nothing_twice():
    house = await paused(OK)
    await house.accept()
    await house.work()

    assert await resumed(house) == 1
    assert await resumed(house) == 0
    await house.pass_(minutes=1)

    assert len(house.http.requests) == 1


async def test_what_another_instance_lets_go_at_the_same_time_is_left_to_it(monkeypatch):
    house = await paused()
    await house.accept()
    await house.work()
    unpark_ = house.line.outbox.unpark

    async def beaten(section, commit):
        assert await unpark_(section, commit)
        return await unpark_(section, commit)

    monkeypatch.setattr(house.line.outbox, "unpark", beaten)

    assert await resumed(house) == 0
    assert house.queue.sent == []


async def test_a_resume_before_the_mark_of_the_first_message_sends_another():
    house = await paused(OK, mark_pause=0.2)
    draft = translate.envelope(body(order()))
    [told] = await flow.intake(house.line, house.caller, [draft])
    await house.work()

    assert await resumed(house) == 1
    await house.work()
    await house.line.hand_off.idle()

    assert isinstance(told, Accepted)
    assert (await house.delivery(told.id)).status is Status.DELIVERED


async def test_a_tick_goes_on_where_a_resume_was_cut_short():
    house = await paused(*[OK] * 120)
    for n in range(120):
        await house.accept(id=f"order-{n}")
    await house.work()
    await house.line.sections.set_status("demo", "active")
    over = Pace(house.clock, house.clock.now() - timedelta(seconds=1))

    assert await unpark.resume_section(house.line, "demo", over) == 0
    done = await house.pass_(seconds=10)

    assert done["unpark"]["resumed"] == 120
    assert len(house.http.requests) == 120


async def test_a_resume_lets_go_in_bounded_pieces(monkeypatch):
    monkeypatch.setattr(unpark, "MOST", 5)
    house = await paused(*[OK] * 60)
    for n in range(60):
        await house.accept(id=f"order-{n}")
    await house.work()

    assert await resumed(house) == 20, "five of each of four buckets"


async def test_what_cannot_be_handed_off_on_resume_is_sent_by_the_sweeper():
    queue = AwayQueue()
    house = await paused(OK, queue=queue)
    id = await house.accept()
    await house.work()

    queue.away = True
    await resumed(house)
    queue.away = False
    await house.pass_(seconds=31)

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_what_the_bus_never_got_waits_too_and_goes_on_after():
    queue = AwayQueue()
    house = await paused(OK, queue=queue)
    queue.away = True
    id = await house.accept()
    queue.away = False
    assert (await house.pass_(hours=1))["sweep"]["sent"] == 0

    await resumed(house)
    await house.pass_(seconds=31)

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_an_instance_that_has_not_heard_of_the_resume_parks_and_the_next_tick_goes_on():
    world = World(Fuse())
    await world.house.furnish()
    world.house.caller = world.caller
    late, other = world.house, world.beside()
    await late.line.sections.set_status("demo", "paused")
    await late.line.sections.read("demo")
    await other.line.sections.set_status("demo", "active")
    await unpark.resume_section(other.line, "demo", Pace.of(world.clock, timedelta(seconds=10)))
    await late.accept()
    await world.work()
    assert outbox(late) == ["p"]

    await world.pass_(minutes=1)

    assert [status for _, status in world.receiver.requests] == [200]


async def test_the_receipt_and_the_list_say_that_the_section_is_paused():
    house = await paused(OK)
    id = await house.accept()
    await house.work()

    receipt = await house.receipt(id)
    listed = await listing.newest(house.line, house.caller, page_of({}))
    assert (receipt["status"], receipt["reason"]) == ("parked", "section_paused")
    assert listed["section"] == {"id": "demo", "status": "paused"}
    assert [one["id"] for one in listed["events"]] == [id]

    await resumed(house)
    assert (await house.receipt(id))["status"] == "accepted"
    await house.work()

    receipt = await house.receipt(id)
    listed = await listing.newest(house.line, house.caller, page_of({}))
    assert (receipt["status"], receipt["reason"]) == ("delivered", None)
    assert listed["section"] == {"id": "demo", "status": "active"}


async def test_an_event_that_had_ended_before_is_shown_as_it_ended():
    house = await build(OK).furnish()
    id = await house.accept()
    await house.work()
    await house.line.sections.set_status("demo", "paused")

    assert (await house.receipt(id))["status"] == "delivered"


async def test_a_repeat_is_a_repeat_and_goes_out_once():
    house = await paused(OK)
    first = await house.accept()
    again = await house.post()
    await house.work()

    await resumed(house)
    await house.work()

    assert isinstance(again, Accepted)
    assert (again.id, again.replayed) == (first, True)
    assert len(house.http.requests) == 1


async def test_webhooks_are_accepted_and_go_on_after():
    house = await test_mend.furnished(test_mend.TYPES)
    await house.line.sections.set_status("demo", "paused")

    told = await test_mend.arrive(house)
    await house.pass_(hours=2)
    assert (isinstance(told, Accepted), house.http.requests) == (True, [])

    await resumed(house)
    await house.work()
    assert (await house.receipt(told.id))["status"] == "delivered"


async def test_a_delivery_that_was_under_way_is_parked_and_goes_on():
    house = await build(OK).furnish()
    id = await house.accept()
    await house.work("events")
    await house.line.sections.set_status("demo", "paused")
    await house.work()

    assert (await house.receipt(id))["reason"] == "section_paused"
    assert house.http.requests == []
    assert await resumed(house) == 1
    await house.work()

    assert (await house.delivery(id)).status is Status.DELIVERED


@pytest.mark.parametrize("failures", [1, 3])
async def test_a_retry_that_comes_due_is_parked_and_goes_on(failures):
    """A short wait lies on the bus, a long one in the due table."""
    house = await build(*[FAILED] * failures, OK).furnish()
    id = await house.accept()
    await house.work()
    for time in ({"seconds": 10}, {"minutes": 10})[: failures - 1]:
        await house.pass_(**time)
    assert len(house.http.requests) == failures
    await house.line.sections.set_status("demo", "paused")

    await house.pass_(hours=5)
    assert (await house.delivery(id)).status is Status.PARKED
    assert len(house.http.requests) == failures
    await resumed(house)
    await house.work()

    assert (await house.delivery(id)).status is Status.DELIVERED
    assert house.rows("due") == []


async def test_a_replay_waits_as_well():
    house = await build(BAD, OK).furnish()
    await house.accept()
    await house.work()
    await house.line.sections.set_status("demo", "paused")
    [dead] = await house.dead_letters()

    await replay.dead_letter(house.line, "demo", dead["id"])
    await house.pass_(minutes=5)
    assert len(house.http.requests) == 1
    await resumed(house)
    await house.work()

    assert len(house.http.requests) == 2


async def test_a_refusal_that_came_meanwhile_holds():
    house = await paused()
    id = await house.accept()
    await house.work()
    refusal = {"email": "ada@example.com", "purpose": "marketing", "state": "opted_out"}
    await house.line.consents.set(await house.line.sections.read("demo"), body(refusal))

    await resumed(house)
    await house.work()

    assert (await house.receipt(id))["status"] == "refused"


async def test_a_paused_destination_of_a_resumed_section_is_sent_nothing():
    house = await paused()
    id = await house.accept()
    await house.line.destinations.set_status("demo", "crm", "paused")
    await house.work()

    await resumed(house)
    await house.pass_(minutes=1)

    receipt = await house.receipt(id)
    assert (receipt["status"], receipt["reason"]) == ("parked", "destination_paused")
    assert house.http.requests == []


async def test_a_destination_that_is_resumed_in_a_paused_section_waits_for_the_section():
    house = await build(OK).furnish()
    await house.line.destinations.set_status("demo", "crm", "paused")
    id = await house.accept()
    await house.work()
    await house.line.sections.set_status("demo", "paused")
    pace = Pace.of(house.clock, timedelta(seconds=10))

    await house.line.destinations.set_status("demo", "crm", "active")
    assert await unpark.resume(house.line, "demo", "crm", pace) == 0
    assert (await house.pass_(minutes=1))["unpark"] == {"resumed": 0}
    assert await resumed(house) == 1
    await house.work()

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_what_is_past_its_retention_is_deleted_and_never_sent():
    house = await paused()
    await house.accept()
    await house.work()
    await house.pass_(days=366)
    assert house.rows("events", "e|") == []

    await resumed(house)
    await house.work()
    for _ in range(3):
        await house.pass_(hours=1, seconds=1)

    assert (house.http.requests, outbox(house), house.rows("receipts")) == ([], [], [])


async def test_another_section_goes_on():
    house = await paused(OK)
    await house.line.sections.create(body({**SECTION, "id": "other"}), bytes(32))

    await house.line.definitions.create("other", body(ORDER))
    settings = {"url": "https://other.example.com/hook"}
    destination = {"name": "crm", "kind": "webhook", "settings": settings}
    await house.line.destinations.create("other", body(destination), bytes(32))
    await house.line.routes.create("other", body({"event": ORDER["event"], "destination": "crm"}), "rt-crm")
    await house.accept()
    house.caller = Caller("other", frozenset(), "key", "checkout", "checkout")

    await house.accept()
    await house.work()

    assert [request.url for request in house.http.requests] == ["https://other.example.com/hook"]


async def test_a_batch_goes_on_as_one_commit():
    house = await paused(OK, OK, OK)
    several = [{name: value for name, value in order().items() if name != "id"}] * 3
    await house.post_all(*several)
    await house.work()

    assert await resumed(house) == 1
    await house.work()

    assert len(house.http.requests) == 3
