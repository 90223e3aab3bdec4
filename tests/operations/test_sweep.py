"""Sweep: what was stored goes on whatever was lost, at bounded cost, and one bad commit stops no other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.operations import sweep
from shared.operations.pace import Pace
from shared.stores.trail import Status
from tests.failing import AwayQueue
from tests.house import OK, build, order

SEVERAL = [{name: value for name, value in order().items() if name != "id"}] * 3


async def swept(house):
    """Let one sweep run, without the rest of the tick."""
    return await sweep.sweep(house.line, Pace(house.clock, house.clock.now() + timedelta(seconds=40)))


async def unsent():
    """A house with one commit that never reached the bus."""
    queue = AwayQueue()
    house = await build(OK, queue=queue).furnish()
    queue.away = True
    id = await house.accept()
    queue.away = False
    return house, id


async def outbox(house):
    return house.rows("events", "u|") + house.rows("events", "w|")


async def test_what_was_never_handed_off_is_handed_off_after_half_a_minute():
    house, id = await unsent()

    house.clock.pass_(seconds=29)
    assert (await swept(house)).sent == 0
    house.clock.pass_(seconds=2)
    assert (await swept(house)).sent == 1
    await house.work()

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_a_sweep_while_the_bus_is_away_changes_nothing():
    house, _ = await unsent()
    house.queue.away = True
    house.clock.pass_(minutes=1)

    assert (await swept(house)).sent == 0
    house.queue.away = False
    assert (await swept(house)).sent == 1


async def test_a_commit_that_was_lost_before_it_was_processed_is_sent_again_after_an_hour():
    house = await build(OK).furnish()
    id = await house.accept()
    house.queue.sent.clear()

    house.clock.pass_(minutes=59)
    assert (await swept(house)).resent == 0
    house.clock.pass_(hours=1)
    assert (await swept(house)).resent == 1
    await house.work()

    assert (await house.delivery(id)).status is Status.DELIVERED


@pytest.mark.parametrize("status", [Status.PENDING, Status.RETRYING, Status.SENDING])
async def test_a_delivery_whose_message_was_lost_is_sent_again(status):
    house = await build(OK).furnish()
    id = await house.accept()
    await house.work("events")
    now = house.clock.now()
    await house.line.receipts.save(
        "demo", replace(await house.delivery(id), status=status, due_at=now, claim_until=now)
    )
    house.queue.sent.clear()

    for _ in range(3):
        await house.pass_(hours=1, seconds=1)

    assert (await house.delivery(id)).status is Status.DELIVERED


async def test_what_is_sent_again_in_vain_is_sent_at_doubling_distances():
    house = await build().furnish()
    await house.accept()
    resent_after = []
    house.queue.sent.clear()

    for hour in range(40):
        house.clock.pass_(hours=1)
        if (await swept(house)).resent:
            resent_after.append(hour + 1)
        house.queue.sent.clear()

    gaps = [after - before for before, after in zip([0, *resent_after], resent_after, strict=False)]
    assert gaps == sorted(gaps)
    assert len(resent_after) <= 6


async def test_a_delivery_in_somebody_s_hands_is_left_alone():
    house = await build().furnish()
    id = await house.accept()
    await house.work("events")
    house.queue.sent.clear()
    house.clock.pass_(hours=2)
    held = replace(
        await house.delivery(id), status=Status.SENDING, claim_until=house.clock.now() + timedelta(seconds=30)
    )
    await house.line.receipts.save("demo", held)

    await swept(house)

    assert house.queue.sent == []


async def test_a_commit_of_which_everything_has_ended_leaves_the_outbox():
    house = await build(OK, OK, OK).furnish()
    await house.post_all(*SEVERAL)
    await house.work()

    await house.pass_(minutes=2)

    assert await outbox(house) == []


async def test_a_commit_whose_events_are_gone_leaves_the_outbox():
    house = await build().furnish()
    await house.post_all(*SEVERAL)
    house.queue.sent.clear()
    for row in house.rows("events", "e|"):
        await house.tables.delete("events", row.pk, row.rk)

    for _ in range(3):
        await house.pass_(hours=1, seconds=1)

    assert await outbox(house) == []


async def test_a_commit_of_which_some_events_are_gone_waits_for_the_others():
    house = await build(OK, OK).furnish()
    told = await house.post_all(*SEVERAL)
    house.queue.sent.clear()
    gone = house.rows("events", "e|")[0]
    await house.tables.delete("events", gone.pk, gone.rk)

    for _ in range(3):
        await house.pass_(hours=1, seconds=1)

    left = [one.id for one in told if f"e|{one.id}" != gone.rk]
    assert [(await house.delivery(id)).status for id in left] == [Status.DELIVERED] * 2
    assert await outbox(house) == []


async def test_a_commit_that_cannot_be_read_stops_no_other(monkeypatch):
    house = await build(OK, OK).furnish()
    bad, good = await house.accept(id="bad"), await house.accept(id="good")
    await house.work("events")
    house.queue.sent.clear()
    trails = house.line.receipts.trails

    async def failing(section, commit):
        if commit.id == bad:
            raise KeyError("broken")
        return await trails(section, commit)

    with monkeypatch.context() as broken:
        broken.setattr(house.line.receipts, "trails", failing)
        for _ in range(2):
            house.clock.pass_(hours=2)
            await swept(house)
    await house.work()

    assert (await house.delivery(good)).status is Status.DELIVERED


async def test_commits_that_wait_hide_none_that_was_never_handed_off(monkeypatch):
    monkeypatch.setattr(sweep, "MOST_A_BUCKET", 5)
    queue = AwayQueue()
    house = await build(queue=queue).furnish()
    for n in range(60):
        await house.accept(id=f"waits-{n}")
    await house.work("events")
    queue.sent.clear()
    house.clock.pass_(minutes=5)
    await swept(house)
    queue.away = True
    await house.accept(id="new")
    queue.away = False
    house.clock.pass_(seconds=31)

    assert (await swept(house)).sent == 1


async def test_a_sweep_ends_when_its_time_is_over():
    house = await build().furnish()
    for n in range(200):
        await house.accept(id=f"order-{n}")
    house.queue.sent.clear()
    house.clock.pass_(hours=2)
    over = Pace(house.clock, house.clock.now() - timedelta(seconds=1))

    done = await sweep.sweep(house.line, over)

    assert done.resent == 0
