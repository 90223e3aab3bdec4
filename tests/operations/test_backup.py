"""Backup: any rows come back the same, a restore can be repeated, and nothing is written that was not wanted."""

import asyncio
import tracemalloc
from collections.abc import Mapping
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access.clients import Clients
from shared.access.entra import Entra
from shared.access.rights import Scope
from shared.errors import Unavailable
from shared.operations import backup
from shared.ports import Row, Value
from shared.registry import Registry
from shared.storage import TABLES
from tests.access.issuing import CLIENT, ISSUER, PlayedIssuer
from tests.failing import FailingTables
from tests.fakes import FakeClock, FakeTables
from tests.house import build

NOW = FakeClock().now()
KEYS = st.text(st.characters(blacklist_characters='/\\#?"', blacklist_categories=["Cc", "Cs"]), max_size=20)
NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z]{0,10}", fullmatch=True)
VALUES = st.one_of(
    st.booleans(), st.integers(-(2**31), 2**31 - 1), st.text(max_size=50), st.binary(max_size=200)
)
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(backup.BACKED_UP), KEYS, KEYS),
    st.dictionaries(NAMES, VALUES, max_size=4),
    max_size=8,
)


def silent(_table: str, _rows: int) -> None:
    """Nobody looks."""


def rows_of(tables: FakeTables) -> dict[str, dict[tuple[str, str], list[tuple[str, type, Value]]]]:
    """Everything that is stored, with the types of its values, without etags."""
    return {
        name: {
            place: sorted((member, type(value), value) for member, value in row.values.items())
            for place, row in rows.items()
        }
        for name, rows in tables.tables.items()
        if rows
    }


async def holding(rows: Mapping[tuple[str, str, str], Mapping[str, Value]]) -> FakeTables:
    tables = FakeTables()
    for (table, pk, rk), values in rows.items():
        await tables.upsert(table, Row(pk, rk, values))
    return tables


async def backed_up(tables: FakeTables) -> BytesIO:
    file = BytesIO()
    await backup.write(tables, file, NOW, silent)
    return file


async def restored(file: BytesIO, tables: FakeTables | None = None, **options: object) -> FakeTables:
    into = tables or FakeTables()
    await backup.restore(into, backup.check(file, silent), silent, **options)  # type: ignore[arg-type]
    return into


async def furnished() -> FakeTables:
    """The tables of a line that has had an event."""
    house = await build().furnish()
    await house.accept()
    await house.work("events")
    tables: FakeTables = house.tables
    return tables


def test_configuration_people_and_consent_are_backed_up_and_the_registry_is_written_last():
    declared = {store.name for store in TABLES if store.backed_up}

    assert declared == {"registry", "people"}
    assert set(backup.BACKED_UP) == declared
    assert backup.BACKED_UP[-1] == "registry"


@pytest.mark.slow
@given(ROWS)
def test_any_rows_come_back_the_same(rows):
    async def there_and_back():
        tables = await holding(rows)
        return rows_of(tables), rows_of(await restored(await backed_up(tables)))

    before, after = asyncio.run(there_and_back())

    assert after == before


@pytest.mark.parametrize("size", [0, 65_536, 200_000, 1_048_000])
async def test_long_bytes_come_back_the_same(size):
    tables = FakeTables()
    for number in range(4):
        await tables.upsert(
            "registry", Row("demo|source", str(number), {"doc": bytes(range(256)) * (size // 256)})
        )

    assert rows_of(await restored(await backed_up(tables))) == rows_of(tables)


async def test_what_goes_with_events_is_not_backed_up():
    tables = await furnished()

    into = await restored(await backed_up(tables))

    assert {"events", "receipts", "timeline"} <= rows_of(tables).keys()
    assert rows_of(into) == {
        name: rows for name, rows in rows_of(tables).items() if name in ("people", "registry")
    }


async def test_a_client_is_let_in_by_what_was_restored():
    clock = FakeClock()
    issuer = PlayedIssuer(clock)

    def clients(tables: FakeTables) -> Clients:
        return Clients(Registry(tables), clock, Entra(ISSUER, issuer, clock))

    tables = FakeTables()
    doc = {"id": CLIENT, "name": "ERP", "source": "erp", "scopes": ["events:write"]}
    await clients(tables).create("demo", doc)
    caller = await clients(await restored(await backed_up(tables))).authenticate(
        issuer.token("ingest"), "demo"
    )

    assert (caller.key_id, caller.scopes) == (CLIENT, {Scope.EVENTS_WRITE})


async def test_the_same_rows_make_the_same_file():
    tables = await furnished()

    first, second = await backed_up(tables), await backed_up(tables)

    assert first.getvalue() == second.getvalue()
    assert first.getvalue()[4:8] == bytes(4), "gzip notes no time of its own"


async def test_it_is_counted_while_it_goes_and_at_the_end():
    tables, said = FakeTables(), []
    for number in range(1_050):
        await tables.upsert("people", Row(f"demo|{number // 300}", f"{number:04}"))

    file = BytesIO()
    counts = await backup.write(tables, file, NOW, lambda *told: said.append(("write", *told)))
    checked = backup.check(file, lambda *told: said.append(("check", *told)))
    await backup.restore(FakeTables(), checked, lambda *told: said.append(("restore", *told)))

    assert counts == checked.rows == {"people": 1_050, "registry": 0}
    assert said[:3] == [("write", "people", 1_000), ("write", "people", 1_050), ("check", "people", 1_000)]
    assert [rows for _, _, rows in said[3:]] == [100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_050]


async def test_a_target_that_holds_a_row_is_refused_and_stays_as_it_is():
    file = await backed_up(await furnished())
    target = FakeTables()
    await target.upsert("people", Row("other|00", "i|00|c|marketing", {"state": "opted_out"}))
    before = rows_of(target)

    with pytest.raises(backup.Occupied, match="people"):
        await restored(file, target)

    assert rows_of(target) == before


async def test_a_target_with_events_only_is_empty_enough():
    target = FakeTables()
    await target.upsert("events", Row("demo|0", "e|1", {"n": 1}))

    await restored(await backed_up(await furnished()), target)

    assert rows_of(target).keys() == {"events", "people", "registry"}


async def test_over_writes_rows_whole_and_leaves_what_is_not_in_the_backup():
    tables = FakeTables()
    await tables.upsert("registry", Row("demo|key", "a", {"doc": b"old"}))
    file = await backed_up(tables)
    await tables.upsert("registry", Row("demo|key", "a", {"doc": b"new", "more": 1}))
    await tables.upsert("registry", Row("demo|key", "b", {"doc": b"other"}))

    await restored(file, tables, over=True)

    assert {rk: row.values for (_, rk), row in tables.tables["registry"].items()} == {
        "a": {"doc": b"old"},
        "b": {"doc": b"other"},
    }


@pytest.mark.parametrize("after", range(1, 6))
async def test_a_restore_that_was_cut_short_is_repeated(after):
    tables = await furnished()
    file, target = await backed_up(tables), FailingTables()
    calls = iter(range(100))
    target.before = lambda *_: Unavailable("away") if next(calls) >= after else None
    with pytest.raises(Unavailable):
        await restored(file, target, pauses=())
    target.come_back()

    with pytest.raises(backup.Occupied):
        await restored(file, target)
    await restored(file, target, over=True)

    assert rows_of(target) == rows_of(await restored(file))


async def test_a_transaction_that_storage_does_not_take_is_tried_again():
    tables = await furnished()
    target = FailingTables()
    calls = iter(range(1_000))
    target.before = lambda *_: Unavailable("busy") if next(calls) % 3 else None

    await restored(await backed_up(tables), target, pauses=(0, 0))

    assert rows_of(target) == rows_of(await restored(await backed_up(tables)))


@pytest.mark.slow
async def test_no_more_than_a_few_rows_are_held_in_memory():
    class Endless(FakeTables):
        async def names(self):
            return ["people"]

        async def scan(self, table):
            for number in range(1_500):
                yield Row("demo|00", f"{number:05}", {"body": number.to_bytes(2) * 4_000})

    class Nowhere(FakeTables):
        async def transact(self, table, operations):
            assert operations

    tracemalloc.start()
    try:
        await restored(await backed_up(Endless()), Nowhere())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * 1024 * 1024 < 1_500 * 8_000
