"""Compare: events that say the same under other ids start one thing, and whoever looks is told so."""

from dataclasses import replace

import pytest

from shared import exact, flow, killpoints
from shared.errors import Unavailable
from shared.stages import translate
from shared.stores.reasons import Reason
from tests.failing import FailingTables
from tests.house import OK, ORDER, body, build, order

PAID = {**ORDER, "event": "orders.paid", "unique": {"by": ["orderId"], "hours": 24}}


async def furnished(*answers, tables=None, **changes):
    house = await build(*(answers or [OK] * 20), tables=tables).furnish()
    await house.line.definitions.create("demo", body({**PAID, **changes}))
    await house.add_route("crm", "rt-paid", event=PAID["event"])
    return house


async def accepted(house, id, **changes):
    told = await house.accept(id=id, event=PAID["event"], **changes)
    await house.work()
    return told


def paid(number, **more):
    return {"orderId": number, "totalValue": 1, **more}


async def outcome(house, id):
    [step] = [one for one in (await house.receipt(id))["steps"] if one["name"] == "route"]
    return step["outcome"], step.get("reason")


async def test_one_that_says_the_same_starts_nothing_and_its_receipt_names_the_first():
    house = await furnished()

    first = await accepted(house, "a")
    second = await accepted(house, "b", properties=paid("1001"))

    receipt = await house.receipt(second)
    assert len(house.http.requests) == 1
    assert (await house.receipt(first))["status"] == "delivered"
    assert receipt["deliveries"] == []
    assert await outcome(house, second) == ("skipped", "alike")
    assert first in str(receipt["steps"])
    assert Reason.ALIKE.sentence in receipt["detail"]


async def test_it_is_stored_and_on_the_timeline_like_any_other():
    house = await furnished()
    first, second = await accepted(house, "a"), await accepted(house, "b")

    person = (await house.receipt(second))["personId"]
    listed = await house.line.timeline.newest("demo", person, 10)

    assert {one["id"] for one in listed} == {first, second}


async def test_another_value_and_another_definition_are_something_else():
    house = await furnished()
    await house.accept(id="placed")

    for number in ("1001", "1002", "01001"):
        await accepted(house, number, properties=paid(number))

    assert len(house.http.requests) == 4


async def test_numbers_are_compared_by_their_text():
    house = await furnished(unique={"by": ["totalValue"], "hours": 1})

    for id, value in (("a", "42.5"), ("b", "42.50"), ("c", "42.5")):
        properties = f'{{"orderId": "{id}", "totalValue": {value}}}'
        envelope = f'{{"event": "{PAID["event"]}", "properties": {properties}}}'
        await flow.intake(house.line, house.caller, [translate.envelope(exact.loads(envelope))])
        await house.work()

    assert len(house.http.requests) == 2


async def test_all_its_fields_have_to_be_equal_and_one_that_lacks_a_field_is_not_compared():
    house = await furnished(unique={"by": ["orderId", "currency"], "hours": 1})

    for id, more in enumerate([{"currency": "EUR"}, {"currency": "SEK"}, {"currency": "EUR"}, {}, {}]):
        await accepted(house, f"n{id}", properties=paid("1", **more))

    assert len(house.http.requests) == 4


async def test_after_its_hours_the_same_starts_something_again():
    house = await furnished()
    await accepted(house, "a")

    house.clock.pass_(hours=23)
    within = await accepted(house, "b")
    house.clock.pass_(hours=1)
    after = await accepted(house, "c")

    assert await outcome(house, within) == ("skipped", "alike")
    assert await outcome(house, after) == ("routed", None)


async def test_of_one_batch_one_starts_something():
    house = await furnished()

    told = await house.post_all(*(order(id=f"n{n}", event=PAID["event"]) for n in range(20)))
    await house.work()

    assert len(house.http.requests) == 1
    outcomes = [await outcome(house, one.id) for one in told]
    assert sorted(outcomes) == [("routed", None), *[("skipped", "alike")] * 19]


async def test_what_starts_nothing_does_not_keep_another_from_it():
    house = await furnished(staleAfterHours=1)

    await accepted(house, "test", test=True)
    await accepted(house, "stale", occurredAt="2026-11-21T09:15:00Z")
    await accepted(house, "past", backfill=True, occurredAt="2026-11-22T09:00:00Z")
    real = await accepted(house, "real")

    assert await outcome(house, real) == ("routed", None)


async def test_what_a_browser_sends_does_not_stand_in_the_way_of_a_server():
    house = await furnished(fromBrowsers="start")
    server = house.caller
    house.caller = replace(server, trust="browser", key_id="page", source_id="page")
    await house.accept(id="page", event=PAID["event"])
    await house.work()

    house.caller = server
    told = await accepted(house, "server")

    assert await outcome(house, told) == ("routed", None)


async def test_a_worker_that_ends_after_it_claimed_is_the_first_when_it_comes_again():
    house = await furnished()
    id = await house.accept(id="a", event=PAID["event"])
    messages = list(house.queue.sent)

    def end(name):
        if name == "compare.claimed":
            raise Unavailable("the process has ended")

    killpoints.arm(end)
    try:
        with pytest.raises(Unavailable):
            await house.work()
    finally:
        killpoints.arm(None)
    await accepted(house, "b")
    assert house.http.requests == []
    house.queue.sent = messages
    await house.work()

    assert (await house.receipt(id))["status"] == "delivered"
    assert len(house.http.requests) == 1


async def test_storage_that_is_away_decides_nothing():
    tables = FailingTables()
    house = await furnished(tables=tables)
    id = await house.accept(id="a", event=PAID["event"])
    messages = list(house.queue.sent)
    tables.before = lambda table, _: Unavailable("away") if table == "firsts" else None

    with pytest.raises(Unavailable):
        await house.work()
    tables.come_back()
    house.queue.sent = messages
    await house.work()

    assert (await house.receipt(id))["status"] == "delivered"


async def test_only_definitions_that_ask_for_it_pay_for_it_and_they_pay_one_request():
    house = await furnished()
    costs = []
    for number, event in enumerate([ORDER["event"], ORDER["event"], PAID["event"]]):
        await house.accept(id=f"warm {number}", event=event, properties=paid("warm"))
        await house.work()
        await house.accept(id=f"{number}", event=event)
        before = house.tables.requests
        await house.work("events")
        costs.append(house.tables.requests - before)
        await house.work()

    assert costs[2] - costs[1] == 1
    assert {row.rk[0] for row in house.rows("firsts")} == {"f", "x"}


async def test_nothing_that_was_sent_can_be_read_there():
    house = await furnished()
    await accepted(house, "a", properties=paid("order of ada@example.com"))

    assert "ada" not in str(house.rows("firsts"))


async def test_a_purge_forgets_what_is_compared_no_more():
    house = await furnished()
    await accepted(house, "a")

    kept = (await house.pass_(days=1))["purge"]["firsts"]
    gone = (await house.pass_(days=1))["purge"]["firsts"]

    assert (kept, gone, house.rows("firsts")) == (0, 1, [])
