"""Clear: of a deleted section nothing stays in any table or container, and nothing of another is touched."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared import exact, flow
from shared.azure.blobs import AzureBlobs
from shared.azure.tables import AzureTables
from shared.errors import Conflict, Unavailable
from shared.line import Line
from shared.messages import read_commit, read_delivery
from shared.operations.clear import LATE_AT_MOST, Cleared, clear
from shared.operations.pace import Pace
from shared.ports import Blobs, Row, Tables, Value, bytes_of
from shared.storage import REGISTRY, TABLES
from tests.crash import Fuse, Killed, Message, World
from tests.fakes import FakeClock
from tests.house import SECTION, House, body, build
from tests.real import azurite
from tests.upgrade.record import lived
from tests.upgrade.recording import Recording

__all__ = ["azurite"]
LATE = LATE_AT_MOST + timedelta(seconds=1)


@pytest.fixture(scope="module")
def recording() -> Recording:
    """A section with something in every state there is."""
    return asyncio.run(lived("the present code"))


def moved(
    recording: Recording, id: str, *, reverse: bool = False
) -> tuple[dict[str, list[Row]], Mapping[str, bytes]]:
    """All rows and blobs of the recorded section under another id; `reverse` gives its keys and sources other ids."""

    def renamed(row: Row) -> Row:
        pk, rk = (re.sub(r"\bdemo\b", id, key) for key in (row.pk, row.rk))
        values = {name: re.sub(rb"\bdemo\b", id.encode(), value) if isinstance(value, bytes) else value
                  for name, value in row.values.items()}  # fmt: skip
        return Row(pk, rk[::-1] if reverse and pk in ("|key", "|source") else rk, values)

    rows = {name: [renamed(row) for row in rows.values()] for name, rows in recording.tables.items()}
    return rows, {name.replace("demo/", f"{id}/"): one for name, one in recording.blobs.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """Storage with two sections in it, of which the one's id begins the other's."""

    tables: Tables
    blobs: Blobs
    house: House
    id: str

    @property
    def neighbour(self) -> str:
        return f"{self.id}-2"

    async def delete(self) -> None:
        await self.house.line.sections.set_status(self.id, "paused")
        self.house.clock.pass_(seconds=1)
        await self.house.line.sections.delete(self.id, self.id)

    async def tick(self) -> Cleared:
        return await clear(self.house.line, Pace.of(self.house.clock, timedelta(seconds=40)))

    async def of(self, section: str) -> dict[tuple[str, str, str], Mapping[str, Value]]:
        """Every row that names a section in its keys or is a pointer to it; told apart from what tells of changes."""
        word = re.compile(rf"(^|[|/]){re.escape(section)}([|/]|$)")
        found = {}
        for table in TABLES:
            async for row in self.tables.scan(table.name):
                to_it = (
                    row.pk in ("|key", "|source") and exact.read(bytes_of(row, "doc"))["section"] == section
                )
                if word.search(row.pk) or word.search(row.rk) or to_it:
                    found[table.name, row.pk, row.rk] = row.values
        return found

    async def bodies(self, section: str) -> list[str]:
        return [name async for name in self.blobs.names(f"{section}/")]

    async def told(self) -> list[tuple[str, str]]:
        """What the deployment's audit says of the section, oldest first."""
        rows = [row async for row in self.tables.range(REGISTRY.name, "|section", "~")]
        return [
            (str(row.values["what"]), str(row.values["by"])) for row in rows if row.values["id"] == self.id
        ][::-1]


@pytest.fixture(params=["fakes", pytest.param("azurite", marks=pytest.mark.slow)])
async def place(request: pytest.FixtureRequest, recording: Recording) -> AsyncIterator[Place]:
    id = f"gone-{secrets.token_hex(4)}"
    if request.param == "fakes":
        yield await filled(build(clock=FakeClock(recording.at)), recording, id)
        return
    connection = request.getfixturevalue("azurite").connection_string
    async with AzureTables(connection) as tables, AzureBlobs(connection) as blobs:
        yield await filled(build(tables=tables, blobs=blobs, clock=FakeClock(recording.at)), recording, id)


async def filled(house: House, recording: Recording, id: str) -> Place:
    tables, blobs = house.tables, house.line.belongings._blobs
    for section, reverse in ((id, False), (f"{id}-2", True)):
        rows, bodies = moved(recording, section, reverse=reverse)
        for table, found in rows.items():
            for row in found:
                await tables.upsert(table, row)
        for name, one in bodies.items():
            await blobs.put(name, one)
    for section in (id, f"{id}-2"):
        await tables.upsert("usage", Row(section, "used|key", {"at": "now"}))
        await tables.upsert("replays", Row(section, "a-replay", {"schema": 1}))
        await tables.upsert("firsts", Row(f"{section}|0", "f|a-mark", {"schema": 1}))
    return Place(tables, blobs, house, id)


async def test_of_a_deleted_section_nothing_is_left_and_its_neighbour_is_untouched(place: Place):
    before, bodies = await place.of(place.neighbour), await place.bodies(place.neighbour)
    kinds = {table for table, _, _ in await place.of(place.id)}
    assert kinds == {table.name for table in TABLES}
    assert await place.bodies(place.id)

    await place.delete()
    first = await place.tick()
    left = await place.of(place.id)
    place.house.clock.pass_(seconds=LATE.total_seconds())
    last = await place.tick()

    assert first.rows > 100
    assert first.bodies > 1
    assert [*left] == [("registry", "|section", place.id)]
    assert (last.rows, last.sections) == (0, 1)
    assert await place.of(place.id) == {}
    assert await place.bodies(place.id) == []
    assert (await place.of(place.neighbour), await place.bodies(place.neighbour)) == (before, bodies)


async def test_the_audit_says_who_deleted_it_and_when_all_was_gone(place: Place):
    await place.delete()
    place.house.clock.pass_(seconds=LATE.total_seconds())
    await place.tick()

    assert [what for what, _ in await place.told()][-2:] == ["section deleted", "section cleared away"]
    assert [by for _, by in await place.told()][-2:] == ["command", "tick"]


async def test_its_id_is_free_once_all_is_gone_and_not_before(place: Place):
    await place.delete()
    again = body({**SECTION, "id": place.id})
    await place.tick()
    with pytest.raises(Conflict):
        await place.house.line.sections.create(again, bytes(32))

    place.house.clock.pass_(seconds=LATE.total_seconds())
    await place.tick()

    assert (await place.house.line.sections.create(again, bytes(32)))["deletedAt"] is None
    assert await place.house.line.definitions.list(place.id) == []


async def test_what_a_late_request_still_writes_goes_too(place: Place):
    await place.delete()
    await place.tick()
    late = Row(f"{place.id}|0", "e|late", {"schema": 1})
    await place.tables.upsert("events", late)
    place.house.clock.pass_(minutes=5)
    await place.tick()
    await place.tables.upsert("events", late)
    place.house.clock.pass_(seconds=LATE.total_seconds())

    assert (await place.tick()).rows == 1
    assert await place.of(place.id) == {}


async def test_messages_of_a_section_that_is_gone_end_quietly_and_write_nothing(
    place: Place, recording: Recording
):
    messages = [replace(one, body=re.sub(r"\bdemo\b", place.id, one.body)) for one in recording.messages]
    assert {one.queue for one in messages} == {"events", "deliveries"}

    await place.delete()
    for _ in range(2):  # while it is being cleared away, and after
        await asyncio.gather(*(worked_off(place.house.line, one) for one in messages))
        place.house.clock.pass_(seconds=LATE.total_seconds())
        await place.tick()

    assert await place.of(place.id) == {}
    assert place.house.http.requests == []


async def worked_off(line: Line, message: Message) -> None:
    raw = message.body.encode()
    if message.queue == "events":
        await flow.process(line, read_commit(raw))
    else:
        await flow.deliver(line, read_delivery(raw))


class Hurried(FakeClock):
    """A clock on which a second passes whenever somebody looks."""

    def now(self):
        self.pass_(seconds=1)
        return super().now()


async def test_a_tick_does_only_as_much_as_its_time_allows_and_the_next_goes_on(recording: Recording):
    place = await filled(build(clock=Hurried(recording.at)), recording, "former")
    await place.delete()
    runs: list[Cleared] = []
    while not runs or not runs[-1].sections:
        runs.append(await clear(place.house.line, Pace.of(place.house.clock, timedelta(seconds=6))))
        assert len(runs) < 1_000

    assert len([run for run in runs if run.rows]) > 2
    assert await place.of("former") == {}


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("fault", ["killed", "unavailable"])
async def test_whichever_call_fails_or_ends_the_process_later_ticks_finish(
    recording: Recording, fault, moment
):
    async def world_with(fuse: Fuse) -> World:
        world = World(fuse, recording.tables)
        world.blobs.blobs = dict(recording.blobs)
        world.clock.time = recording.at
        beside = world.beside().line.sections
        await beside.set_status("demo", "paused")
        await beside.delete("demo", "demo")
        return world

    number, reached = 0, True
    while reached:
        number += 7
        world = await world_with(Fuse(fault, moment, number))
        with suppress(Unavailable, Killed):
            await clear(world.house.line, Pace.of(world.clock, timedelta(seconds=40)))
        reached = world.fuse.calls >= number
        world.fuse.at = 0
        for _ in range(2):
            await world.pass_(seconds=LATE.total_seconds())

        left = [
            (name, *key)
            for name, rows in world.tables.tables.items()
            for key in rows
            if "demo" in "|".join(key) and not (key[0] == "|section" and key[1].startswith("~"))
        ]  # the audit of the section itself outlives it
        assert (left, world.blobs.blobs) == ([], {}), number
    assert number > 20
