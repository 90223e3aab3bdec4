"""The ledger: events and their keys lie together, leave with their day, and large bodies lie beside."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import documents
from shared.ids import lowest, new_commit
from shared.ports import RowExists
from shared.stores.ledger import MAX_ROW_BYTES, Entry, Ledger
from tests.fakes import FakeBlobs, FakeTables
from tests.test_documents import EVENT

NOW = EVENT.received_at
COMMIT = new_commit(NOW, 2, b"1234567")
LARGE = "x" * (MAX_ROW_BYTES + 1)


def entry(number=0, key=None, **changes):
    event = replace(EVENT, **changes)
    return Entry(COMMIT.event(number), event, documents.write_event(event), key, "fingerprint")


async def stored(*entries, tables=None, blobs=None, key_days=30):
    ledger = Ledger(tables or FakeTables(), blobs or FakeBlobs())
    await ledger.insert("demo", COMMIT, entries, key_days)
    return ledger


async def expired(ledger, today):
    return [row async for row in ledger.expired("demo", 2, today, 100)]


async def test_a_commit_is_read_back_whole_and_in_order():
    ledger = await stored(*(entry(n, properties={"n": str(n)}) for n in range(40)))

    found = await ledger.commit("demo", COMMIT)

    assert [one.id for one in found] == [COMMIT.event(n) for n in range(40)]
    assert [one.event.properties["n"] for one in found] == [str(n) for n in range(40)]
    assert await ledger.ids("demo", COMMIT) == [one.id for one in found]


async def test_a_commit_s_range_holds_no_other_commit():
    ledger = await stored(entry())
    for random in (b"1234564", b"1234568", b"1234570"):
        other = new_commit(NOW, 2, random)
        await ledger.insert("demo", other, [replace(entry(), id=other.id)], 30)

    assert len(await ledger.commit("demo", COMMIT)) == 1


async def test_a_group_with_one_known_key_is_not_stored_at_all():
    ledger = await stored(entry(key="k1"))
    other = new_commit(NOW + timedelta(seconds=1), 2, b"7654321")
    entries = [replace(entry(key=key), id=other.event(n)) for n, key in enumerate(["k0", "k1", "k2"])]

    with pytest.raises(RowExists):
        await ledger.insert("demo", other, entries, 30)

    assert not await ledger.holds("demo", other)
    assert await ledger.key("demo", 2, "k0") is None
    assert (await ledger.key("demo", 2, "k1")).id == COMMIT.id


async def test_a_key_row_holds_nothing_personal():
    tables = FakeTables()
    await stored(entry(key="hashed"), tables=tables)

    row = tables.tables["events"]["demo|2", "k|hashed"]
    assert set(row.values) == {"id", "event", "version", "fingerprint", "schema"}


@pytest.mark.parametrize(("size", "beside"), [(MAX_ROW_BYTES - 1_000, False), (MAX_ROW_BYTES + 1, True)])
async def test_a_body_above_the_row_limit_lies_in_a_blob(size, beside):
    blobs = FakeBlobs()
    properties = {"text": "x" * size}

    ledger = await stored(entry(properties=properties), blobs=blobs)

    assert list(blobs.blobs) == [f"demo/{COMMIT.id}"] * beside
    assert (await ledger.event("demo", COMMIT.id)).event.properties == properties
    assert (await ledger.commit("demo", COMMIT))[0].event.properties == properties


async def test_a_body_of_an_event_that_was_refused_does_not_stay():
    blobs = FakeBlobs()
    ledger = await stored(entry(key="k1"), blobs=blobs)
    other = new_commit(NOW, 2, b"7654321")
    repeated = replace(entry(key="k1", properties={"text": LARGE}), id=other.id)

    with pytest.raises(RowExists):
        await ledger.insert("demo", other, [repeated], 30)

    assert blobs.blobs == {}


async def test_an_event_whose_body_is_gone_is_gone():
    blobs = FakeBlobs()
    ledger = await stored(entry(properties={"text": LARGE}), entry(1), blobs=blobs)
    blobs.blobs.clear()

    assert await ledger.event("demo", COMMIT.id) is None
    assert [one.id for one in await ledger.commit("demo", COMMIT)] == [COMMIT.event(1)]


async def test_events_leave_after_their_retention_and_keys_after_the_window():
    ledger = await stored(
        entry(0, "k0", retention_days=10), entry(1, "k1", retention_days=365), entry(2, "k2")
    )

    def day(days):
        return (NOW + timedelta(days=days)).strftime("%Y%m%d")

    assert await expired(ledger, day(10)) == []
    assert [row.values["rows"] for row in await expired(ledger, day(11))] == [f"e|{COMMIT.event(0)}"]
    assert [row.values["rows"] for row in await expired(ledger, day(31))][1] == "k|k0,k|k1,k|k2"
    assert [row.values["rows"] for row in await expired(ledger, day(366))][2] == f"e|{COMMIT.event(1)}"


async def test_what_is_kept_for_ever_has_no_day():
    ledger = await stored(entry(retention_days=None))

    assert await expired(ledger, "99991231") == []


async def test_a_purge_deletes_what_its_row_lists_with_the_bodies_and_nothing_else():
    tables, blobs = FakeTables(), FakeBlobs()
    ledger = await stored(
        entry(0, "k0", retention_days=1, properties={"text": LARGE}),
        entry(1, retention_days=9),
        tables=tables,
        blobs=blobs,
    )
    [row] = await expired(ledger, (NOW + timedelta(days=2)).strftime("%Y%m%d"))

    await ledger.purge("demo", row)

    assert blobs.blobs == {}
    assert await ledger.event("demo", COMMIT.event(0)) is None
    assert await ledger.event("demo", COMMIT.event(1)) is not None
    assert await ledger.key("demo", 2, "k0") is not None
    assert row.rk not in {rk for _, rk in tables.tables["events"]}


async def test_a_purge_that_was_cut_short_is_finished_by_the_next():
    tables = FakeTables()
    ledger = await stored(entry(0, retention_days=1), entry(1, retention_days=1), tables=tables)
    [row] = await expired(ledger, "99991231")
    await tables.delete("events", "demo|2", f"e|{COMMIT.event(0)}")

    await ledger.purge("demo", row)

    assert await ledger.ids("demo", COMMIT) == []
    assert await expired(ledger, "99991231") == []


async def test_a_list_shows_what_an_event_is_without_reading_its_body():
    ledger = await stored(entry(properties={"text": LARGE}), entry(1))

    found = await ledger.summaries("demo", 2, lowest(NOW), lowest(NOW + timedelta(seconds=1)), 100)

    assert [one["id"] for one in found] == [COMMIT.event(0), COMMIT.event(1)]
    assert set(found[0]) == {"id", "event", "version", "source", "occurredAt", "receivedAt", "test"}


async def test_events_of_one_commit_that_are_asked_for_at_once_are_one_read():
    tables = FakeTables()
    ledger = await stored(*(entry(n, properties={"n": str(n)}) for n in range(10)), tables=tables)
    before = tables.requests

    found = await asyncio.gather(*(ledger.event("demo", COMMIT.event(n)) for n in (7, 2, 99, 2)))

    assert tables.requests - before == 1
    assert [one and one.event.properties["n"] for one in found] == ["7", "2", None, "2"]


async def test_a_large_body_is_read_beside_the_others():
    large = entry(1, properties={"note": LARGE})
    ledger = await stored(entry(0), large, entry(2))

    found = await asyncio.gather(*(ledger.event("demo", COMMIT.event(n)) for n in range(3)))

    assert [one and one.event.properties.get("note") for one in found] == [None, LARGE, None]
