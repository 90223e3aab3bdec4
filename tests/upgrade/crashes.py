"""What crashes leave: the process ends before each call of a port, on each way that something can take."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from shared.operations import replay
from shared.ports import Answer

if TYPE_CHECKING:
    from tests.upgrade.record import Recorder

FAILED, BAD = Answer(503, {}, b""), Answer(400, {}, b"")
OTHER_ENDS = {"closed": "parked"}
"""Where a delivery ends that is not dead, if not delivered."""
Begin = Callable[["Recorder", str], Awaitable[str]]
Act = Callable[["Recorder", str, str], Awaitable[None]]


async def crashes(recorder: "Recorder") -> None:
    """On an event's whole way, in each way that a delivery can take, and in a replay."""
    await each_call(recorder, "crash", nothing, the_whole_way)
    for event in ("orders.bad", "orders.flaky", "orders.closed"):
        await each_call(recorder, event, partial(processed, event), delivering)
    await each_call(recorder, "replay", dead, replaying)


async def each_call(recorder: "Recorder", way: str, begin: Begin, act: Act) -> None:
    """Act on something new again and again, with the end of the process one call later each time."""
    fuse, number, reached = recorder.world.fuse, 0, True
    while reached:
        number += 1
        name = f"{way} {number}"
        id = await begin(recorder, name)
        there = set(stored(recorder))
        recorder.world.start()
        fuse.calls, fuse.at = 0, number
        await act(recorder, name, id)
        reached, fuse.at = fuse.calls >= number, 0
        recorder.world.start()
        for one in [id] if id else sorted(set(stored(recorder)) - there):
            ends = await expected(recorder, one)
            recorder.expect(name, one, {"dead": "failed"}.get(ends[0][1], ends[0][1]), dict(ends))


async def nothing(recorder: "Recorder", name: str) -> str:
    return ""


async def processed(event: str, recorder: "Recorder", name: str) -> str:
    """An event whose one delivery is on the bus."""
    id = await recorder.post(name, event)
    await recorder.one_message()
    return id


async def dead(recorder: "Recorder", name: str) -> str:
    """An event whose one delivery is dead."""
    recorder.receiver.scripts["bad"] = [BAD]
    id = await recorder.post(name, "orders.bad")
    await recorder.work()
    return id


async def the_whole_way(recorder: "Recorder", name: str, id: str) -> None:
    await recorder.post(name, person={"crmId": f"c-{name}"})
    await recorder.work()


async def delivering(recorder: "Recorder", name: str, id: str) -> None:
    recorder.receiver.scripts |= {"bad": [BAD], "flaky": [FAILED]}
    await recorder.work()


async def replaying(recorder: "Recorder", name: str, id: str) -> None:
    await recorder.ask(lambda house: replay.dead_letter(house.line, "demo", f"{id}_rt-bad-bad"))


def stored(recorder: "Recorder") -> list[str]:
    """The ids of all events."""
    return [rk[2:] for _, rk in recorder.world.tables.tables["events"] if rk.startswith("e|")]


async def expected(recorder: "Recorder", id: str) -> list[tuple[str, str]]:
    """Dead is dead until it is replayed, what is paused waits, and everything else arrives."""
    deliveries = await recorder.deliveries(id)
    return [
        (name, "dead" if status == "dead" else OTHER_ENDS.get(name, "delivered"))
        for name, status in deliveries.items()
    ]
