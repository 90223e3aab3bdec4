"""Usage says by the day what came and went, and how full quotas were; of one that is nearly used up is told once a day."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import killpoints
from shared.catalog import own
from shared.errors import Invalid, QuotaExceeded
from shared.metrics import EVENTS, NONE
from shared.operations.nearly import KEPT, nearly
from shared.operations.pace import Pace
from shared.operations.usage import usage
from shared.ports import Answer
from shared.registry import MAX_DESTINATIONS
from tests.house import OK, ORDER, body, build

BAD = Answer(400, {}, b"")


def pace(house):
    return Pace.of(house.clock, timedelta(seconds=20))


async def shown(house, **query):
    await house.line.quotas.idle()
    return await usage(house.line, "demo", query, pace(house))


async def ask(house, amount=1, per_minute=100, key="k1"):
    """Whether a request, or a batch, of a key is within its quota."""
    section = await house.line.sections.find("demo")
    caller = replace(house.caller, per_minute=per_minute, key_id=key)
    try:
        house.line.quotas.of_caller(caller, section, amount)
    except QuotaExceeded:
        return False
    return True


async def test_days_tell_what_came_and_went_by_source():
    house = await build(OK, BAD, OK).furnish()
    for n, source in enumerate(("erp", "erp", "shop")):
        await house.accept(id=f"order-{n}", source=source, person={"email": f"{n}@example.com"})
    await house.accept(id="test", test=True)
    await house.post(id="wrong", properties={"orderId": 1})
    await house.work()
    await house.line.checker.refusals.idle()
    await house.pass_(hours=24)

    [first, second] = (await shown(house, since="2026-11-22T00:00:00Z"))["days"]

    assert (first["date"], first["events"], first["tests"], first["refused"]) == ("2026-11-22", 3, 1, 1)
    assert first["deliveries"] == 3
    assert {one["source"]: one["events"] for one in first["sources"]} == {"erp": 2, "shop": 1}
    assert (second["date"], second["events"], second["sources"]) == ("2026-11-23", 0, [])


async def test_quotas_tell_how_much_was_taken_and_when_they_were_fullest():
    house = await build().furnish()
    assert [await ask(house, 60), await ask(house, 40), await ask(house)] == [True, True, False]
    house.clock.pass_(minutes=2)
    await ask(house, 5)
    await ask(house, 3, per_minute=1_000, key="k2")

    quotas = (await shown(house))["quotas"]

    assert [(one["of"], one["id"]) for one in quotas] == [("key", "k1"), ("key", "k2"), ("section", None)]
    assert (quotas[0]["perMinute"], quotas[0]["used"], quotas[0]["refused"]) == (100, 105, 1)
    assert quotas[0]["fullestMinute"] == {"at": "2026-11-22T09:15:00.000Z", "count": 100, "share": 1.0}


async def test_what_there_may_only_be_so_many_of_is_counted():
    house = await build().furnish()

    limits = {one["what"]: (one["count"], one["most"]) for one in (await shown(house))["limits"]}

    assert limits["destinations"] == (1, MAX_DESTINATIONS)
    assert (limits["definitions"][0], limits["routes"][0], limits["keys"][0]) == (1, 1, 1)


async def test_a_time_that_cannot_be_asked_for_is_refused():
    house = await build().furnish()

    with pytest.raises(Invalid):
        await shown(house, since="yesterday")


async def listening():
    house = await build(*[OK] * 9).furnish()
    await house.add_destination("ops", "https://ops.example.com/hook")
    await house.line.routes.create(
        "demo", body({"event": own.QUOTA_NEARLY_USED, "destination": "ops"}), "rt-q"
    )
    return house


async def told(house):
    found = []
    for row in sorted(house.rows("events", "e|"), key=lambda row: row.rk):
        stored = await house.line.ledger.event("demo", row.rk.removeprefix("e|"))
        found.append(stored.event)
    return [one for one in found if one.event == own.QUOTA_NEARLY_USED]


async def test_a_quota_of_which_eighty_percent_went_in_a_minute_is_told_of_once_a_day():
    house = await listening()
    await ask(house, 79)
    await house.line.quotas.idle()
    before = await nearly(house.line, pace(house))
    await ask(house, 1)
    await ask(house, 15, key="k2")
    await house.line.quotas.idle()

    seen = [await nearly(house.line, pace(house)) for _ in range(3)]
    house.clock.pass_(hours=2)
    await ask(house, 90)
    await house.line.quotas.idle()
    await nearly(house.line, pace(house))

    assert (before, seen) == (0, [1, 0, 0])
    [event] = await told(house)
    assert event.properties["summary"] == "The key k1 took 80 in a minute in which it may take 100."
    assert (event.properties["of"], event.properties["name"]) == ("key", "k1")
    house.clock.pass_(hours=24)
    await ask(house, 90)
    await house.line.quotas.idle()
    await nearly(house.line, pace(house))
    assert len(await told(house)) == 2
    assert house.meter.sums[EVENTS.name, "own", "accepted", NONE] == 2


async def test_it_is_told_once_though_a_crash_comes_between(monkeypatch):
    house = await listening()
    await ask(house, 100)
    await house.line.quotas.idle()
    crashed = []

    def crash(name):
        if name == "nearly.told" and not crashed:
            crashed.append(name)
            raise RuntimeError(name)

    monkeypatch.setattr(killpoints, "_on_reached", crash)
    with pytest.raises(RuntimeError):
        await nearly(house.line, pace(house))
    await nearly(house.line, pace(house))

    assert len(await told(house)) == 1


async def test_where_nobody_listens_nothing_is_told():
    house = await build().furnish()
    await ask(house, 100)
    await house.line.quotas.idle()

    assert await nearly(house.line, pace(house)) == 0
    assert ORDER["event"] != own.QUOTA_NEARLY_USED
    assert await told(house) == []


async def test_how_full_a_quota_was_is_forgotten_in_time():
    house = await build().furnish()
    await ask(house, 100)
    await house.line.quotas.idle()
    house.clock.pass_(days=KEPT.days + 1, minutes=-14)

    await nearly(house.line, pace(house))

    assert house.rows("usage", "hour|") == []
