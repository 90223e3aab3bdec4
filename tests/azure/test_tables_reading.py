"""Ranges and scans: the same cases against the fake tables and against Azurite."""

import pytest

from shared.ports import Operation, Row, Verb
from tests.azure.rows_made import PK, fill, keys


async def test_a_range_is_ascending_and_ends_before_its_end(tables, table):
    await fill(tables, table, ["c", "a", "b", "a|1", "A", "d"])
    await tables.insert(table, Row("other", "b"))
    assert await keys(tables.range(table, PK)) == ["A", "a", "a|1", "b", "c", "d"]
    assert await keys(tables.range(table, PK, "a|", "c")) == ["a|1", "b"]
    assert await keys(tables.range(table, PK, "b")) == ["b", "c", "d"]
    assert await keys(tables.range(table, PK, high="b")) == ["A", "a", "a|1"]
    assert await keys(tables.range(table, PK, limit=2)) == ["A", "a"]
    assert await keys(tables.range(table, PK, limit=0)) == []
    assert await keys(tables.range(table, "nobody")) == []


async def test_a_range_treats_a_quote_as_any_character(tables, table):
    await tables.insert(table, Row("o'clock", "it's", {"n": 1}))
    assert await keys(tables.range(table, "o'clock", "it's", "it't")) == ["it's"]
    assert await keys(tables.range(table, "x' or PartitionKey eq 'o''clock")) == []


@pytest.mark.slow
async def test_a_range_reads_page_by_page(tables, table):
    names = [f"{number:04}" for number in range(2_050)]
    await fill(tables, table, names)
    for limit, pages in ((None, 3), (2_050, 3), (1_500, 2), (1_000, 1), (30, 1)):
        before = tables.requests
        assert await keys(tables.range(table, PK, limit=limit)) == names[:limit]
        assert tables.requests - before == pages


async def test_rows_may_be_deleted_while_their_range_is_read(tables, table):
    await fill(tables, table, ["a", "b", "c"])
    seen = []
    async for row in tables.range(table, PK):
        seen.append(row.rk)
        await tables.transact(table, [Operation(Verb.DELETE, row)])
    assert seen == ["a", "b", "c"]
    assert await keys(tables.range(table, PK)) == []


async def test_a_scan_gives_every_row_of_a_table_by_its_keys(tables, table):
    await fill(tables, table, ["b", "a"])
    await tables.insert(table, Row("main|", "c"))
    await tables.insert(table, Row("|main", "c", {"body": b"x" * 70_000, "yes": True, "n": 1, "text": "é"}))

    rows = [row async for row in tables.scan(table)]

    assert [(row.pk, row.rk) for row in rows] == [("main|", "c"), (PK, "a"), (PK, "b"), ("|main", "c")]
    assert rows[-1].values == {"body": b"x" * 70_000, "yes": True, "n": 1, "text": "é"}
    assert all(row.etag for row in rows)


async def test_a_scan_of_a_table_that_is_empty_or_not_there_gives_nothing(tables, table):
    assert await keys(tables.scan(table)) == []
    await tables.insert(table, Row(PK, "a"))
    await tables.delete(table, PK, "a")
    assert await keys(tables.scan(table)) == []


async def test_a_scan_may_be_of_the_partitions_between_two_keys(tables, table):
    for pk in ("shop", "shop-2|a", "shop|", "shop|a", "shop|~", "shop}"):
        await tables.insert(table, Row(pk, "a", {"body": b"x", "n": 1}))

    found = [row async for row in tables.scan(table, "shop|", "shop}", select=())]
    above = [row.pk async for row in tables.scan(table, "shop|b")]

    assert [row.pk for row in found] == ["shop|", "shop|a", "shop|~"]
    assert above == ["shop|~", "shop}"]


@pytest.mark.slow
async def test_a_scan_reads_page_by_page_over_partitions(tables, table):
    for pk in ("a", "b", "c"):
        for start in range(0, 700, 100):
            names = [f"{start + number:03}" for number in range(100)]
            await tables.transact(table, [Operation(Verb.INSERT, Row(pk, name)) for name in names])
    before = tables.requests

    found = [(row.pk, row.rk) async for row in tables.scan(table)]

    assert found == [(pk, f"{number:03}") for pk in ("a", "b", "c") for number in range(700)]
    assert tables.requests - before == 3


async def test_rows_may_be_deleted_while_they_are_scanned(tables, table):
    await fill(tables, table, ["a", "b", "c"])
    seen = []
    async for row in tables.scan(table):
        seen.append(row.rk)
        await tables.delete(table, row.pk, row.rk)
    assert seen == ["a", "b", "c"]
    assert await keys(tables.scan(table)) == []
