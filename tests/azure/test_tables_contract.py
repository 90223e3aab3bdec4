"""The same cases against the fake tables and against Azurite: what one does, the other does."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
from azure.data.tables import EntityProperty
from azure.data.tables.aio import TableServiceClient

from shared.azure.tables import AzureTables
from shared.ports import Operation, Row, RowChanged, RowExists, RowTooLarge, Value, Verb
from tests.azure.rows_made import PK, fill, insert, keys


async def etag_of(tables, table, rk):
    row = await tables.get(table, PK, rk)
    assert row is not None
    assert row.etag
    return row.etag


async def test_a_row_comes_back_as_it_was_written(tables, table):
    values: dict[str, Value] = {
        "text": "Zoë 🎉 it's",
        "empty": "",
        "number": -7,
        "most": 2**31 - 1,
        "yes": True,
        "no": False,
    }
    row = Row("main|00", "k|0a1b'%+:~é", {**values, "body": b"\x00\xff", "nothing": b""})
    await tables.insert(table, row)
    found = await tables.get(table, row.pk, row.rk)
    assert found is not None
    assert (found.pk, found.rk, found.values) == (row.pk, row.rk, row.values)
    assert {name: type(value) for name, value in found.values.items()} == {
        name: type(value) for name, value in row.values.items()
    }


async def test_a_member_that_is_none_is_not_written(tables, table):
    await tables.insert(table, Row(PK, "a", {"kept": 1, "dropped": None}))
    assert (await tables.get(table, PK, "a")).values == {"kept": 1}


async def test_a_missing_row_is_none(tables, table):
    assert await tables.get(table, PK, "a") is None
    await tables.insert(table, Row(PK, "b"))
    assert await tables.get(table, PK, "a") is None


@pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "a\x00b", "a\x85b", "a" * 513, "é" * 600])
async def test_a_row_whose_key_cannot_exist_is_not_there(tables, table, key):
    assert await tables.get(table, PK, key) is None
    assert await tables.get(table, key, "a") is None
    assert await keys(tables.range(table, key)) == []
    await tables.delete(table, PK, key)
    with pytest.raises(ValueError, match="key"):
        await tables.insert(table, Row(PK, key))


@pytest.mark.parametrize("name", ["PartitionKey", "Timestamp", "body_1", "a b", "a@odata.type", ""])
async def test_a_member_that_no_row_can_have_is_refused(tables, table, name):
    with pytest.raises(ValueError, match="member"):
        await tables.insert(table, Row(PK, "a", {name: 1}))


async def test_a_second_insert_meets_the_first(tables, table):
    await tables.insert(table, Row(PK, "a", {"n": 1}))
    with pytest.raises(RowExists) as raised:
        await tables.insert(table, Row(PK, "a", {"n": 2}))
    assert raised.value.index == 0
    assert (await tables.get(table, PK, "a")).values == {"n": 1}


async def test_of_many_inserts_at_once_one_succeeds_even_in_a_new_table(tables, table):
    results = await asyncio.gather(
        *(tables.insert(table, Row(PK, "a", {"n": number})) for number in range(16)), return_exceptions=True
    )
    assert Counter(map(type, results)) == {type(None): 1, RowExists: 15}


async def test_an_upsert_writes_the_row_whole(tables, table):
    await tables.upsert(table, Row(PK, "a", {"old": 1}))
    await tables.upsert(table, Row(PK, "a", {"new": 2}))
    assert (await tables.get(table, PK, "a")).values == {"new": 2}


async def test_a_replace_writes_the_row_whole_and_answers_its_etag(tables, table):
    await tables.insert(table, Row(PK, "a", {"old": 1}))
    first = await tables.replace(table, Row(PK, "a", {"new": 2}, await etag_of(tables, table, "a")))
    second = await tables.replace(table, Row(PK, "a", {"newer": 3}, first))
    assert second == await etag_of(tables, table, "a")
    assert (await tables.get(table, PK, "a")).values == {"newer": 3}


async def test_a_merge_writes_the_named_members_and_answers_the_etag(tables, table):
    await tables.insert(table, Row(PK, "a", {"kept": 1, "changed": 1, "held": 1}))
    etag = await tables.merge(table, Row(PK, "a", {"changed": 2, "held": None, "added": 3}))
    found = await tables.get(table, PK, "a")
    assert found.values == {"kept": 1, "changed": 2, "held": 1, "added": 3}
    assert found.etag == etag
    assert await tables.merge(table, Row(PK, "a", {"n": 1}, etag)) != etag


@pytest.mark.parametrize("verb", ["replace", "merge"])
async def test_a_row_that_has_changed_is_not_overwritten(tables, table, verb):
    await tables.insert(table, Row(PK, "a", {"n": 1}))
    stale = await etag_of(tables, table, "a")
    await tables.upsert(table, Row(PK, "a", {"n": 2}))
    with pytest.raises(RowChanged):
        await getattr(tables, verb)(table, Row(PK, "a", {"n": 3}, stale))
    assert (await tables.get(table, PK, "a")).values == {"n": 2}


@pytest.mark.parametrize("verb", ["replace", "merge"])
@pytest.mark.parametrize("known", [True, False])
async def test_a_row_that_is_gone_has_changed(tables, table, verb, known):
    await tables.insert(table, Row(PK, "a"))
    etag = await etag_of(tables, table, "a") if known else None
    await tables.delete(table, PK, "a")
    with pytest.raises(RowChanged):
        await getattr(tables, verb)(table, Row(PK, "a", {"n": 3}, etag))
    assert await tables.get(table, PK, "a") is None


async def test_of_many_writers_with_one_etag_one_succeeds(tables, table):
    await tables.insert(table, Row(PK, "a"))
    etag = await etag_of(tables, table, "a")
    results = await asyncio.gather(
        *(tables.merge(table, Row(PK, "a", {"n": number}, etag)) for number in range(8)),
        return_exceptions=True,
    )
    assert Counter(map(type, results)) == {str: 1, RowChanged: 7}


async def test_a_delete_of_what_is_gone_is_success(tables, table):
    await tables.delete(table, PK, "a")
    await tables.insert(table, Row(PK, "a"))
    await tables.delete(table, PK, "a")
    await tables.delete(table, PK, "a")
    assert await tables.get(table, PK, "a") is None


async def test_a_transaction_does_all_its_operations(tables, table):
    await fill(tables, table, ["gone", "merged", "replaced", "upserted"])
    etag = await etag_of(tables, table, "replaced")
    etags = await tables.transact(
        table,
        [
            insert("inserted", m=1),
            Operation(Verb.UPSERT, Row(PK, "upserted", {"m": 2})),
            Operation(Verb.MERGE, Row(PK, "merged", {"m": 3})),
            Operation(Verb.REPLACE, Row(PK, "replaced", {"m": 4}, etag)),
            Operation(Verb.DELETE, Row(PK, "gone")),
        ],
    )
    assert {row.rk: row.values async for row in tables.range(table, PK)} == {
        "inserted": {"m": 1},
        "merged": {"n": 0, "m": 3},
        "replaced": {"m": 4},
        "upserted": {"m": 2},
    }
    names = ("inserted", "upserted", "merged", "replaced")
    assert [*etags] == [*[await etag_of(tables, table, name) for name in names], None]


async def test_the_sdk_reads_what_was_written_and_writes_what_is_read(azurite, table):
    values: dict[str, Value] = {"text": "Zoë it's", "number": -7, "yes": True, "body": b"\x00" * 70_000}
    async with (
        AzureTables(azurite.connection_string) as tables,
        TableServiceClient.from_connection_string(azurite.connection_string) as service,
    ):
        client = service.get_table_client(table)
        await tables.insert(table, Row(PK, "ours 'é|", values))
        await tables.transact(table, [Operation(Verb.INSERT, Row(PK, "ours too", values))])
        whole = values | {"body": b"\x00" * 65_536, "body_1": b"\x00" * (70_000 - 65_536)}
        for name in ("ours 'é|", "ours too"):
            read = await client.get_entity(PK, name)
            assert {**read} == {"PartitionKey": PK, "RowKey": name, **whole}
            assert read.metadata["etag"] == await etag_of(tables, table, name)
        theirs = {"PartitionKey": PK, "RowKey": "theirs", **whole}
        await client.create_entity(
            {**theirs, "when": datetime.now(UTC), "ratio": 0.5, "large": EntityProperty(2**40, "Edm.Int64")}
        )
        row = await tables.get(table, PK, "theirs")
        assert row is not None
        assert row.values == values
        assert [one async for one in tables.range(table, PK, "theirs")] == [row]


@pytest.mark.parametrize("index", [0, 1, 57, 99])
async def test_a_transaction_says_which_insert_met_a_row_and_leaves_nothing(tables, table, index):
    names = [f"{number:02}" for number in range(100)]
    await tables.insert(table, Row(PK, names[index], {"n": 1}))
    with pytest.raises(RowExists) as raised:
        await tables.transact(table, [insert(name) for name in names])
    assert raised.value.index == index
    assert await keys(tables.range(table, PK)) == [names[index]]


@pytest.mark.parametrize("verb", [Verb.MERGE, Verb.REPLACE, Verb.DELETE])
async def test_a_transaction_with_a_stale_etag_does_nothing(tables, table, verb):
    await tables.insert(table, Row(PK, "a", {"n": 1}))
    stale = await etag_of(tables, table, "a")
    await tables.upsert(table, Row(PK, "a", {"n": 2}))
    with pytest.raises(RowChanged):
        await tables.transact(table, [insert("b"), Operation(verb, Row(PK, "a", {"n": 3}, stale))])
    assert [(row.rk, row.values) async for row in tables.range(table, PK)] == [("a", {"n": 2})]


@pytest.mark.parametrize("verb", [Verb.MERGE, Verb.REPLACE, Verb.DELETE])
async def test_a_transaction_on_a_row_that_is_gone_does_nothing(tables, table, verb):
    with pytest.raises(RowChanged):
        await tables.transact(table, [insert("b"), Operation(verb, Row(PK, "a", {"n": 3}))])
    assert await keys(tables.range(table, PK)) == []


async def test_a_transaction_takes_a_hundred_rows_of_one_partition(tables, table):
    with pytest.raises(RowTooLarge):
        await tables.transact(table, [insert(str(number)) for number in range(101)])
    with pytest.raises(ValueError, match="partition"):
        await tables.transact(table, [insert("a"), Operation(Verb.INSERT, Row("other", "b"))])
    with pytest.raises(ValueError, match="different rows"):
        await tables.transact(table, [insert("a"), insert("a")])
    await tables.transact(table, [])
    assert await keys(tables.range(table, PK)) == []


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072, 700_000])
async def test_long_bytes_come_back_joined(tables, table, size):
    body = bytes(number % 251 for number in range(size))
    await tables.insert(table, Row(PK, "a", {"body": body, "n": 1}))
    assert (await tables.get(table, PK, "a")).values == {"body": body, "n": 1}
    assert [row.values["body"] async for row in tables.range(table, PK)] == [body]


@pytest.mark.parametrize("shorter", [b"", b"short", b"x" * 65_536, b"x" * 70_000])
async def test_a_shorter_value_merged_over_long_bytes_leaves_nothing_of_them(tables, table, shorter):
    await tables.insert(table, Row(PK, "a", {"body": b"y" * 300_000}))
    await tables.merge(table, Row(PK, "a", {"body": shorter}))
    assert (await tables.get(table, PK, "a")).values == {"body": shorter}


@pytest.mark.parametrize(
    "values",
    [
        {"text": "x" * 32_769},
        {"text": "🎉" * 16_385},
        {"number": 2**31},
        {"number": -(2**31) - 1},
        {"body": b"x" * 1_048_576},
        {f"m{number}": number for number in range(253)},
    ],
    ids=["text", "text of surrogates", "number", "negative number", "row", "members"],
)
async def test_a_row_over_a_limit_is_too_large(tables, table, values):
    with pytest.raises(RowTooLarge):
        await tables.insert(table, Row(PK, "a", values))
    with pytest.raises(RowTooLarge):
        await tables.transact(table, [insert("b"), insert("a", **values)])
    assert await keys(tables.range(table, PK)) == []


@pytest.mark.parametrize(
    "values",
    [{"text": "x" * 32_768}, {"text": "🎉" * 16_384}, {"body": b"x" * 1_048_000}, {"number": -(2**31)}],
)
async def test_a_row_at_a_limit_is_stored(tables, table, values):
    await tables.insert(table, Row(PK, "a", values))
    assert (await tables.get(table, PK, "a")).values == values


async def test_a_transaction_over_four_mebibytes_is_too_large(tables, table):
    body = b"x" * 900_000
    with pytest.raises(RowTooLarge):
        await tables.transact(table, [insert(str(number), body=body) for number in range(4)])
    await tables.transact(table, [insert(str(number), body=body) for number in range(3)])
    assert await keys(tables.range(table, PK)) == ["0", "1", "2"]


async def test_a_table_is_there_after_its_first_use(tables, table):
    assert table not in await tables.names()
    assert await keys(tables.range(table, PK)) == []
    assert table in await tables.names()


async def test_every_call_is_one_request(tables, table):
    await tables.insert(table, Row(PK, "a"))
    calls = [
        lambda: tables.get(table, PK, "a"),
        lambda: tables.get(table, PK, "missing"),
        lambda: tables.insert(table, Row(PK, "b")),
        lambda: tables.upsert(table, Row(PK, "b")),
        lambda: tables.replace(table, Row(PK, "b")),
        lambda: tables.merge(table, Row(PK, "b")),
        lambda: tables.transact(table, [insert("c"), insert("d")]),
        lambda: keys(tables.range(table, PK)),
        lambda: tables.delete(table, PK, "b"),
        tables.names,
    ]
    for call in calls:
        before = tables.requests
        await call()
        assert tables.requests - before == 1
