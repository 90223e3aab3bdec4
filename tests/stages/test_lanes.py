"""Lanes: with one of five destinations hanging the others finish, and what is put off is neither lost nor an attempt."""

import asyncio
from dataclasses import replace

from shared import flow
from shared.messages import DeliveryMessage, read_commit, read_delivery
from shared.ports import Answer
from shared.stages.breakers import FIRST_SECONDS, LAGS_SECONDS, OPENS_AT
from shared.stages.hand_off import FIRST_PUT_OFF, PUT_OFF_AT_MOST
from shared.stages.lanes import A_DESTINATION, CALLS
from tests.fakes import FakeHttp
from tests.house import OK, build

DOWN = Answer(503, {}, b"")
EVENTS = 40
OTHERS = ("crm", "erp", "mail", "shop")


class OneHangs(FakeHttp):
    """Every destination answers at once but `hanging`, which answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging = 0
        self.let_go = asyncio.Event()

    async def send(self, request, *, timeout_seconds):
        self.answers = [OK]
        if "hanging" in request.url:
            self.hanging += 1
            await self.let_go.wait()
            self.hanging -= 1
            self.answers = [OK]
        return await super().send(request, timeout_seconds=timeout_seconds)


class Instance:
    """Works on messages as an instance does: so many calls at once for each queue, the oldest first."""

    def __init__(self, house):
        self.house, self.calls = house, {}

    async def work(self, is_done):
        """Until it is done."""
        queue = self.house.queue
        while not is_done():
            for message in [one for one in queue.sent if self.is_ready(one)]:
                mine = self.calls.setdefault(message[0], set())
                if len(mine) < CALLS:
                    queue.sent.remove(message)
                    call = asyncio.create_task(self.call(*message[:2]))
                    mine.add(call)
                    call.add_done_callback(mine.discard)
            await asyncio.sleep(0)

    def is_ready(self, message):
        return message[2] is None or message[2] <= self.house.clock.now()

    async def call(self, queue, body):
        line = self.house.line
        if queue == "events":
            await flow.process(line, read_commit(body.encode()))
        else:
            slow = queue == line.lanes.slow.queue
            await flow.deliver(line, read_delivery(body.encode()), slow=slow)

    def is_idle(self):
        return not any(self.calls.values()) and not any(map(self.is_ready, self.house.queue.sent))


def impatient(house):
    """Who finds no place waits for no more than a moment."""
    house.line = replace(house.line, lanes=replace(house.line.lanes, patience=(0.01, 0.01)))
    return house


def went_to(house, name):
    return [one for one in house.http.requests if f"//{name}." in one.url]


async def test_with_one_of_five_hanging_the_other_four_finish_all_of_theirs_while_it_still_hangs():
    house = impatient(await build(http=OneHangs()).furnish())
    for name in ("hanging", *OTHERS[1:]):
        await house.add_destination(name, f"https://{name}.example.com/hook")
        # By its name the hanging one is first with every event.
        await house.add_route(name, "rt-a" if name == "hanging" else "")
    ids = [await house.accept(id=f"order-{n}") for n in range(EVENTS)]
    instance = Instance(house)

    await instance.work(lambda: all(len(went_to(house, name)) == EVENTS for name in OTHERS))

    assert went_to(house, "hanging") == []
    assert 0 < house.http.hanging <= 2 * A_DESTINATION

    house.http.let_go.set()
    while len(went_to(house, "hanging")) < EVENTS:
        await instance.work(instance.is_idle)
        house.clock.pass_(seconds=20)
    delivered = [one for id in ids for one in (await house.receipt(id))["deliveries"]]
    assert {(one["status"], len(one["attempts"])) for one in delivered} == {("delivered", 1)}


async def test_a_destination_holds_a_quarter_of_a_lane_and_no_more():
    house = impatient(build())
    lanes = house.line.lanes
    async with asyncio.TaskGroup() as group:
        full = asyncio.Event()
        inside = []

        async def hold():
            async with lanes.enter(lanes.quick, ("demo", "crm")) as may:
                inside.append(may)
                if len(inside) == CALLS:
                    full.set()
                if may:
                    await full.wait()

        for _ in range(CALLS):
            group.create_task(hold())

    assert inside.count(True) == A_DESTINATION == CALLS / 4


async def down(events):
    """A house whose one destination is down, with so many deliveries that have been tried or left alone."""
    house = await build(*[DOWN] * OPENS_AT).furnish()
    ids = [await house.accept(id=f"order-{n}") for n in range(events)]
    await house.work()
    return house, ids


async def seen(house, ids):
    return [await house.delivery(id) for id in ids]


async def test_deliveries_to_one_that_is_down_wait_and_say_so_and_no_attempt_is_counted():
    house, ids = await down(OPENS_AT + 3)

    left = (await seen(house, ids))[OPENS_AT:]
    assert [(one.status, one.cause, one.attempt) for one in left] == [("retrying", "resting", 0)] * 3
    assert len(house.http.requests) == OPENS_AT


async def test_they_go_on_once_it_is_back():
    house, ids = await down(OPENS_AT + 3)
    house.http.answers = [OK] * 100

    for _ in range(12):
        await house.pass_(seconds=60)

    assert {one.status for one in await seen(house, ids)} == {"delivered"}


async def test_however_long_it_is_down_it_is_only_probed_and_nothing_is_given_up_for_waiting():
    house, ids = await down(OPENS_AT + 3)
    for _ in range(48):
        house.http.answers = [DOWN] * 100
        await house.pass_(hours=1)

    found = await seen(house, ids)
    assert {one.status for one in found} == {"retrying"}
    assert sum(one.attempt for one in found) == len(house.http.requests) <= OPENS_AT + 48


async def test_its_messages_go_by_the_slow_lane_until_a_while_after():
    house, _ = await down(OPENS_AT)
    house.queue.sent.clear()
    id = await house.accept(id="later")
    await house.work("events", "deliveries")

    assert [queue for queue, _, at in house.queue.sent if at is None] == ["deliveries-slow"]
    house.clock.pass_(seconds=FIRST_SECONDS + LAGS_SECONDS)
    house.http.answers = [OK] * 2
    await house.accept(id="much later")
    await house.work("events", "deliveries")
    assert len(house.http.requests) == OPENS_AT + 1
    await house.work()
    assert (await house.delivery(id)).status == "delivered"


async def test_a_message_that_finds_no_place_in_the_slow_lane_comes_again_at_growing_distances():
    house = await build().furnish()
    message = DeliveryMessage("demo", "rt-crm", ("id",), whole=True)
    distances = []
    for _ in range(9):
        await house.line.hand_off.put_off(message, slow=True)
        [(queue, body, at)] = house.queue.sent
        house.queue.sent.clear()
        assert queue == "deliveries-slow"
        distances.append(at - house.clock.now())
        message = read_delivery(body.encode())

    assert FIRST_PUT_OFF / 2 <= distances[0] <= FIRST_PUT_OFF
    assert PUT_OFF_AT_MOST / 2 <= distances[-1] <= PUT_OFF_AT_MOST
    assert (message.events, message.whole, message.waits) == (("id",), True, 9)
