"""Table Storage that is away, slow, or answers with an error what it has done all the same."""

import json
import logging
import time
from uuid import uuid4

import pytest
from azure.data.tables.aio import TableServiceClient

from local.process import free_ports
from shared.azure.tables import AzureTables
from shared.errors import Unavailable
from shared.ports import Operation, Row, RowChanged, Verb
from tests.fakes import FakeMeter
from tests.proxy import Answer, Broken, Proxy

PK = "main|00"
TIMEOUT = 0.4
BOUND = 4 * TIMEOUT
"""Seconds that a call may take: twice its time limit, and something for a busy machine."""


@pytest.fixture
async def direct(azurite):
    async with AzureTables(azurite.connection_string) as tables:
        yield tables


@pytest.fixture
async def table(direct):
    name = f"t{uuid4().hex}"
    await direct.insert(name, Row(PK, "first", {"n": 1}))
    return name


@pytest.fixture
async def proxy(azurite):
    async with Proxy(azurite.ports.table) as proxy:
        yield proxy


@pytest.fixture
async def tables(azurite, proxy):
    ports = azurite.ports
    through = azurite.connection_string.replace(f":{ports.table}/", f":{proxy.port}/")
    async with AzureTables(through, timeout_seconds=TIMEOUT) as tables:
        yield tables


def calls(tables, table):
    """Every call of the port, by name; `first` is a row that exists."""
    insert = Operation(Verb.INSERT, Row(PK, "new"))

    async def read():
        return [row async for row in tables.range(table, PK)]

    return {
        "get": lambda: tables.get(table, PK, "first"),
        "insert": lambda: tables.insert(table, Row(PK, "new")),
        "upsert": lambda: tables.upsert(table, Row(PK, "first")),
        "replace": lambda: tables.replace(table, Row(PK, "first")),
        "merge": lambda: tables.merge(table, Row(PK, "first")),
        "delete": lambda: tables.delete(table, PK, "first"),
        "transact": lambda: tables.transact(table, [insert]),
        "range": read,
        "names": tables.names,
    }


CALLS = ("get", "insert", "upsert", "replace", "merge", "delete", "transact", "range", "names")


async def unavailable_within(seconds, call):
    start = time.monotonic()
    with pytest.raises(Unavailable):
        await call()
    assert time.monotonic() - start < seconds


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("call", ["insert", "transact"])
async def test_a_committed_insert_that_was_answered_with_an_error_is_unavailable_and_can_be_read_back(
    direct, table, proxy, tables, call, status
):
    proxy.faults.append(Answer(status))
    mark = {"attempt": "mine"}
    if call == "insert":
        with pytest.raises(Unavailable):
            await tables.insert(table, Row(PK, "new", mark))
    else:
        with pytest.raises(Unavailable):
            await tables.transact(table, [Operation(Verb.INSERT, Row(PK, "new", mark))])
    assert proxy.seen == ["POST"], "an SDK retry would have met the row and called it somebody else's"
    assert (await direct.get(table, PK, "new")).values == mark


@pytest.mark.parametrize("verb", ["replace", "merge"])
async def test_a_committed_conditional_write_that_was_answered_with_an_error_is_not_taken_for_a_lost_race(
    direct, table, proxy, tables, verb
):
    first = await direct.get(table, PK, "first")
    proxy.faults.append(Answer(503))
    with pytest.raises(Unavailable):
        await getattr(tables, verb)(table, Row(PK, "first", {"n": 2}, first.etag))
    assert proxy.seen == ["PUT" if verb == "replace" else "PATCH"]
    assert (await direct.get(table, PK, "first")).values == {"n": 2}
    with pytest.raises(RowChanged):
        await getattr(tables, verb)(table, Row(PK, "first", {"n": 3}, first.etag))


@pytest.mark.parametrize("call", ["get", "upsert", "replace", "merge", "delete", "range", "names"])
async def test_what_may_be_repeated_is_repeated(table, proxy, tables, call):
    proxy.faults.extend([Answer(503, commits=False), Answer(500)])
    await calls(tables, table)[call]()
    assert len(proxy.seen) == 3
    assert tables.requests == 3


@pytest.mark.parametrize("call", CALLS)
async def test_an_answer_that_never_comes_is_unavailable_in_bounded_time(table, proxy, tables, call):
    proxy.faults.extend([Broken.HANG] * 10)
    await unavailable_within(BOUND, calls(tables, table)[call])


@pytest.mark.parametrize("fault", [Broken.CUT, Broken.DROP], ids=lambda fault: fault.name)
@pytest.mark.parametrize("call", ["get", "insert", "transact", "range", "names"])
async def test_an_answer_that_breaks_off_is_unavailable(table, proxy, tables, call, fault):
    proxy.faults.extend([fault] * 10)
    await unavailable_within(BOUND, calls(tables, table)[call])


@pytest.mark.parametrize("call", CALLS)
async def test_storage_that_refuses_connections_is_unavailable(azurite, call):
    nowhere = azurite.connection_string.replace(f":{azurite.ports.table}/", f":{free_ports(1)[0]}/")
    async with AzureTables(nowhere, timeout_seconds=TIMEOUT) as tables:
        await unavailable_within(BOUND, calls(tables, "events")[call])


@pytest.mark.parametrize("status", [400, 401, 403, 409, 412])
@pytest.mark.parametrize("call", CALLS)
async def test_a_refusal_that_names_no_known_error_is_unavailable(table, proxy, tables, call, status):
    proxy.faults.extend([Answer(status, commits=False)] * 10)
    await unavailable_within(BOUND, calls(tables, table)[call])


@pytest.mark.parametrize("call", ["get", "insert", "upsert", "merge", "transact", "range", "names"])
async def test_a_404_that_is_not_the_services_own_is_unavailable(table, proxy, tables, call):
    proxy.faults.extend([Answer(404, commits=False)] * 10)
    await unavailable_within(BOUND, calls(tables, table)[call])


async def test_a_wrong_key_is_unavailable_and_logged_by_its_code_only(azurite, table, caplog):
    wrong = azurite.connection_string.replace("AccountKey=E", "AccountKey=F")
    async with AzureTables(wrong) as tables:
        with caplog.at_level(logging.WARNING), pytest.raises(Unavailable):
            await tables.insert(table, Row(PK, "private", {"secret": "hidden"}))
    [told] = [json.loads(record.getMessage()) for record in caplog.records]
    assert (told["part"], told["error"]) == ("Table Storage", "AuthorizationFailure")


async def test_rows_that_were_read_before_a_page_broke_have_been_given(direct, table, proxy, tables):
    for start in range(0, 1_100, 100):
        rows = [Operation(Verb.INSERT, Row(PK, f"r{number:04}")) for number in range(start, start + 100)]
        await direct.transact(table, rows)
    found = []

    async def read():
        async for row in tables.range(table, PK):
            found.append(row.rk)
            if len(found) == 1_000:
                proxy.faults.extend([Broken.HANG] * 10)

    await unavailable_within(60, read)
    assert len(found) == 1_000


async def test_a_table_that_went_away_is_made_again(azurite, direct, table):
    async with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        await service.delete_table(table)
    await direct.insert(table, Row(PK, "new"))
    assert [row.rk async for row in direct.range(table, PK)] == ["new"]


async def test_a_closed_client_opens_again(direct, table):
    await direct.close()
    assert (await direct.get(table, PK, "first")).values == {"n": 1}


async def test_an_account_that_is_asked_for_too_much_is_counted_at_each_answer_that_says_so(
    azurite, proxy, table
):
    meter = FakeMeter()
    through = azurite.connection_string.replace(f":{azurite.ports.table}/", f":{proxy.port}/")
    proxy.faults.extend([Answer(503, commits=False), Answer(500, commits=False), Answer(429, commits=False)])
    async with AzureTables(through, timeout_seconds=TIMEOUT, meter=meter) as tables:
        assert await tables.get(table, PK, "first") is not None

    assert meter.sums == {("signalbox.throttled", "tables"): 2}
