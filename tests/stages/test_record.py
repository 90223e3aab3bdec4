"""Record: each event gets its own outcome, duplicates are cheap, and what fails fails alone."""

import asyncio
from dataclasses import replace

import pytest

from shared.errors import BodyTooLarge, Unavailable
from shared.ports import RowTooLarge
from shared.stages.record import MAX_EVENTS, bucket_of
from shared.stages.translate import envelope
from shared.stages.validate import key_hash
from shared.stages.verdict import Accepted
from tests.failing import AwayQueue, FailingTables
from tests.house import ORDER, body, build, order

BUCKETS = 4


def orders(count, start=0):
    return [order(id=f"order-{n}") for n in range(start, start + count)]


def keyless(count):
    return [{name: value for name, value in order().items() if name != "id"}] * count


async def bucket(house, envelope_):
    section = await house.line.sections.read("demo")
    return bucket_of(section, str(key_hash(section, house.caller, envelope(body(envelope_)))))


@pytest.mark.parametrize("count", [1, 3, 40, 200])
async def test_pure_duplicates_cost_at_most_two_requests_an_event(count):
    house = await build().furnish()
    first = await house.post_all(*orders(count))
    before = house.tables.requests

    again = await house.post_all(*orders(count))

    assert [one.id for one in again] == [one.id for one in first]
    assert all(one.replayed for one in again)
    # Besides those, each group's refused insert and its read-back.
    groups = BUCKETS * (1 + count // MAX_EVENTS)
    assert house.tables.requests - before <= 2 * count + 3 * min(count, groups)


@pytest.mark.parametrize("count", [2, 41, 100])
async def test_many_events_are_stored_in_few_transactions_and_answered_in_order(count):
    house = await build().furnish()
    before = house.tables.requests

    told = await house.post_all(*orders(count))

    stored = [await house.line.ledger.event("demo", one.id) for one in told]
    assert [one and one.event.key for one in stored] == [one["id"] for one in orders(count)]
    sent = len(house.queue.sent)
    assert sent <= BUCKETS * (1 + count // MAX_EVENTS)
    assert house.tables.requests - before - count < 4 * sent + 10


async def test_a_group_that_is_too_large_is_stored_in_halves():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    tables.before = lambda _, operations: RowTooLarge() if len(operations) > 12 else None

    told = await house.post_all(*keyless(40))

    assert len({one.id for one in told}) == 40


async def test_an_event_that_is_too_large_alone_costs_no_other():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    bad = order(id="bad", properties={"orderId": "bad", "totalValue": 1})
    tables.before = lambda _, operations: RowTooLarge() if holds_bad(operations) else None

    told = await house.post_all(*orders(10), bad, *orders(10, start=10))

    assert isinstance(told[10], BodyTooLarge)
    assert all(isinstance(one, Accepted) for n, one in enumerate(told) if n != 10)


def holds_bad(operations):
    return any(b'"orderId":"bad"' in bytes(op.row.values.get("doc") or b"") for op in operations)


async def test_an_event_over_which_storing_breaks_is_our_fault_and_costs_no_other():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    bad = order(id="bad", properties={"orderId": "bad", "totalValue": 1})
    tables.before = lambda _, operations: KeyError("broken") if holds_bad(operations) else None

    async with asyncio.timeout(10):
        told = await house.post_all(*orders(10), bad, *orders(10, start=10))
        alone = await asyncio.gather(*(house.post(**one) for one in [*orders(10, start=20), bad]))

    assert [one.status for one in (told.pop(10), alone.pop())] == [500, 500]
    assert all(isinstance(one, Accepted) for one in [*told, *alone])
    assert len(house.rows("events", "e|")) == 30


async def test_a_key_that_cannot_be_read_costs_only_the_event_that_brings_it():
    house = await build().furnish()
    await house.post_all(*orders(10))
    damaged = order(id="order-3")
    section = await house.line.sections.read("demo")
    hash_ = key_hash(section, house.caller, envelope(body(damaged)))
    [row] = [row for row in house.rows("events", "k|") if row.rk == f"k|{hash_}"]
    await house.tables.upsert("events", replace(row, values={"schema": 1}))

    told = await house.post_all(*orders(20))

    assert [n for n, one in enumerate(told) if not isinstance(one, Accepted)] == [3]
    assert told[3].status == 500


async def test_one_bucket_that_is_away_does_not_cost_the_others():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    tables.before = lambda _, operations: Unavailable("away") if operations[0].row.pk == "demo|1" else None

    told = await house.post_all(*orders(40))

    for envelope_, one in zip(orders(40), told, strict=True):
        assert isinstance(one, Unavailable if await bucket(house, envelope_) == 1 else Accepted)
    tables.before = lambda *_: None
    again = await house.post_all(*orders(40))
    assert all(isinstance(one, Accepted) for one in again)
    assert len({one.id for one in again}) == 40


async def test_an_insert_whose_answer_was_lost_is_new_all_the_same():
    tables = FailingTables()
    house = await build(tables=tables).furnish()
    tables.after = lambda *_: Unavailable("the answer was lost")

    told = await house.post_all(*orders(3))

    assert [one.replayed for one in told] == [False] * 3
    assert len([rk for _, rk in tables.tables["events"] if rk.startswith("e|")]) == 3


async def test_what_was_stored_and_never_handed_off_is_handed_off_by_its_repeat():
    queue = AwayQueue()
    house = await build(queue=queue).furnish()
    queue.away = True
    first = await house.accept()
    queue.away = False

    told = await house.post()

    assert (told.id, told.replayed) == (first, True)
    assert [name for name, _, _ in queue.sent] == ["events"]


async def test_what_was_handed_off_is_not_handed_off_again_by_its_repeat():
    house = await build().furnish()
    await house.accept()
    house.queue.sent.clear()

    assert (await house.post()).replayed
    assert house.queue.sent == []


async def test_keys_in_one_call_that_say_different_things_are_the_first_and_refusals():
    house = await build().furnish()

    told = await house.post_all(order(), order(properties={"orderId": "2", "totalValue": 1}), order())

    assert [type(one).__name__ for one in told] == ["Accepted", "KeyReused", "Accepted"]
    assert told[0].id == told[2].id


async def test_events_of_forty_retentions_at_once_are_all_stored():
    """Each retention has an expiry row of its own, which together do not fit one transaction."""
    house = await build().furnish()
    for days in range(1, 41):
        await house.line.definitions.create(
            "demo", body({**ORDER, "event": f"retention.e{days}", "retentionDays": days})
        )

    told = await house.post_all(*(order(event=f"retention.e{days}", id=f"o-{days}") for days in range(1, 41)))

    assert len({one.id for one in told}) == 40


async def test_concurrent_callers_share_transactions_and_messages():
    house = await build().furnish()
    await house.accept(id="warm")
    house.queue.sent.clear()
    before = house.tables.requests

    told = await asyncio.gather(*(house.post(id=f"order-{n}") for n in range(80)))

    assert len({one.id for one in told}) == 80
    assert len(house.queue.sent) <= 8
    assert house.tables.requests - before <= 2 * 8


async def test_equal_keys_of_concurrent_callers_are_one_event():
    house = await build().furnish()

    told = await asyncio.gather(*(house.post() for _ in range(50)))

    assert len({one.id for one in told}) == 1
    assert sum(not one.replayed for one in told) == 1
