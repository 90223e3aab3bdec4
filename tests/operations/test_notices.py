"""What happens to Signalbox's own parts becomes events of its own for whoever listens: once, crash or not, and no loops."""

from dataclasses import replace

import pytest

from shared import flow, killpoints
from shared.catalog import own
from shared.destinations.outcomes import Cause
from shared.errors import Conflict, Invalid, Unavailable, UnknownEvent
from shared.event import Draft
from shared.messages import DeliveryMessage
from shared.operations import define, replay
from shared.operations.notices import TOLD_AFTER
from shared.operations.tick import tick
from shared.ports import Answer
from shared.stores.trail import Status
from tests.house import OK, ORDER, body, build

BAD, GONE = Answer(400, {}, b""), Answer(410, {}, b"")
LATER = TOLD_AFTER.total_seconds() + 1


async def listening(*answers, to=own.EVENTS):
    """A house in which somebody is told of these events of ours."""
    house = await build(*answers).furnish()
    await house.add_destination("ops", "https://ops.example.com/hook")
    for event in to:
        await house.line.routes.create(
            "demo", body({"event": event, "destination": "ops"}), f"rt-{event.replace('.', '-')}"
        )
    return house


async def told(house):
    """The events of ours that were made, oldest first."""
    found = []
    for row in sorted(house.rows("events", "e|"), key=lambda row: row.rk):
        stored = await house.line.ledger.event("demo", row.rk.removeprefix("e|"))
        if own.is_own(stored.event.event):
            found.append(stored.event)
    return found


async def version(house):
    fields = [*ORDER["fields"], {"name": "note", "type": "text", "description": "A note"}]
    return await define.add_version(house.line, "demo", ORDER["event"], body({"fields": fields}))


async def test_a_delivery_that_failed_is_told_with_where_to_look():
    house = await listening(BAD, OK)
    id = await house.accept()
    await house.work()
    assert (await house.pass_(seconds=LATER))["tell"] == {"told": 1}

    [event] = await told(house)
    assert event.properties == {
        "summary": f"transactions.order-placed was not delivered to crm. {Cause.REJECTED.sentence}",
        "delivery": f"{id}_rt-crm",
        "eventId": id,
        "event": "transactions.order-placed",
        "route": "rt-crm",
        "destination": "crm",
        "status": "dead",
        "cause": "rejected",
        "reason": Cause.REJECTED.sentence,
        "receipt": f"/v1/events/{id}",
    }
    assert (event.source, event.purpose, event.retention_days) == ("signalbox", "system", own.RETENTION_DAYS)
    assert [request.url for request in house.http.requests][1:] == ["https://ops.example.com/hook"]
    assert house.rows("due") == []


async def test_nothing_personal_is_in_what_is_told():
    house = await listening(BAD, OK)
    await house.accept(person={"email": "ada@example.com", "crmId": "c-77"})
    await house.work()
    await house.pass_(seconds=LATER)

    sent = house.http.requests[-1].body.decode()
    assert "delivery.failed" in sent
    assert "ada@example.com" not in sent
    assert "c-77" not in sent


async def test_where_nobody_listens_nothing_is_written():
    house = await listening(BAD, to=())
    await house.accept()
    await house.work()

    assert house.rows("due") == []
    assert (await house.pass_(seconds=LATER))["tell"] == {"told": 0}
    assert await told(house) == []


async def test_a_failed_delivery_of_what_is_told_is_not_told_in_turn():
    house = await listening(BAD, BAD)
    await house.accept()
    await house.work()
    for _ in range(3):
        await house.pass_(seconds=LATER)

    assert [event.event for event in await told(house)] == ["delivery.failed"]
    assert sorted(one["destination"] for one in await house.dead_letters()) == ["crm", "ops"]
    assert house.rows("due") == []


async def test_a_destination_that_was_disabled_is_told_once():
    house = await listening(GONE, OK, to=(own.DESTINATION_DISABLED,))
    await house.accept()
    await house.work()
    for _ in range(2):
        await house.pass_(seconds=LATER)

    [event] = await told(house)
    assert event.properties["destination"] == "crm"
    assert event.properties["disabledAt"] == "2026-11-22T09:15:00.000Z"
    assert "410" in event.properties["summary"]


async def test_a_destination_that_somebody_resumed_before_is_not_told():
    house = await listening(GONE, to=(own.DESTINATION_DISABLED,))
    await house.accept()
    await house.work()
    await house.line.destinations.set_status("demo", "crm", "active")
    await house.pass_(seconds=LATER)

    assert await told(house) == []


async def test_a_new_definition_and_each_new_version_are_told():
    house = await listening(OK, OK)
    section = await house.line.sections.read("demo")
    await define.create(house.line, section, body({**ORDER, "event": "transactions.order-paid"}))
    made = await version(house)
    await house.pass_(seconds=LATER)

    seen = {event.properties["summary"]: event.properties for event in await told(house)}
    assert seen.keys() == {
        "transactions.order-paid is defined.",
        "transactions.order-placed has a new version, number 2.",
    }
    changed = seen["transactions.order-placed has a new version, number 2."]
    assert changed["version"] == made["version"]["id"]
    assert changed["definition"] == "/v1/definitions/transactions.order-placed"


async def test_a_definition_that_was_refused_is_not_told():
    house = await listening()
    section = await house.line.sections.read("demo")
    with pytest.raises(Conflict):
        await define.create(house.line, section, body(ORDER))
    with pytest.raises(Invalid):
        await define.add_version(house.line, "demo", ORDER["event"], body({"fields": [{}]}))
    await house.pass_(seconds=LATER)

    assert await told(house) == []
    assert house.rows("due") == []


class Ended(BaseException):
    """The process ends here."""


@pytest.fixture
def ends():
    """Lets the process end where a kill point is reached."""

    def at(point):
        def end(reached):
            if reached == point:
                raise Ended

        killpoints.arm(end)

    yield at
    killpoints.arm(None)


async def test_a_tick_that_was_cut_short_tells_nothing_twice(ends):
    house = await listening(BAD, OK)
    await house.accept()
    await house.work()
    house.clock.pass_(seconds=LATER)
    ends("notices.recorded")
    with pytest.raises(Ended):
        await tick(house.line)
    killpoints.arm(None)
    for _ in range(2):
        await house.pass_(minutes=1)

    assert [event.event for event in await told(house)] == ["delivery.failed"]
    assert house.rows("due") == []


async def test_a_worker_that_ended_before_the_delivery_did_leaves_a_notice_that_comes_true(ends):
    house = await listening(BAD, BAD, OK)
    id = await house.accept()
    ends("tell.listed")
    with pytest.raises(Ended):
        await house.work()
    killpoints.arm(None)
    house.clock.pass_(seconds=LATER)
    await flow.deliver(house.line, DeliveryMessage("demo", "rt-crm", (id,)))
    for _ in range(2):
        await house.pass_(minutes=1)

    assert (await house.delivery(id)).status is Status.DEAD
    assert [event.event for event in await told(house)] == ["delivery.failed"]
    assert house.rows("due") == []


async def test_what_has_not_ended_yet_waits_for_its_end():
    """Listed by a worker that is still at it: a tick meanwhile leaves it alone."""
    house = await listening(BAD, OK)
    id = await house.accept()
    await house.line.teller.happens("demo", own.DELIVERY_FAILED, f"{id}_rt-crm")
    assert (await tick(house.line))["tell"] == {"told": 0}

    await house.work()
    await house.pass_(seconds=LATER)

    assert [event.event for event in await told(house)] == ["delivery.failed"]


async def test_a_delivery_that_was_replayed_and_failed_again_is_told_again():
    house = await listening(BAD, OK, BAD, OK)
    await house.accept()
    await house.work()
    await house.pass_(seconds=LATER)
    [dead] = await house.dead_letters()
    await replay.dead_letter(house.line, "demo", dead["id"])
    await house.work()
    await house.pass_(seconds=LATER)

    assert [event.event for event in await told(house)] == ["delivery.failed"] * 2


async def test_storage_that_fails_a_notice_stops_no_delivery(monkeypatch):
    house = await listening(BAD)

    async def add(*_):
        raise Unavailable("away")

    monkeypatch.setattr(type(house.line.teller.notices), "add", add)
    id = await house.accept()
    await house.work()

    assert (await house.delivery(id)).status is Status.DEAD


async def test_a_notice_that_means_nothing_to_this_version_keeps_no_other_waiting():
    house = await listening(BAD, OK)
    await house.line.teller.notices.add("demo", own.DELIVERY_FAILED, "no-id", house.clock.now())
    await house.line.teller.notices.add("gone", own.DELIVERY_FAILED, "no-id", house.clock.now())
    await house.accept()
    await house.work()
    await house.pass_(seconds=LATER)

    assert len(await told(house)) == 1
    assert house.rows("due") == []


@pytest.mark.parametrize("event", [*own.EVENTS, "system.new"])
async def test_nobody_else_sends_an_event_of_ours(event):
    house = await listening()
    forger = replace(house.caller, source="signalbox")

    [refused] = await flow.intake(house.line, forger, [Draft(event, {"summary": "I say so"})])

    assert isinstance(refused, UnknownEvent)
    assert "nobody else sends" in refused.detail


def test_every_event_of_ours_is_defined_with_what_it_tells():
    for event in own.EVENTS:
        assert own.fields(event)[0]["name"] == "summary"
        assert all(field["description"] for field in own.fields(event))
