"""What the line stands on is looked at in bounded time and once for all who ask; real parts are cut to show it."""

import asyncio
import time

import pytest

from shared.azure.blobs import AzureBlobs
from shared.azure.bus import ServiceBusQueue
from shared.azure.tables import AzureTables
from shared.errors import Unavailable
from shared.probe import PATIENCE_SECONDS, REMEMBERED_SECONDS, TICK_LATE
from tests.fakes import FakeSeal
from tests.house import build
from tests.kill.outage import Mode, Outage
from tests.real import azurite, broker, fresh_queue

__all__ = ["azurite", "broker", "fresh_queue"]


async def stands(house):
    """Which parts are there."""
    return {one.part: one.is_there for one in await house.line.probe.look()}


def later(house):
    """What was found is forgotten, and documents are read anew."""
    house.clock.pass_(seconds=REMEMBERED_SECONDS + 1)


async def test_everything_is_there_once_a_tick_was_through():
    house = await build().furnish()
    before = await stands(house)
    await house.pass_(minutes=1)

    assert before == {"tables": True, "masterKeys": True, "tick": False, "blobs": True, "bus": True}
    assert all((await stands(house)).values())


async def test_a_tick_that_is_late_is_told_with_when_it_was_last_through():
    house = await build().furnish()
    await house.pass_(minutes=1)
    house.clock.pass_(seconds=TICK_LATE.total_seconds())
    in_time = await stands(house)
    later(house)

    [tick] = [one for one in await house.line.probe.look() if one.part == "tick"]

    assert in_time["tick"]
    assert (tick.is_there, tick.detail) == (False, "It was last through at 2026-11-22T09:16:00.000Z.")


async def test_a_master_key_that_is_missing_is_found_out_by_what_it_has_sealed(monkeypatch):
    house = await build().furnish()
    again = build(tables=house.tables, clock=house.clock)

    def unseal(self, context, sealed):
        raise Unavailable("A secret cannot be unsealed: its master key is not among the ones set.")

    monkeypatch.setattr(FakeSeal, "unseal", unseal)
    [keys] = [one for one in await again.line.probe.look() if one.part == "masterKeys"]

    assert not keys.is_there
    assert "master key" in str(keys.detail)


async def test_however_many_ask_it_is_looked_at_once():
    house = await build().furnish()
    later(house)
    before = house.tables.requests
    await house.line.probe.look()
    once = house.tables.requests - before

    await asyncio.gather(*(house.line.probe.look() for _ in range(100)))
    house.clock.pass_(seconds=REMEMBERED_SECONDS - 1)
    await house.line.probe.look()
    asked = house.tables.requests - before
    later(house)
    await house.line.probe.look()

    assert (asked, house.tables.requests - before) == (once, once * 2)


@pytest.mark.slow
@pytest.mark.parametrize("how", [Mode.REFUSE, Mode.HANG, Mode.CUT])
async def test_each_part_that_is_cut_off_is_found_away_in_bounded_time_and_back_afterwards(
    azurite, broker, fresh_queue, how
):
    with (
        Outage(azurite.ports.table) as table,
        Outage(azurite.ports.blob) as blob,
        Outage(broker.port) as bus,
    ):
        storage = azurite.connection_string.replace(f":{azurite.ports.table}/", f":{table.port}/")
        storage = storage.replace(f":{azurite.ports.blob}/", f":{blob.port}/")
        connection = broker.connection_string.replace(f":{broker.port};", f":{bus.port};")
        async with (
            AzureTables(storage) as tables,
            AzureBlobs(storage) as blobs,
            ServiceBusQueue(connection, timeout_seconds=1) as queue,
        ):
            house = build(tables=tables, blobs=blobs, queue=Named(queue, fresh_queue()))
            await house.line.beat.note(house.clock.now())
            assert await stands(house) == dict.fromkeys(
                ("tables", "masterKeys", "tick", "blobs", "bus"), True
            )
            for outage, lost in (
                (blob, {"blobs"}),
                (bus, {"bus"}),
                (table, {"tables", "masterKeys", "tick"}),
            ):
                outage.set(how)
                later(house)
                begun = time.monotonic()
                found = await stands(house)
                assert {part for part, is_there in found.items() if not is_there} == lost
                assert time.monotonic() - begun < 2 * PATIENCE_SECONDS + 1
                outage.set(Mode.PASS)
            later(house)
            assert all((await stands(house)).values())


class Named:
    """A queue of the broker that stands for whichever the line means."""

    def __init__(self, queue, name):
        self.queue, self.name = queue, name

    async def reach(self, _):
        await self.queue.reach(self.name)
