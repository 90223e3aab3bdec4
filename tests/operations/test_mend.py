"""Mend: a quarantined webhook becomes its event once its source is mended, exactly once."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import hooks, times
from shared.bodies import read_body
from shared.errors import NotFound, Unavailable, UnknownType
from shared.operations import mend
from shared.operations.pace import Pace
from shared.operations.tick import tick
from shared.sources import Received
from shared.sources.kinds import shopify
from shared.stages.verdict import Accepted
from tests.house import OK, ORDER, body, build
from tests.sources.signing import new_secret, sign

HOOK = "0123456789abcdef0123456789abcdef"
SECRET = new_secret(shopify.VERIFIER, b"mend")
TYPES = {"orders/create": {"event": ORDER["event"], "version": None, "mapping": None}}


async def furnished(types):
    house = await build(OK, OK).furnish()
    source = {
        "name": "shop",
        "kind": "shopify",
        "label": "Shop",
        "types": types,
        "secrets": {"signing": SECRET},
    }
    await house.line.sources.create("demo", body(source), bytes.fromhex(HOOK), ["shopify"])
    return house


async def arrive(house, delivery="w-1", **changes):
    """A webhook as Shopify sends it."""
    payload = {"id": 1001, "total_price": "42.50", "currency": "EUR", "email": "ada@example.com", **changes}
    headers = {"x-shopify-topic": "orders/create", "x-shopify-webhook-id": delivery, "x-other": "x"}
    plain = Received("POST", f"/v1/hooks/{HOOK}", headers, json.dumps(payload).encode())
    signed = sign(shopify.VERIFIER, plain, SECRET, house.clock.now())
    told = await hooks.webhook(house.line, HOOK, signed)
    assert isinstance(told, hooks.Hooked)
    return told.events[0] if told.events else None


async def quarantined(house):
    return await house.line.quarantine.list("demo", None, 10)


async def test_a_webhook_of_an_unknown_type_is_kept_with_its_reason():
    house = await furnished({})

    assert await arrive(house) is None

    [kept] = await quarantined(house)
    assert (kept["cause"], kept["source"]) == ("unknown-type", HOOK)


async def test_it_becomes_its_event_once_the_source_knows_the_type():
    house = await furnished({})
    await arrive(house)
    await house.line.sources.set_types("demo", HOOK, body(TYPES))
    [kept] = await quarantined(house)

    told = await mend.replay(house.line, "demo", kept["id"])
    await house.work()

    assert (await house.receipt(told["id"]))["status"] == "delivered"
    assert await quarantined(house) == []


async def test_what_still_does_not_fit_stays_and_says_why():
    house = await furnished({})
    await arrive(house)
    [kept] = await quarantined(house)

    with pytest.raises(UnknownType):
        await mend.replay(house.line, "demo", kept["id"])

    assert len(await quarantined(house)) == 1


async def test_deliveries_of_one_webhook_that_were_kept_twice_become_one_event():
    house = await furnished({})
    await arrive(house)
    await arrive(house)
    await house.line.sources.set_types("demo", HOOK, body(TYPES))

    told = [await mend.replay(house.line, "demo", kept["id"]) for kept in await quarantined(house)]

    assert len({one["id"] for one in told}) == 1
    assert await quarantined(house) == []


async def test_what_was_replayed_already_is_not_found():
    house = await furnished({})
    await arrive(house)
    await house.line.sources.set_types("demo", HOOK, body(TYPES))
    [kept] = await quarantined(house)
    await mend.replay(house.line, "demo", kept["id"])

    with pytest.raises(NotFound):
        await mend.replay(house.line, "demo", kept["id"])


async def test_a_redelivery_with_another_body_is_the_first_event_and_noted():
    house = await furnished(TYPES)
    first = await arrive(house)

    again = await arrive(house, total_price="43.00")

    assert isinstance(again, Accepted)
    assert (again.id, again.replayed, again.differs) == (first.id, True, True)
    assert (await house.receipt(first.id))["repeatDiffers"] is True


async def paused_with(house, *totals):
    await house.line.sources.pause("demo", HOOK)
    for number, total in enumerate(totals):
        assert await arrive(house, f"w-{number}", total_price=total) is None


async def test_what_came_to_a_paused_source_is_taken_in_and_what_does_not_fit_stops_nothing():
    house = await furnished(TYPES)
    await paused_with(house, "no number", "1.00", "2.00")
    assert {one["cause"] for one in await quarantined(house)} == {"paused"}

    await house.line.sources.resume("demo", HOOK)
    taken = await mend.resume(house.line, "demo", pace(house))

    assert taken == 2
    assert [one["cause"] for one in await quarantined(house)] == ["invalid"]


async def test_what_another_resume_has_taken_in_meanwhile_stops_nothing(monkeypatch):
    house = await furnished(TYPES)
    await paused_with(house, "no number", "1.00")
    await house.line.sources.resume("demo", HOOK)
    read, remove = house.line.quarantine.read, house.line.quarantine.remove

    async def read_before_it_is_gone(section, id):
        item = await read(section, id)
        await remove(section, item)
        return item

    monkeypatch.setattr(house.line.quarantine, "read", read_before_it_is_gone)

    assert await mend.resume(house.line, "demo", pace(house)) == 1


async def test_what_came_to_a_paused_source_stays_while_it_is_paused():
    house = await furnished(TYPES)
    await paused_with(house, "1.00")

    assert (await tick(house.line))["mend"] == {"resumed": 0}

    await house.line.sources.resume("demo", HOOK)
    assert (await tick(house.line))["mend"] == {"resumed": 1}
    assert await quarantined(house) == []


async def test_days_of_a_pause_lose_nothing_and_send_nothing():
    house = await furnished(TYPES)
    await paused_with(house, "1.00", "2.00")

    await house.pass_(days=29)
    assert (len(await quarantined(house)), house.http.requests) == (2, [])
    await house.line.sources.resume("demo", HOOK)
    await house.pass_(minutes=1)

    assert len(house.http.requests) == 2
    assert await quarantined(house) == []


async def test_a_webhook_that_came_twice_while_its_source_was_paused_is_one_event():
    house = await furnished(TYPES)
    await house.line.sources.pause("demo", HOOK)
    for _ in range(2):
        await arrive(house, "w-1")
    await house.line.sources.resume("demo", HOOK)

    assert await mend.resume(house.line, "demo", pace(house)) == 2
    await house.work()

    assert len(house.rows("events", "e|")) == len(house.http.requests) == 1
    assert await quarantined(house) == []


async def test_one_that_was_accepted_before_the_pause_stays_that_event():
    house = await furnished(TYPES)
    first = await arrive(house)
    await paused_with(house)
    await arrive(house)
    await house.line.sources.resume("demo", HOOK)
    await mend.resume(house.line, "demo", pace(house))
    await house.work()

    assert [row.rk for row in house.rows("events", "e|")] == [f"e|{first.id}"]
    assert len(house.http.requests) == 1


async def test_a_resume_ends_when_its_time_is_over_and_the_tick_does_the_rest():
    house = await furnished(TYPES)
    await paused_with(house, "1.00", "2.00")
    await house.line.sources.resume("demo", HOOK)
    over = Pace(house.clock, house.clock.now() - timedelta(seconds=1))

    assert await mend.resume(house.line, "demo", over) == 0
    await house.pass_(minutes=1)

    assert len(house.http.requests) == 2


async def test_a_large_body_waits_as_well():
    house = await furnished(TYPES)
    await house.line.sources.pause("demo", HOOK)
    assert await arrive(house, note="x" * 600_000) is None

    await house.line.sources.resume("demo", HOOK)
    assert (await tick(house.line))["mend"] == {"resumed": 1}

    assert await quarantined(house) == []


def pace(house):
    return Pace.of(house.clock, timedelta(minutes=1))


@pytest.mark.parametrize("part", ["read", "mappings"])
async def test_what_breaks_the_source_s_kind_is_kept_and_taken_in_once_the_kind_is_mended(part, monkeypatch):
    house = await furnished(TYPES)
    with monkeypatch.context() as broken:
        broken.setattr(shopify, "SOURCE", replace(shopify.SOURCE, **{part: None}))
        assert await arrive(house) is None
    [kept] = await quarantined(house)
    assert kept["cause"] == "broken-source"

    told = await mend.replay(house.line, "demo", kept["id"])

    assert told["status"] == "accepted"
    assert await quarantined(house) == []


async def test_a_kind_that_cannot_be_loaded_says_to_come_again_because_nobody_knows_who_sent(monkeypatch):
    house = await furnished(TYPES)

    def broken(kind, settings):
        raise ImportError(kind)

    with monkeypatch.context() as patched:
        patched.setattr("shared.sources.load", broken)
        with pytest.raises(Unavailable) as told:
            await arrive(house)

    assert told.value.retry_after == 60
    assert await quarantined(house) == []
    assert isinstance(await arrive(house), Accepted)


async def grouped(house, **members):
    return await mend.replay_group(house.line, "demo", read_body(mend.Group, members), pace(house))


async def test_a_group_is_counted_by_cause_and_source_with_its_oldest():
    house = await furnished({})
    await arrive(house, "w-1")
    first = house.clock.now()
    house.clock.pass_(hours=1)
    await arrive(house, "w-2")

    assert await house.line.quarantine.groups("demo") == [
        {"cause": "unknown-type", "source": HOOK, "count": 2, "oldest": times.text(first)}
    ]


async def test_a_mended_group_is_taken_in_together_and_what_does_not_fit_stays_under_its_own_cause():
    house = await furnished({})
    for delivery, changes in (("w-1", {}), ("w-2", {"currency": 7}), ("w-3", {})):
        await arrive(house, delivery, **changes)
    await house.line.sources.set_types("demo", HOOK, TYPES)

    told = await grouped(house, cause="unknown-type", source=HOOK)

    assert told == {"taken": 2, "left": 1, "more": False}
    assert [one["cause"] for one in await quarantined(house)] == ["invalid"]
    assert len(house.rows("events", "e|")) == 2


async def test_a_group_of_another_source_or_cause_and_of_a_paused_source_is_left_alone():
    house = await furnished({})
    await arrive(house)
    await house.line.sources.set_types("demo", HOOK, TYPES)

    with pytest.raises(NotFound):
        await grouped(house, cause="unknown-type", source="f" * 32)
    assert (await grouped(house, cause="invalid"))["taken"] == 0
    await house.line.sources.pause("demo", HOOK)
    assert await grouped(house, cause="unknown-type") == {"taken": 0, "left": 0, "more": False}
    assert len(await quarantined(house)) == 1


async def test_a_group_for_which_there_is_no_time_says_that_there_is_more():
    house = await furnished({})
    await arrive(house)
    house.clock.pass_(seconds=5)
    over = Pace(house.clock, house.clock.now() - timedelta(seconds=1))

    told = await mend.replay_group(house.line, "demo", mend.Group(cause="unknown-type"), over)

    assert told == {"taken": 0, "left": 0, "more": True}


async def test_a_group_may_be_that_of_one_source_only():
    house = await furnished({})
    other = {"name": "b", "kind": "shopify", "label": "b", "secrets": {"signing": SECRET}}
    await house.line.sources.create("demo", body(other), bytes(16), ["shopify"])
    await arrive(house)
    await house.line.sources.set_types("demo", HOOK, TYPES)

    assert (await grouped(house, cause="unknown-type", source="0" * 32))["taken"] == 0
    assert (await grouped(house, cause="unknown-type", source=HOOK))["taken"] == 1
