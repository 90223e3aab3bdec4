"""A cache answers many with one read, for a while, and never remembers a failure."""

import asyncio

import pytest

from shared.cached import Cached


class Source:
    """What is read: answers what it is told to, counts, and can be held up."""

    def __init__(self, **values):
        self.values = values
        self.reads = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, key):
        self.reads.append(key)
        await self.gate.wait()
        value = self.values.get(key)
        if isinstance(value, Exception):
            raise value
        return value


class Watch:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self):
        return self.now


def cached(source, watch=None, **options):
    return Cached(source.read, **{"seconds": 10, "clock": watch or Watch(), **options})


async def waiting(count, cache, key):
    """That many callers who have all begun to wait."""
    callers = [asyncio.ensure_future(cache.get(key)) for _ in range(count)]
    await asyncio.sleep(0)
    return callers


async def test_many_who_ask_at_once_share_one_read():
    source = Source(a=1)
    source.gate.clear()
    cache = cached(source)
    callers = await waiting(50, cache, "a")

    source.gate.set()

    assert await asyncio.gather(*callers) == [1] * 50
    assert source.reads == ["a"]


async def test_a_value_is_read_again_once_it_is_too_old():
    source, watch = Source(a=1), Watch()
    cache = cached(source, watch)
    await cache.get("a")
    source.values["a"] = 2

    watch.now = 9.9
    assert await cache.get("a") == 1
    watch.now = 10.1
    assert await cache.get("a") == 2


async def test_what_is_missing_is_asked_for_again_sooner():
    source, watch = Source(), Watch()
    cache = cached(source, watch, missing_seconds=2)
    assert await cache.get("a") is None
    source.values["a"] = 1

    watch.now = 1.9
    assert await cache.get("a") is None
    watch.now = 2.1
    assert await cache.get("a") == 1


async def test_a_value_that_is_false_is_no_missing_one():
    source, watch = Source(a=0), Watch()
    cache = cached(source, watch, missing_seconds=2)
    await cache.get("a")

    watch.now = 9
    assert await cache.get("a") == 0
    assert source.reads == ["a"]


async def test_a_failure_is_told_to_all_who_wait_and_not_remembered():
    source = Source(a=OSError("away"))
    source.gate.clear()
    cache = cached(source)
    callers = await waiting(3, cache, "a")
    source.gate.set()
    told = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(one) for one in told] == [OSError] * 3

    source.values["a"] = 1

    assert await cache.get("a") == 1
    assert source.reads == ["a", "a"]


async def test_one_caller_who_gives_up_does_not_stop_the_read_of_the_others():
    source = Source(a=1)
    source.gate.clear()
    cache = cached(source)
    first, second = await waiting(2, cache, "a")

    first.cancel()
    source.gate.set()

    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
    assert source.reads == ["a"]


async def test_what_is_forgotten_is_read_again():
    source = Source(a=1)
    cache = cached(source)
    await cache.get("a")

    cache.forget("a")
    source.values["a"] = 2

    assert await cache.get("a") == 2


async def test_a_read_that_was_under_way_when_its_key_was_forgotten_is_not_kept():
    source = Source(a="old")
    source.gate.clear()
    cache = cached(source)
    [early] = await waiting(1, cache, "a")

    cache.forget("a")
    source.gate.set()
    await early
    source.values["a"] = "new"

    assert await cache.get("a") == "new"


async def test_it_holds_no_more_than_it_may():
    source = Source(**{str(n): n for n in range(10)})
    cache = cached(source, most=3)

    for n in range(10):
        await cache.get(str(n))
    for n in range(10):
        await cache.get(str(n))

    assert len(source.reads) >= 10 + 7
