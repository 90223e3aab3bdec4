"""Joined: what meets is one transaction, and nobody pays for another's conflict."""

import asyncio

import pytest

from shared.errors import Unavailable
from shared.joined import Joined
from shared.ports import Operation, Row, RowChanged, RowExists, Verb
from tests.failing import FailingTables
from tests.fakes import FakeTables


def insert(rk, **values):
    return Operation(Verb.INSERT, Row("pk", rk, values))


async def at_once(*calls):
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_what_waits_while_a_transaction_is_under_way_goes_in_one():
    tables = FakeTables()
    joined = Joined(tables, "t")

    await at_once(*(joined.transact(insert(f"r{n}")) for n in range(50)))

    assert len(tables.tables["t"]) == 50
    assert tables.requests == 1


async def test_each_is_answered_the_etags_of_its_own_rows():
    tables = FakeTables()
    joined = Joined(tables, "t", operations=2)

    answers = await at_once(*(joined.transact(insert(f"a{n}"), insert(f"b{n}")) for n in range(5)))

    for n, etags in enumerate(answers):
        rows = [await tables.get("t", "pk", f"{letter}{n}") for letter in "ab"]
        assert etags == [row.etag for row in rows]


async def test_a_conflict_is_told_to_whoever_has_it_and_costs_no_other():
    tables = FakeTables()
    await tables.insert("t", Row("pk", "taken"))
    joined = Joined(tables, "t", operations=2)

    answers = await at_once(
        joined.transact(insert("a"), insert("b")),
        joined.transact(insert("taken"), insert("c")),
        joined.transact(Operation(Verb.REPLACE, Row("pk", "gone", etag="w"))),
        joined.transact(insert("d")),
    )

    assert [type(one) for one in answers if isinstance(one, Exception)] == [RowExists, RowChanged]
    assert {rk for _, rk in tables.tables["t"]} == {"taken", "a", "b", "d"}


async def test_two_who_write_the_same_row_at_once_each_have_a_go():
    tables = FakeTables()
    joined = Joined(tables, "t")

    answers = await at_once(*(joined.transact(insert("same", by=n)) for n in range(3)))

    assert sum(isinstance(one, RowExists) for one in answers) == 2
    assert tables.tables["t"].keys() == {("pk", "same")}


async def test_more_operations_than_are_joined_are_a_transaction_of_their_own():
    tables = FakeTables()
    joined = Joined(tables, "t", operations=2)

    await at_once(joined.transact(*map(insert, "abc")), joined.transact(insert("d")))

    assert (len(tables.tables["t"]), tables.requests) == (4, 2)


@pytest.mark.parametrize("verb", Verb)
async def test_one_row_alone_is_written_like_in_a_transaction(verb):
    alone, together = FakeTables(), FakeTables()
    for tables in (alone, together):
        if verb is not Verb.INSERT:
            await tables.insert("t", Row("pk", "r", {"a": 1, "b": 2}))
    row = await alone.get("t", "pk", "r")
    operation = Operation(verb, Row("pk", "r", {"a": 3}, etag=row.etag if row else None))

    await Joined(alone, "t").transact(operation)
    await together.transact("t", [operation])

    written = [await tables.get("t", "pk", "r") for tables in (alone, together)]
    assert [row and row.values for row in written] == [written[0] and written[0].values] * 2


async def test_storage_that_is_away_is_so_for_all():
    tables = FailingTables()
    tables.before = lambda *_: Unavailable("away")
    joined = Joined(tables, "t")

    answers = await at_once(*(joined.transact(insert(f"r{n}")) for n in range(3)))

    assert [type(one) for one in answers] == [Unavailable] * 3
