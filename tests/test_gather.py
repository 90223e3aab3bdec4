"""Gather: many callers, few calls, and every caller settled on every path."""

import asyncio

import pytest

from shared.errors import Unavailable
from shared.gather import Gather


class Calls:
    """Doubles numbers; remembers what went together, and waits to be let go on."""

    def __init__(self, *, held: bool = False) -> None:
        self.made: list[tuple[str, list[int]]] = []
        self.go = asyncio.Event()
        if not held:
            self.go.set()

    async def __call__(self, key, items):
        self.made.append((key, list(items)))
        await self.go.wait()
        if -1 in items:
            raise ValueError("bad")
        return [item * 2 for item in items]


def gather(calls, most=3, most_waiting=100):
    return Gather(calls, most=most, most_waiting=most_waiting)


async def test_a_lone_item_goes_at_once():
    calls = Calls()

    assert await gather(calls).add("a", 1) == 2
    assert calls.made == [("a", [1])]


async def test_what_comes_while_a_call_is_under_way_goes_together_in_order():
    calls = Calls(held=True)
    lane = gather(calls)
    first = asyncio.create_task(lane.add("a", 0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(lane.add("a", n)) for n in range(1, 6)]
    await asyncio.sleep(0)

    calls.go.set()

    assert await asyncio.gather(first, *rest) == [0, 2, 4, 6, 8, 10]
    assert calls.made == [("a", [0]), ("a", [1, 2, 3]), ("a", [4, 5])]


async def test_each_key_has_a_lane_of_its_own():
    calls = Calls()
    lane = gather(calls)

    await asyncio.gather(lane.add("a", 1), lane.add("b", 2))

    assert sorted(calls.made) == [("a", [1]), ("b", [2])]


async def test_a_call_that_fails_fails_for_those_in_it_and_no_others():
    calls = Calls()
    lane = gather(calls, most=1)

    told = await asyncio.gather(lane.add("a", -1), lane.add("a", 5), return_exceptions=True)

    assert isinstance(told[0], ValueError)
    assert told[1] == 10


async def test_a_caller_that_gives_up_disturbs_nobody():
    calls = Calls(held=True)
    lane = gather(calls)
    gone, stays = asyncio.create_task(lane.add("a", 1)), asyncio.create_task(lane.add("a", 2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)

    calls.go.set()

    assert await stays == 4


async def test_a_full_lane_is_unavailable():
    calls = Calls(held=True)
    lane = gather(calls, most=1, most_waiting=2)
    waiting = [asyncio.create_task(lane.add("a", n)) for n in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
    full = [asyncio.create_task(lane.add("a", n)) for n in range(2)]
    await asyncio.sleep(0)

    calls.go.set()
    told = await asyncio.gather(*waiting, *full, return_exceptions=True)

    assert any(isinstance(one, Unavailable) for one in told)
    assert told[0] == 0


async def test_idle_waits_for_everything_and_leaves_nothing_behind():
    calls = Calls()
    lane = gather(calls)
    added = [asyncio.create_task(lane.add(key, 1)) for key in "abc"]
    await asyncio.sleep(0)

    await lane.idle()

    assert await asyncio.gather(*added) == [2, 2, 2]
    assert not lane._waiting
    assert not lane._tasks


async def test_a_pause_lets_more_gather():
    calls = Calls()
    lane = Gather(calls, most=3, most_waiting=100, pause_seconds=0.01)

    await asyncio.gather(*(lane.add("a", n) for n in range(3)))

    assert calls.made == [("a", [0, 1, 2])]


async def test_what_is_away_for_a_call_is_away_for_all_who_wait_behind_it():
    calls = 0

    async def away(_, items):
        nonlocal calls
        calls += 1
        raise Unavailable("away")

    lane = Gather(away, most=1, most_waiting=100)

    told = await asyncio.gather(*(lane.add("a", n) for n in range(10)), return_exceptions=True)

    assert all(isinstance(one, Unavailable) for one in told)
    assert calls == 1


async def test_what_fills_a_call_already_does_not_pause():
    calls = Calls()
    lane = Gather(calls, most=3, most_waiting=100, pause_seconds=3600)

    async with asyncio.timeout(5):
        await asyncio.gather(*(lane.add("a", n) for n in range(6)))

    assert calls.made == [("a", [0, 1, 2]), ("a", [3, 4, 5])]


@pytest.mark.parametrize("results", [[], [0, 1, 2]])
async def test_a_call_that_answers_for_too_few_or_too_many_is_an_error_for_all(results):
    async def wrong(_, items):
        return results

    lane = Gather(wrong, most=10, most_waiting=100)

    async with asyncio.timeout(5):
        told = await asyncio.gather(*(lane.add("a", n) for n in range(2)), return_exceptions=True)

    assert [type(one) for one in told] == [ValueError, ValueError]
