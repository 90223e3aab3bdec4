"""Hand off: what is stored goes on the bus in bounded messages, and a bus that is away loses nothing."""

import asyncio
from datetime import timedelta

import pytest

from shared.errors import Later, Unavailable
from shared.ids import commit_of
from shared.messages import read_commit, read_delivery
from shared.stages.hand_off import LONGEST_ON_THE_BUS, MAX_EVENTS_A_MESSAGE
from tests.failing import AwayQueue, FailingTables
from tests.house import build, order


async def test_a_commit_is_one_message_however_many_events_it_holds():
    house = await build().furnish()
    envelopes = [{name: value for name, value in order().items() if name != "id"}] * 40

    told = await house.post_all(*envelopes)

    [(queue, message, at)] = house.queue.sent
    assert (queue, at) == ("events", None)
    assert read_commit(message.encode()).commit == commit_of(told[0].id)


async def test_a_bus_that_is_away_is_no_error_and_leaves_the_commit_to_the_sweeper():
    queue = AwayQueue()
    house = await build(queue=queue).furnish()
    queue.away = True
    id = await house.accept()

    assert not await house.line.hand_off.commits("demo", [commit_of(id)])
    queue.away = False
    assert await house.line.hand_off.commits("demo", [commit_of(id)])
    assert len(queue.sent) == 1


async def test_a_mark_that_fails_leaves_a_message_and_the_commit_to_the_sweeper():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    id = await house.accept()
    house.queue.sent.clear()
    tables.go_away()

    assert await house.line.hand_off.commits("demo", [commit_of(id)])
    await house.line.hand_off.idle()
    assert len(house.queue.sent) == 1


async def left_behind(house, queue, count):
    """So many commits that never reached the bus."""
    queue.away = True
    ids = [await house.accept(id=f"left-{n}") for n in range(count)]
    queue.away = False
    return [commit_of(id) for id in ids]


async def test_what_is_caught_up_on_is_sent_once_and_marked_before_it_is_said():
    queue = AwayQueue()
    house = await build(queue=queue).furnish()
    commits = await left_behind(house, queue, 5)

    told = await asyncio.gather(
        house.line.hand_off.catch_up("demo", commits), house.line.hand_off.commits("demo", commits)
    )

    assert told == [True, True]
    assert sorted(read_commit(body.encode()).commit.id for _, body, _ in queue.sent) == sorted(
        one.id for one in commits
    )
    assert house.rows("events", "u|") == []


@pytest.mark.parametrize("away", ["bus", "storage"])
async def test_catching_up_tells_when_the_bus_or_storage_is_away_and_leaves_nothing_under_way(away):
    tables, queue = FailingTables(), AwayQueue()
    house = await build(tables=tables, queue=queue).furnish()
    commits = await left_behind(house, queue, 5)
    queue.away = away == "bus"
    if away == "storage":
        tables.go_away()

    assert not await house.line.hand_off.catch_up("demo", commits)

    queue.away = False
    tables.come_back()
    assert await house.line.hand_off.catch_up("demo", commits)
    assert house.rows("events", "u|") == []


class PoisonedQueue(AwayQueue):
    """One message makes every send break that it is part of."""

    poison = "nothing"

    async def send(self, queue, bodies, *, at=None):
        if any(self.poison in body for body in bodies):
            raise KeyError("broken")
        await super().send(queue, bodies, at=at)


async def test_a_commit_that_cannot_be_sent_keeps_no_other_from_going():
    queue = PoisonedQueue()
    house = await build(queue=queue).furnish()
    commits = await left_behind(house, queue, 5)
    queue.poison = commits[2].id

    assert not await house.line.hand_off.catch_up("demo", commits)
    await house.line.hand_off.idle()

    assert len(queue.sent) == 4
    assert [row.rk for row in house.rows("events", "u|")] == [f"u|{commits[2].id}"]


async def test_an_event_that_is_stored_is_accepted_also_when_sending_its_commit_breaks():
    queue = PoisonedQueue()
    house = await build(queue=queue).furnish()
    queue.poison = "demo"

    id = await house.accept()

    assert await house.line.outbox.is_unsent("demo", commit_of(id))


async def test_callers_of_one_commit_share_one_message():
    house = await build().furnish()
    commit = commit_of(await house.accept())
    house.queue.sent.clear()

    await asyncio.gather(*(house.line.hand_off.commits("demo", [commit]) for _ in range(10)))

    assert len(house.queue.sent) == 1


@pytest.mark.parametrize("count", [1, MAX_EVENTS_A_MESSAGE, MAX_EVENTS_A_MESSAGE + 1, 45])
async def test_deliveries_go_in_messages_of_a_bounded_size(count):
    house = await build().furnish()
    events = [f"id-{n}" for n in range(count)]

    await house.line.hand_off.deliveries("demo", "rt-1", events)

    messages = [read_delivery(message.encode()) for _, message, _ in house.queue.sent]
    assert [one for message in messages for one in message.events] == events
    assert {message.route for message in messages} == {"rt-1"}
    assert max(len(message.events) for message in messages) <= MAX_EVENTS_A_MESSAGE


async def test_nothing_to_hand_off_is_no_message():
    house = await build().furnish()

    assert await house.line.hand_off.commits("demo", [])
    await house.line.hand_off.deliveries("demo", "rt-1", [])

    assert house.queue.sent == []


async def test_a_delivery_that_cannot_be_handed_off_is_an_error():
    queue = AwayQueue()
    house = await build(queue=queue).furnish()
    queue.away = True

    with pytest.raises(Unavailable):
        await house.line.hand_off.deliveries("demo", "rt-1", ["id"])


@pytest.mark.parametrize(
    ("wait", "waits_on_the_bus"), [(LONGEST_ON_THE_BUS, True), (timedelta(minutes=16), False)]
)
async def test_a_short_wait_is_on_the_bus_and_a_long_one_in_the_table(wait, waits_on_the_bus):
    house = await build().furnish()
    id = await house.accept()
    house.queue.sent.clear()

    await house.line.hand_off.delivery_at("demo", "rt-1", id, house.clock.now() + wait)

    assert [at for _, _, at in house.queue.sent] == [house.clock.now() + wait] * waits_on_the_bus
    assert len(house.rows("due")) == (not waits_on_the_bus)


async def test_a_message_that_met_an_outage_comes_back_later():
    house = await build().furnish()

    await house.line.hand_off.again("events", "{}")

    [(queue, message, at)] = house.queue.sent
    assert (queue, message) == ("events", "{}")
    assert at is not None
    assert timedelta(seconds=20) <= at - house.clock.now() <= timedelta(seconds=40)


@pytest.mark.parametrize(
    ("why", "least", "most"),
    [
        ([Later("full", seconds=2)], 2, 3),
        ([Later("full", seconds=2), Later("full", seconds=90)], 90, 91),
        ([Later("full", seconds=2), Unavailable("away")], 20, 40),
        ([Later("full", seconds=86_400)], 900, 900),
    ],
)
async def test_a_message_that_was_told_when_comes_back_after_the_longest_of_its_waits(why, least, most):
    house = await build().furnish()

    await house.line.hand_off.again("deliveries", "{}", *why)

    [(_, _, at)] = house.queue.sent
    assert at is not None
    assert timedelta(seconds=least) <= at - house.clock.now() <= timedelta(seconds=most)


async def test_a_delivery_waits_as_long_as_the_oldest_message_of_either_lane():
    house = await build().furnish()
    await house.queue.send("deliveries-slow", ["{}"])
    house.clock.pass_(minutes=5)
    await house.queue.send("deliveries", ["{}"])
    house.clock.pass_(minutes=1)

    assert await house.line.hand_off.waited("deliveries") == timedelta(minutes=6)
    assert await house.line.hand_off.waited("events") == timedelta(0)


async def test_marks_that_gather_are_all_written_and_each_commit_is_one_message():
    """What comes again while its mark still waits shares the message; nothing is marked twice in a transaction."""
    house = await build(mark_pause=0.5).furnish()
    batches = [[order(id=f"{caller}-{n}") for n in range(5)] for caller in range(30)]

    await asyncio.gather(*(house.post_all(*batch) for batch in [*batches, *batches[:5]]))

    unsent = [rk for _, rk in house.tables.tables["events"] if rk.startswith("u|")]
    watched = [rk for _, rk in house.tables.tables["events"] if rk.startswith("w|")]
    assert unsent == []
    assert len(house.queue.sent) == len(watched)
