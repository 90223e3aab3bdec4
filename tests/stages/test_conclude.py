"""A destination that is gone, or has taken nothing for a day, is disabled; what goes there is parked, and a person decides."""

from datetime import timedelta

import pytest

from shared.operations import unpark
from shared.operations.pace import Pace
from shared.ports import Answer
from shared.stores.delivered import NOTED_EVERY
from shared.stores.trail import Status
from shared.wiring import assemble
from tests.fakes import FakeBlobs, FakeIdentity, FakeSeal
from tests.house import OK, body, build

GONE, FAILED, REJECTED = Answer(410, {}, b""), Answer(503, {}, b""), Answer(400, {}, b"")


async def seen(house):
    return await house.line.destinations.read("demo", "crm")


async def audited(house):
    page = await house.line.audit.page("demo", 10)
    return [
        (one["by"], one["what"], one["id"])
        for one in page["changes"]
        if one["what"] == "destination disabled"
    ]


async def resume(house):
    await house.line.destinations.set_status("demo", "crm", "active")
    pace = Pace(house.line.clock, house.clock.now() + timedelta(seconds=10))
    await unpark.resume(house.line, "demo", "crm", pace)


async def until_it_ends(house, id):
    """Let time pass until the delivery is dead."""
    while (await house.delivery(id)).status is not Status.DEAD:
        await house.pass_(hours=1)


async def test_a_destination_that_answers_410_is_disabled_and_says_why():
    house = await build(GONE).furnish()
    id = await house.accept()
    await house.work()

    shown = await seen(house)
    assert (shown["status"], shown["disabledAt"]) == ("disabled", "2026-11-22T09:15:00.000Z")
    assert "410" in shown["disabledReason"]
    assert (await house.delivery(id)).cause == "gone"
    assert [one["status"] for one in await house.line.destinations.list("demo")] == ["disabled"]
    assert await audited(house) == [("signalbox", "destination disabled", "crm")]


async def test_what_goes_to_a_disabled_destination_is_parked_and_goes_on_once_a_person_resumes_it():
    house = await build(GONE, OK).furnish()
    await house.accept(id="one")
    await house.work()

    id = await house.accept(id="two")
    await house.work()
    assert (await house.delivery(id)).status is Status.PARKED
    assert len(house.http.requests) == 1

    await resume(house)
    await house.work()

    assert (await house.delivery(id)).status is Status.DELIVERED
    shown = await seen(house)
    assert shown["status"] == "active"
    assert not {"disabledAt", "disabledReason"} & shown.keys()


async def test_a_delivery_that_used_up_its_attempts_disables_a_destination_that_took_nothing_since():
    house = await build(*[FAILED] * 10).furnish()
    id = await house.accept()
    await house.work()
    await until_it_ends(house, id)

    shown = await seen(house)
    assert (shown["status"], "attempts" in shown["disabledReason"]) == ("disabled", True)
    assert (await house.delivery(id)).cause == "exhausted"


async def test_a_destination_that_takes_other_events_meanwhile_stays_active():
    house = await build(FAILED, OK, *[FAILED] * 9).furnish()
    id = await house.accept(id="one")
    await house.work()
    await house.pass_(seconds=1)
    await house.accept(id="two")
    await house.work()
    await until_it_ends(house, id)

    assert (await seen(house))["status"] == "active"


async def test_a_short_schedule_disables_nothing():
    house = await build(*[FAILED] * 2).furnish()
    settings = {"url": "https://crm.example.com/hook", "retrySeconds": [60]}
    await house.line.destinations.change("demo", "crm", body({"settings": settings}))
    id = await house.accept()
    await house.work()
    await until_it_ends(house, id)

    assert (await seen(house))["status"] == "active"


async def hasty(*answers):
    """A house whose destination is tried twice within minutes."""
    house = await build(*answers).furnish()
    settings = {"url": "https://crm.example.com/hook", "retrySeconds": [60]}
    await house.line.destinations.change("demo", "crm", body({"settings": settings}))
    return house


async def pass_days(house, days, hours=12):
    """Days pass, with an event every so many hours."""
    for _ in range(days * 24 // hours):
        await house.accept(id=f"order-{house.clock.now()}")
        await house.work()
        await house.pass_(minutes=2)
        await house.pass_(hours=hours)


async def test_a_destination_where_everything_fails_for_five_days_is_disabled():
    house = await hasty(*[FAILED] * 40)
    await pass_days(house, 4)
    assert (await seen(house))["status"] == "active"

    await pass_days(house, 2)

    shown = await seen(house)
    assert (shown["status"], "five days" in shown["disabledReason"]) == ("disabled", True)


async def test_one_that_takes_something_now_and_then_stays_active():
    house = await hasty(*[FAILED] * 12, OK, *[FAILED] * 20)
    await pass_days(house, 7)

    assert (await seen(house))["status"] == "active"


async def test_failures_days_apart_are_no_row_of_failures():
    house = await hasty(*[FAILED] * 20)
    await pass_days(house, 12, hours=72)

    assert (await seen(house))["status"] == "active"


async def test_what_is_refused_for_what_it_is_disables_nothing():
    house = await build(REJECTED).furnish()
    await house.accept()
    await house.work()

    assert (await seen(house))["status"] == "active"


async def test_a_destination_that_was_resumed_has_a_day_to_show_that_it_lives(monkeypatch):
    monkeypatch.setattr("shared.stages.forward.random.random", lambda: 0.5)
    house = await build(*[FAILED] * 20).furnish()
    first = await house.accept(id="one")
    await house.work()
    for _ in range(20):
        await house.pass_(hours=1)
    second = await house.accept(id="two")
    await house.work()
    await until_it_ends(house, first)
    assert (await seen(house))["status"] == "disabled"

    await resume(house)
    await until_it_ends(house, second)

    assert (await house.delivery(second)).cause == "exhausted"
    assert (await seen(house))["status"] == "active"


@pytest.mark.parametrize("change", ["settings", "status"])
async def test_whoever_changes_it_while_an_attempt_is_under_way_wins(change, monkeypatch):
    house = await build().furnish()

    async def send(request, *, timeout_seconds):
        if change == "settings":
            doc = {"settings": {"url": "https://new.example.com/hook"}}
            await house.line.destinations.change("demo", "crm", body(doc))
        else:
            await house.line.destinations.set_status("demo", "crm", "active")
        return GONE

    monkeypatch.setattr(house.http, "send", send)
    await house.accept()
    await house.work()

    assert (await seen(house))["status"] == "active"


async def test_two_that_disable_it_at_once_disable_it_once():
    house = await build(GONE, GONE).furnish()
    await house.accept(id="one")
    await house.accept(id="two")
    await house.work()

    assert (await seen(house))["status"] == "disabled"
    assert len(await audited(house)) == 1


async def test_that_something_arrived_is_noted_every_ten_minutes_and_not_for_each_delivery():
    house = await build(*[OK] * 4).furnish()

    def noted():
        return [row.values["at"] for row in house.rows("usage", "delivered|")]

    for number in range(3):
        await house.accept(id=f"order-{number}")
        await house.work()
        house.clock.pass_(seconds=30)
    assert noted() == ["2026-11-22T09:15:00.000Z"]

    house.clock.pass_(seconds=NOTED_EVERY.total_seconds())
    await house.accept(id="late")
    await house.work()
    assert noted() == ["2026-11-22T09:26:30.000Z"]


async def test_another_instance_knows_that_something_arrived():
    house = await build(OK).furnish()
    await house.accept()
    await house.work()

    other = assemble(
        tables=house.tables,
        blobs=FakeBlobs(),
        queue=house.queue,
        seal=FakeSeal(),
        http=house.http,
        identity=FakeIdentity(),
        clock=house.clock,
    )
    assert await other.forwarder.conclude.delivered.last("demo", "crm") == house.clock.now()
