"""The arithmetic of the layout, by which capacity and cost are computed, is what the line does."""

from collections import Counter
from typing import Any

import pytest

from bench import layout
from bench.layout import Touched
from shared.storage import PEOPLE, REGISTRY, TIMELINE
from tests.fakes import FakeTables
from tests.house import OK, build, order

BY_CHANCE = {PEOPLE.name, TIMELINE.name}
"""How many partitions people lie in is chance; how many rows is not."""
OFF_BY = 4


class Counted(FakeTables):
    """Tables that note the requests and rows of each."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[tuple[str, str]] = Counter()

    def note(self, table, rows):
        self.seen[table, "requests"] += 1
        self.seen[table, "rows"] += rows

    async def get(self, table, pk, rk):
        self.note(table, 1)
        return await super().get(table, pk, rk)

    async def delete(self, table, pk, rk):
        self.note(table, 1)
        await super().delete(table, pk, rk)

    async def transact(self, table, operations):
        self.note(table, len(operations))
        return await super().transact(table, operations)

    async def range(self, table, pk, *bounds, **options):
        found = [row async for row in super().range(table, pk, *bounds, **options)]
        self.note(table, max(1, len(found)))
        for row in found:
            yield row

    def taken(self) -> dict[str, Touched]:
        seen, self.seen = self.seen, Counter()
        tables = {table for table, _ in seen} - {REGISTRY.name}  # remembered, so not a matter of events
        return {table: Touched(seen[table, "requests"], seen[table, "rows"]) for table in tables}


async def travelled(events: int, destinations: int, *, keyed: bool) -> list[dict[str, Any]]:
    """What each stage touched: with people whom nobody knew, and with the same people once more."""
    house = await build(tables=Counted()).furnish()
    for n in range(1, destinations):
        await house.add_destination(f"other-{n}")
        await house.add_route(f"other-{n}")
    house.http.answers = [OK] * 1000
    await house.accept(id="warm")
    await house.work()
    return [await travel(house, events, keyed=keyed, again=again) for again in (False, True)]


async def travel(house, events: int, *, keyed: bool, again: bool) -> dict[str, Any]:
    house.clock.pass_(seconds=10)
    house.tables.taken()
    await house.post_all(*(one_of(n, keyed=keyed, again=again) for n in range(events)))
    found: dict[str, Any] = {"accept": house.tables.taken()}
    sent = len(house.queue.sent)
    await house.work("events")
    found["process"], sent = house.tables.taken(), sent + len(house.queue.sent)
    await house.work()
    return {**found, "deliver": house.tables.taken(), "messages": sent}


def one_of(n: int, *, keyed: bool, again: bool) -> dict[str, Any]:
    doc = order(id=f"{again}-{n}", person={"email": f"p{n}@example.com"})
    return doc if keyed else {name: value for name, value in doc.items() if name != "id"}


@pytest.mark.parametrize("destinations", [1, 2])
@pytest.mark.parametrize("events", [1, 10, 40])
async def test_a_commit_touches_what_the_layout_says(events: int, destinations: int):
    for new, seen in zip((True, False), await travelled(events, destinations, keyed=False), strict=True):
        close(seen["accept"], layout.accept(events, keyed=False))
        close(seen["process"], layout.process(events, destinations, new=new))
        close(seen["deliver"], layout.deliver(events, destinations))
        assert seen["messages"] == layout.messages(events, destinations)


async def test_an_event_with_a_key_takes_a_row_more_and_the_day_on_which_that_ends():
    _, seen = await travelled(1, 1, keyed=True)

    close(seen["accept"], layout.accept(1))


def close(seen: dict[str, Touched], told: layout.Work) -> None:
    assert seen.keys() == told.keys()
    for table, touched in told.items():
        assert seen[table].rows == touched.rows, table
        off = OFF_BY if table in BY_CHANCE else 0
        assert abs(seen[table].requests - touched.requests) <= off, table
