"""Slots: a slow destination uses up its own, and who waits too long has claimed nothing."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from shared.errors import Unavailable
from shared.stages.slots import A_DESTINATION, IN_ALL, Slots


async def fill(stack, slots, destination, most=A_DESTINATION):
    for _ in range(most):
        await stack.enter_async_context(slots.one("demo", destination))


async def test_a_full_destination_leaves_the_others_their_slots():
    slots = Slots(wait_seconds=0.01)
    async with AsyncExitStack() as stack:
        await fill(stack, slots, "slow")

        with pytest.raises(Unavailable):
            await fill(stack, slots, "slow", 1)
        await fill(stack, slots, "quick")


async def test_a_slot_that_was_not_had_is_nobodys():
    slots = Slots(wait_seconds=0.01)
    async with AsyncExitStack() as full:
        for number in range(IN_ALL // A_DESTINATION):
            await fill(full, slots, f"d{number}")
        await fill(full, slots, "last", IN_ALL % A_DESTINATION)
        with pytest.raises(Unavailable):
            await fill(full, slots, "other", 1)

    async with AsyncExitStack() as stack:
        await fill(stack, slots, "other")


async def test_a_slot_comes_back_when_the_attempt_breaks():
    slots = Slots(wait_seconds=0.01)
    for _ in range(A_DESTINATION * 2):
        with pytest.raises(ValueError, match="broke"):
            async with slots.one("demo", "crm"):
                raise ValueError("broke")


async def test_who_waits_gets_the_next_slot():
    slots = Slots()
    async with AsyncExitStack() as stack:
        await fill(stack, slots, "slow")
        waiting = asyncio.create_task(fill(AsyncExitStack(), slots, "slow", 1))
        await asyncio.sleep(0)
        assert not waiting.done()

    await waiting
