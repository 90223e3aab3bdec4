"""Purge: what is past its retention is gone with all that hangs on it, and what is not stays."""

from datetime import timedelta

import pytest

from shared.errors import UnknownEvent
from shared.operations.pace import Pace
from shared.operations.roll_up import roll_up
from shared.operations.tick import tick
from shared.ports import Answer
from shared.sources import Received
from tests.crash import Fuse, World
from tests.house import OK, ORDER, body, build, order
from tests.operations.scenarios import NOTES, furnished

PERSONAL = ("events", "receipts", "timeline", "deadletters", "due")
"""Where an event leaves rows."""


async def short_lived(house, days):
    await house.line.definitions.create(
        "demo", body({**ORDER, "event": f"kept.d{days}", "retentionDays": days})
    )


async def test_an_event_is_there_on_its_last_day_and_gone_after():
    house = await build(OK).furnish()
    await short_lived(house, 10)
    id = await house.accept(event="kept.d10")
    await house.work()

    await house.pass_(days=10)
    assert (await house.receipt(id))["id"] == id
    await house.pass_(days=1)

    assert house.rows("events", "e|") == []
    assert house.rows("receipts") == []
    assert house.rows("timeline") == []


async def test_a_key_outlives_its_event_until_its_window_ends():
    house = await build(OK).furnish()
    await short_lived(house, 1)
    id = await house.accept(event="kept.d1")
    await house.pass_(days=2)
    assert house.rows("events", "e|") == []

    told = await house.post(event="kept.d1")
    assert (told.id, told.replayed) == (id, True)
    await house.pass_(days=30)

    assert house.rows("events") == []
    assert not (await house.post(event="kept.d1")).replayed


async def test_of_one_commit_only_what_has_expired_goes():
    house = await build(OK, OK).furnish()
    for days in (1, 50):
        await short_lived(house, days)
        await house.add_route("crm", f"rt-{days}", event=f"kept.d{days}")
    keyless = {name: value for name, value in order().items() if name != "id"}
    told = await house.post_all(*({**keyless, "event": f"kept.d{days}"} for days in (1, 50)))
    await house.work()

    await house.pass_(days=2)

    assert [row.rk for row in house.rows("events", "e|")] == [f"e|{told[1].id}"]
    assert (await house.receipt(told[1].id))["status"] == "delivered"


async def test_a_dead_letter_goes_with_its_event():
    house = await build(Answer(400, {}, b"")).furnish()
    await house.accept()
    await house.work()
    assert len(await house.dead_letters()) == 1

    await house.pass_(days=366)

    assert house.rows("deadletters") == []


async def test_what_waits_for_a_purged_event_ends_quietly():
    house = await build().furnish()
    await house.line.destinations.set_status("demo", "crm", "paused")
    await house.accept()
    await house.work()
    assert len(house.rows("due")) == 1
    await house.pass_(days=366)

    await house.line.destinations.set_status("demo", "crm", "active")
    await house.pass_(minutes=1)

    assert [house.rows(table) for table in PERSONAL] == [[]] * len(PERSONAL)


async def test_quarantine_ends_after_thirty_days():
    house = await build().furnish()
    request = Received("POST", "/", {}, b"{}")
    item = house.line.quarantine.item("0" * 32, request, UnknownEvent("unknown"), [])
    await house.line.quarantine.keep("demo", item)

    assert (await house.pass_(days=29))["purge"]["quarantined"] == 0
    assert (await house.pass_(days=2))["purge"]["quarantined"] == 1
    assert house.rows("quarantine") == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["killed", "unavailable"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_purge_that_is_cut_short_anywhere_is_finished_by_the_next(fault, moment):
    tables = await furnished("crm")
    number, reached = 0, True
    while reached:
        number += 1
        world = World(Fuse(fault, moment), tables)
        world.receiver.script = [Answer(400, {}, b"")]
        notes = dict.fromkeys(NOTES, "x" * 30_000)
        await world.house.post_all(
            order(properties={"orderId": "1", "totalValue": 1, **notes}), order(id="b")
        )
        await world.work()
        await world.pass_(minutes=2)
        world.clock.pass_(days=400)
        # Counted beforehand: the tick would count every hour of a week, and it is not its calls that are to fail.
        await roll_up(world.house.line, Pace.of(world.clock, timedelta(seconds=40)))
        world.fuse.calls, world.fuse.at = 0, number
        await world.tick()
        reached = world.fuse.calls >= number
        world.fuse.at = 0
        await tick(world.house.line)

        left = {table: list(world.tables.tables.get(table, {})) for table in PERSONAL}
        assert left == {table: [] for table in PERSONAL}, f"call {number}"
        assert world.blobs.blobs == {}
    assert number > 20
