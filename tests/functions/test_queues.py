"""How a queue trigger ends: what it raises, which the host writes down, is told by name and place."""

from types import SimpleNamespace
from typing import Any

import pytest

from functions import queues
from functions.queues import Broke
from shared.errors import Unavailable
from tests.house import build

MESSAGE: Any = SimpleNamespace(get_body=lambda: b"{}")


async def broken() -> None:
    raise ValueError("ada@example.com")


async def away() -> None:
    raise Unavailable("Later.")


async def test_what_breaks_a_message_is_raised_without_its_text_and_without_what_led_to_it():
    house = await build().furnish()

    with pytest.raises(Broke, match=r"^ValueError at tests\.functions\.test_queues:\d+$") as raised:
        await queues.work_off(house.line, "events", MESSAGE, broken())

    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)
    assert house.queue.sent == []


async def test_a_message_that_meets_an_outage_is_put_back_and_ends_well():
    house = await build().furnish()

    await queues.work_off(house.line, "events", MESSAGE, away())

    [(queue, body, at)] = house.queue.sent
    assert (queue, body) == ("events", "{}")
    assert at is not None
