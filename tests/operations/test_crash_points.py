"""Promise 1: whatever call of whatever port fails or ends the process, what was acknowledged ends where it is seen.

Each scenario runs again and again, with the fault one call later each time, until it runs through without one. What
became of everything is read from the raw stores.
"""

from typing import get_args

import pytest

from functions import queues
from tests.crash import Fault, Fuse, World
from tests.operations.scenarios import SCENARIOS, furnished
from tests.operations.wrongs import dead, wrongs

FAULTS = [
    *((fault, "before", True) for fault in get_args(Fault)),
    *(
        (fault, moment, moment == "after")
        for fault in ("killed", "unavailable")
        for moment in ("before", "after")
    ),
]
"""With what a client does that gets no answer: it sends again, or never."""
BRIEF = ("killed", "unavailable")
"""What fails once: an outage may lose what only the sweeper finds, and that after an hour."""


@pytest.fixture(autouse=True)
def impatient_queues(monkeypatch):
    """What waits before a message is abandoned does so for the bus, which is a fake here."""
    monkeypatch.setattr(queues, "PAUSE_SECONDS", 0)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "moment", "patient"), FAULTS)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_what_was_acknowledged_ends_whichever_call_fails(name, fault, moment, patient):
    scenario = SCENARIOS[name]
    tables = await furnished(*scenario.destinations)
    number = 0
    reached = True
    while reached:
        number += 1
        world = World(Fuse(fault, moment, number), tables, patient=patient)
        await scenario.run(world)
        reached = world.fuse.calls >= number
        wrong, healed_after = await world.settle(lambda: list(wrongs(world, scenario.destinations)))  # noqa: B023
        assert not wrong, f"call {number}: {wrong}"
        # Nothing but one process or one call failed, so the bus has every message still: that must bring it on.
        assert healed_after <= scenario.heals_within or fault not in BRIEF, f"call {number}: {healed_after}"
        found = await world.house.line.dead_letters.list("demo", None, 100)
        assert {one["id"] for one in found} == {rk.replace("|", "_") for rk in dead(world)}
    assert number > 10
