"""Of two events that say the same one starts something and only one, whichever call of a worker fails or ends it."""

import json

import pytest

from functions import queues
from tests.crash import Fuse, World
from tests.house import ORDER, body, order
from tests.operations.scenarios import furnished

PAID = {**ORDER, "event": "orders.paid", "unique": {"by": ["orderId"], "hours": 24}}


@pytest.fixture(autouse=True)
def impatient_queues(monkeypatch):
    """What waits before a message is abandoned does so for the bus, which is a fake here."""
    monkeypatch.setattr(queues, "PAUSE_SECONDS", 0)


@pytest.mark.parametrize("fault", ["killed", "unavailable"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_one_of_two_that_say_the_same_is_sent_whichever_call_fails(fault, moment):
    tables = await furnished("crm")
    number, reached = 0, True
    while reached:
        number += 1
        world = World(Fuse(fault, moment), tables)
        await world.house.line.definitions.create("demo", body(PAID))
        await world.house.add_route("crm", "rt-paid", event=PAID["event"])
        told = await world.house.post_all(*(order(id=id, event=PAID["event"]) for id in "ab"))
        world.fuse.calls, world.fuse.at = 0, number
        await world.work()
        reached = world.fuse.calls >= number
        world.fuse.at = 0
        for hours in (1, 2, 4):
            await world.pass_(hours=hours)

        receipts = [await world.house.receipt(one.id) for one in told]
        assert sorted(one["status"] for one in receipts) == ["delivered", "processed"], f"call {number}"
        sent = {json.loads(request.body)["data"]["id"] for request, _ in world.receiver.requests}
        assert len(sent) == 1, f"call {number}"
    assert number > 10
