"""Receipts: a trail is read as it was written, a commit's trails say that it is processed only when all is there."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.ids import new_commit
from shared.ports import RowChanged, RowExists
from shared.stores.receipts import Receipts
from shared.stores.trail import MAX_ATTEMPTS, Attempt, Delivery, Status, Step, Trail
from tests.failing import FailingTables
from tests.fakes import FakeTables

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
COMMIT = new_commit(NOW, 0, b"1234567")
STEP = Step("resolve", "2026-11-22T09:15:00.000Z", "found", "by_email", "told")


def delivery(number=0, route="rt-1", **members):
    return Delivery(COMMIT.event(number), route, "crm", "marketing", **members)


async def stored(receipts) -> Any:
    return await receipts.delivery("demo", COMMIT.id, "rt-1")


def trail(number=0, routes=("rt-1",)):
    return Trail("p1", (STEP,), tuple(delivery(number, route) for route in routes))


def without_etags(one):
    return replace(one, deliveries=tuple(replace(each, etag=None) for each in one.deliveries))


async def test_a_trail_is_read_as_it_was_written():
    receipts = Receipts(FakeTables())
    whole = delivery(
        status=Status.RETRYING,
        cause="server_error",
        attempt=2,
        due_at=NOW,
        claim_until=NOW + timedelta(seconds=30),
        replays=1,
        attempts=(Attempt(1, "t1", "retry", 503, "It failed."), Attempt(2, "t2")),
    )
    written = Trail("p1", (STEP, Step("route", "t", "routed")), (whole,))

    await receipts.write("demo", COMMIT, {COMMIT.id: written})

    assert without_etags(await receipts.trail("demo", COMMIT.id)) == replace(written, written=True)


async def test_many_commits_are_read_without_attempts_in_a_range_of_each_partition_that_has_some():
    tables = FakeTables()
    receipts = Receipts(tables)
    commits = [new_commit(NOW + timedelta(minutes=n), 0, bytes([n % 3] * 7)) for n in range(30)]
    for one in commits:
        sent = Delivery(one.id, "rt-1", "crm", "marketing", status=Status.DEAD, cause="gone")
        await receipts.write("demo", one, {one.id: Trail("p1", (STEP,), (sent,))})
    before = tables.requests

    found = await receipts.judged("demo", commits[:20])

    assert tables.requests - before == 3
    assert {one.id for one in commits[:20]} <= found.keys()
    [judged] = found[commits[0].id].deliveries
    assert (judged.status, judged.cause, found[commits[0].id].steps) == (Status.DEAD, "gone", (STEP,))
    assert await receipts.judged("demo", []) == {}


async def test_an_event_that_was_not_processed_has_an_open_trail_without_steps():
    found = await Receipts(FakeTables()).trail("demo", COMMIT.id)

    assert (found, found.open) == (Trail(), True)


async def test_the_trails_of_a_commit_are_its_events_and_nobody_else_s():
    receipts = Receipts(FakeTables())
    other = new_commit(NOW, 0, b"1234577")
    await receipts.write("demo", COMMIT, {COMMIT.event(n): trail(n) for n in (0, 1, 127)})
    await receipts.write("demo", other, {other.id: Trail("p2", (STEP,))})

    assert set(await receipts.trails("demo", COMMIT)) == {COMMIT.event(n) for n in (0, 1, 127)}


async def test_deliveries_that_another_worker_wrote_meanwhile_are_told():
    receipts = Receipts(FakeTables())
    await receipts.write("demo", COMMIT, {COMMIT.id: trail()})

    with pytest.raises(RowExists):
        await receipts.write("demo", COMMIT, {COMMIT.id: trail()})


async def test_a_commit_that_takes_many_transactions_is_processed_only_when_all_is_written():
    tables = FailingTables()
    receipts = Receipts(tables)
    routes = [f"rt-{n}" for n in range(70)]
    written = {COMMIT.event(n): trail(n, routes) for n in range(2)}
    transactions = []

    def fails(_, operations):
        transactions.append(len(operations))
        return OSError("ends here") if len(transactions) == 2 else None

    tables.before = fails
    with pytest.raises(OSError, match="ends here"):
        await receipts.write("demo", COMMIT, written)

    assert transactions[0] == 100
    assert all(one.open and not one.steps for one in (await receipts.trails("demo", COMMIT)).values())


async def test_of_two_who_change_a_delivery_the_second_is_told():
    receipts = Receipts(FakeTables())
    await receipts.write("demo", COMMIT, {COMMIT.id: trail()})
    one, other = [await stored(receipts) for _ in range(2)]
    saved = await receipts.save("demo", replace(one, status=Status.SENDING))

    with pytest.raises(RowChanged):
        await receipts.save("demo", replace(other, status=Status.SENDING))
    assert (await receipts.save("demo", replace(saved, status=Status.DELIVERED))).status is Status.DELIVERED


async def test_a_receipt_keeps_the_newest_attempts():
    receipts = Receipts(FakeTables())
    attempts = tuple(Attempt(n, "t") for n in range(1, MAX_ATTEMPTS + 6))
    await receipts.write("demo", COMMIT, {COMMIT.id: Trail(None, (STEP,), (delivery(attempts=attempts),))})

    kept = (await stored(receipts)).attempts

    assert [one.number for one in kept] == list(range(6, MAX_ATTEMPTS + 6))


async def test_a_repeat_that_differed_is_noted_and_no_delivery():
    receipts = Receipts(FakeTables())
    await receipts.write("demo", COMMIT, {COMMIT.id: trail()})

    await receipts.note_difference("demo", COMMIT.id)

    found = await receipts.trail("demo", COMMIT.id)
    assert (found.repeat_differs, len(found.deliveries)) == (True, 1)
    assert await receipts.delivery("demo", COMMIT.id, "!") is None
    assert await receipts.delivery("demo", COMMIT.id, "") is None


async def test_what_is_removed_leaves_nothing_and_its_neighbours_stay():
    receipts = Receipts(FakeTables())
    await receipts.write("demo", COMMIT, {COMMIT.event(n): trail(n) for n in range(3)})
    await receipts.note_difference("demo", COMMIT.event(1))

    await receipts.remove("demo", [COMMIT.event(1)])

    assert set(await receipts.trails("demo", COMMIT)) == {COMMIT.event(0), COMMIT.event(2)}


@pytest.mark.parametrize("status", Status)
def test_a_trail_is_open_while_somebody_has_something_to_do(status):
    is_open = status in (Status.PENDING, Status.SENDING, Status.RETRYING)

    assert Trail(None, (STEP,), (delivery(status=Status.DELIVERED), delivery(status=status))).open is is_open


def test_the_id_of_a_delivery_is_its_event_and_route_whatever_happened_to_it():
    assert delivery(attempt=3, replays=2).id == delivery().id == f"{COMMIT.id}_rt-1"


async def begun(tables, count=5):
    """Receipts with as many deliveries in one commit, all read."""
    receipts = Receipts(tables)
    await receipts.write("demo", COMMIT, {COMMIT.event(n): trail(n) for n in range(count)})
    trails = await asyncio.gather(*(receipts.trail("demo", COMMIT.event(n)) for n in range(count)))
    return receipts, [found.deliveries[0] for found in trails]


async def test_what_is_saved_at_once_is_one_write_and_each_gets_its_own_etag():
    tables = FakeTables()
    receipts, deliveries = await begun(tables)
    before = tables.requests

    claims = [replace(one, status=Status.SENDING) for one in deliveries]
    saved = await asyncio.gather(*(receipts.save("demo", one) for one in claims))
    ended = [replace(one, status=Status.DELIVERED) for one in saved]
    await asyncio.gather(*(receipts.save("demo", one) for one in ended))

    assert tables.requests - before == 2
    found = await receipts.trails("demo", COMMIT)
    assert {one.deliveries[0].status for one in found.values()} == {Status.DELIVERED}


async def test_one_that_has_changed_stands_in_nobody_s_way():
    receipts, deliveries = await begun(FakeTables())
    await receipts.save("demo", replace(deliveries[2], attempt=7))

    claims = [replace(one, status=Status.SENDING) for one in deliveries]
    saved = await asyncio.gather(*(receipts.save("demo", one) for one in claims), return_exceptions=True)

    assert [type(one) for one in saved] == [Delivery, Delivery, RowChanged, Delivery, Delivery]


async def test_of_two_who_save_one_delivery_at_once_one_succeeds():
    receipts, [only] = await begun(FakeTables(), count=1)

    saved = await asyncio.gather(*(receipts.save("demo", only) for _ in range(2)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in saved) == ["Delivery", "RowChanged"]


async def test_trails_of_one_commit_that_are_asked_for_at_once_are_one_read():
    tables = FakeTables()
    receipts, _ = await begun(tables)
    before = tables.requests

    found = await asyncio.gather(*(receipts.trail("demo", COMMIT.event(n)) for n in (3, 1, 50)))

    assert tables.requests - before == 1
    assert [len(one.deliveries) for one in found] == [1, 1, 0]


async def test_a_commit_that_was_processed_before_is_told():
    receipts = Receipts(FakeTables())
    nothing_to_deliver = {COMMIT.id: Trail("p1", (STEP,))}
    await receipts.write("demo", COMMIT, nothing_to_deliver)

    with pytest.raises(RowExists):
        await receipts.write("demo", COMMIT, nothing_to_deliver)
    await receipts.write("demo", COMMIT, await receipts.trails("demo", COMMIT))
