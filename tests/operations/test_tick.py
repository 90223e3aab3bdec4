"""Tick: each part does its work, says what it did, and stops no other part."""

import pytest

from shared.operations import tick as ticking
from shared.operations.tick import tick
from shared.ports import Answer
from tests.failing import AwayQueue
from tests.house import OK, build

FAILED = Answer(503, {}, b"")


async def waiting():
    """A house whose one delivery waits in the table for its fourth attempt."""
    queue = AwayQueue()
    house = await build(FAILED, FAILED, FAILED, OK, queue=queue).furnish()
    await house.accept()
    await house.work()
    for time in ({"seconds": 10}, {"minutes": 7}):
        await house.pass_(**time)
    assert len(house.rows("due")) == 1
    return house


async def test_a_tick_with_nothing_to_do_says_so():
    house = await build().furnish()

    assert await tick(house.line) == {
        "sweep": {"sent": 0, "finished": 0, "resent": 0, "waiting": 0},
        "due": {"handedOff": 0},
        "unpark": {"resumed": 0},
        "tell": {"told": 0},
        "mend": {"resumed": 0},
        "replay": {"replayed": 0},
        "rollUp": {"hours": 0},
        "alert": {"nearlyUsed": 0, "silent": 0, "unusual": 0},
        "vitals": {"age": 0, "dead": 0, "held": 0, "parked": 0, "quarantined": 0},
        "purge": {"events": 0, "keys": 0, "firsts": 0, "quarantined": 0, "rejected": 0, "changes": 0},
        "clear": {"rows": 0, "bodies": 0, "sections": 0},
    }


async def test_a_retry_is_handed_off_when_it_is_due_and_not_before():
    house = await waiting()

    assert (await house.pass_(minutes=20))["due"]["handedOff"] == 0
    assert (await house.pass_(minutes=20))["due"]["handedOff"] == 1

    assert len(house.http.requests) == 4
    assert house.rows("due") == []


async def test_a_retry_that_cannot_be_handed_off_waits_for_the_next_tick():
    house = await waiting()
    house.queue.away = True
    assert "stopped" in (await house.pass_(minutes=40))["due"]
    assert len(house.rows("due")) == 1

    house.queue.away = False
    await house.pass_(minutes=1)

    assert len(house.http.requests) == 4


@pytest.mark.parametrize("broken", ["sweep", "unpark", "purge"])
async def test_a_part_that_breaks_stops_no_other(monkeypatch, broken):
    house = await waiting()

    async def breaks(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(ticking, broken, breaks)
    done = await house.pass_(minutes=40)

    assert "ZeroDivisionError" in done[broken]["stopped"]
    assert done["due"]["handedOff"] == 1
    assert [name for name, part in done.items() if "stopped" in part] == [broken]
