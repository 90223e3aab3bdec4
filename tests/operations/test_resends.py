"""Resends: the sweeper never makes a backlog longer, and what was lost still goes on."""

from datetime import timedelta
from itertools import pairwise

import pytest

from shared.operations import resends, sweep
from shared.operations.pace import Pace
from shared.operations.tick import tick
from shared.ports import Answer
from tests.failing import AwayQueue
from tests.house import OK, build

DOWN = Answer(503, {}, b"")


async def swept(house, **time):
    """Let time pass, and then one sweep run."""
    house.clock.pass_(**time)
    return await sweep.sweep(house.line, Pace(house.clock, house.clock.now() + timedelta(seconds=40)))


async def resent_at(house, hours):
    """After which of so many hourly sweeps something was sent again, each time in vain."""
    found = []
    for hour in range(1, hours + 1):
        done = await swept(house, hours=1)
        found += [hour] * bool(done.resent)
        house.queue.sent.clear()
    return found


@pytest.mark.parametrize("queue", ["events", "deliveries"])
async def test_what_waits_on_a_long_queue_is_never_sent_again(queue):
    house = await build().furnish()
    for n in range(30):
        await house.accept(id=f"order-{n}")
    if queue == "deliveries":
        await house.work("events")
    lying = list(house.queue.sent)
    assert {name for name, _, _ in lying} == {queue}

    for _ in range(48):
        assert (await swept(house, hours=1)).resent == 0

    assert house.queue.sent == lying


async def test_what_lies_behind_a_backlog_costs_no_read_and_moves_in_few_requests():
    house = await build().furnish()
    for n in range(40):
        await house.accept(id=f"order-{n}")
    buckets = 4
    house.tables.requests = 0

    assert (await swept(house, minutes=2)).waiting == 40

    sections, unsent, due, moved = 1, buckets, buckets, buckets
    assert house.tables.requests <= sections + unsent + due + moved


async def test_a_lost_commit_waits_four_times_as_long_as_the_oldest_message():
    house = await build().furnish()
    lost = await house.accept(id="lost")
    house.queue.sent.clear()
    house.clock.pass_(hours=1)
    await house.accept(id="waits")

    # The oldest message waits two hours then, so eight hours would be the time.
    assert (await swept(house, hours=2)).resent == 0
    house.queue.sent.clear()
    assert (await swept(house, hours=1)).resent >= 1
    assert any(lost in body for _, body, _ in house.queue.sent)


@pytest.mark.parametrize("queue", ["events", "deliveries"])
async def test_what_was_lost_is_sent_again_at_doubling_distances(queue):
    house = await build().furnish()
    await house.accept()
    if queue == "deliveries":
        await house.work("events")
    house.queue.sent.clear()

    found = await resent_at(house, 70)

    gaps = [after - before for before, after in pairwise(found)]
    assert 4 <= len(found) <= 12
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 4 * gaps[0]


@pytest.mark.parametrize("queue", ["events", "deliveries"])
async def test_a_run_sends_no_more_than_its_bound_and_the_next_ones_go_on(queue, monkeypatch):
    monkeypatch.setattr(resends, "MOST_RESENT", 7)
    house = await build().furnish()
    for n in range(20):
        await house.accept(id=f"order-{n}")
    if queue == "deliveries":
        await house.work("events")
        # A look that finds them stuck goes before.
        await swept(house, hours=1)
    house.queue.sent.clear()

    sent = []
    for wait in ({"minutes": 61}, {"minutes": 20}, {"minutes": 20}):
        done = await swept(house, **wait)
        sent.append(done.resent)
        assert len(house.queue.sent) == done.resent
        house.queue.sent.clear()

    assert sent == [7, 7, 6]


@pytest.mark.parametrize("queue", ["events", "deliveries"])
async def test_nothing_is_sent_again_while_the_age_of_the_queue_is_not_known(queue, monkeypatch):
    bus = AwayQueue()
    house = await build(queue=bus).furnish()
    await house.accept()
    if queue == "deliveries":
        await house.work("events")
    bus.sent.clear()

    with monkeypatch.context() as blind:
        blind.setattr(resends.Resends, "_ask", nothing)
        for _ in range(10):
            assert (await swept(house, hours=1)).resent == 0
    assert bus.sent == []

    assert (await swept(house, hours=1)).resent == 1


async def test_a_bus_that_cannot_be_asked_is_one_warning_and_ends_no_sweep(caplog):
    bus = AwayQueue()
    house = await build(queue=bus).furnish()
    for n in range(20):
        await house.accept(id=f"order-{n}")
    bus.away = True

    assert (await swept(house, hours=2)).waiting == 20

    told = [one for one in caplog.records if one.name == "signalbox.sweep"]
    assert len(told) == 1


async def test_what_has_ended_leaves_the_outbox_also_while_the_bus_is_away(monkeypatch):
    bus = AwayQueue()
    house = await build(OK, queue=bus).furnish()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(house.line.outbox, "finish", nothing)
        await house.accept()
        await house.work()
    assert len(house.rows("events", "w|")) == 1
    bus.away = True

    assert (await swept(house, minutes=2)).finished == 1
    assert house.rows("events", "w|") == []


async def test_nobody_asks_how_long_a_queue_is_while_nothing_is_due():
    bus = AwayQueue()
    house = await build(OK, queue=bus).furnish()
    await house.accept()
    await house.work()
    bus.away = True

    assert await swept(house, hours=2) == sweep.Swept()


async def test_retries_that_fell_due_while_the_app_was_away_are_sent_once():
    house = await build(*[DOWN] * 12).furnish()
    for n in range(4):
        await house.accept(id=f"order-{n}")
    await house.work()
    for wait in ({"seconds": 10}, {"minutes": 7}):
        await house.pass_(**wait)
    assert len(house.rows("due")) == 4

    house.clock.pass_(days=1)
    for _ in range(20):
        await tick(house.line)
        house.clock.pass_(minutes=1)

    # They lie on the bus unworked; four deliveries of one route are one message.
    assert len(house.queue.sent) == 1


async def nothing(*_):
    return None
