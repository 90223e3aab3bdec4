"""The audit: no change without a row, no row without a change, and none is ever written again."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.access.audit import Audit
from shared.acting import acting
from shared.errors import Conflict, Unavailable
from shared.ports import Operation
from shared.registry import Kind, Record, Registry
from tests.fakes import FakeClock, FakeTables
from tests.house import SECTION, body, build

ROUTE = Record(Kind.ROUTE, "demo", "rt-1", {"event": "a.b", "status": "active"})


class Losing(FakeTables):
    """Tables whose next transaction is refused."""

    async def transact(self, table: str, operations: Sequence[Operation]) -> Sequence[str | None]:
        raise Unavailable("away")


@pytest.fixture
def registry(tables: FakeTables, clock: FakeClock) -> Registry:
    return Registry(tables, clock.seconds, clock.now)


@pytest.fixture
def audit(registry: Registry) -> Audit:
    return Audit(registry)


async def newest(audit: Audit, section: str, limit: int) -> list[Any]:
    told: list[Any] = (await audit.page(section, limit))["changes"]
    return told


async def test_creating_and_changing_are_told_with_who_and_what_newest_first(registry, audit, clock):
    with acting("key-1"):
        await registry.create(ROUTE)
    clock.pass_(seconds=1)
    with acting("client-1 for person-1"):
        route = await registry.read(Kind.ROUTE, "demo", "rt-1")
        await registry.replace(route.with_doc(purpose="marketing").with_doc(status="paused"))

    changed, created = await newest(audit, "demo", 10)

    assert (created["by"], created["what"], created["id"]) == ("key-1", "route created", "rt-1")
    assert (created["before"], created["after"]) == ({}, ROUTE.doc)
    assert (changed["by"], changed["what"]) == ("client-1 for person-1", "route changed")
    assert changed["before"] == {"status": "active"}
    assert changed["after"] == {"status": "paused", "purpose": "marketing"}


async def test_what_was_refused_leaves_no_row(registry, audit):
    await registry.create(ROUTE)
    one, other = [await registry.read(Kind.ROUTE, "demo", "rt-1") for _ in range(2)]
    await registry.replace(one.with_doc(status="paused"))
    with pytest.raises(Conflict):
        await registry.replace(other.with_doc(status="gone"))
    with pytest.raises(Conflict):
        await registry.create(ROUTE)

    assert sorted(one["what"] for one in await newest(audit, "demo", 10)) == [
        "route changed",
        "route created",
    ]


async def test_what_cannot_be_told_does_not_happen(clock):
    tables = Losing()
    registry = Registry(tables, clock.seconds, clock.now)

    with pytest.raises(Unavailable):
        await registry.create(ROUTE)

    assert await registry.read(Kind.ROUTE, "demo", "rt-1") is None


async def test_an_audit_row_is_no_document(registry, tables):
    await registry.create(ROUTE)
    [row] = [rk for _, rk in tables.tables["registry"] if rk.startswith("~")]

    assert await registry.read(Kind.ROUTE, "demo", row) is None
    assert await registry.find(Kind.ROUTE, "demo", row) is None
    assert [one.id for one in await registry.list(Kind.ROUTE, "demo")] == ["rt-1"]
    assert [one.id for one in await registry.listed(Kind.ROUTE, "demo")] == ["rt-1"]


async def test_changes_of_one_moment_lose_none(registry, audit):
    records = [Record(Kind.ROUTE, "demo", f"rt-{n}", {"n": n}) for n in range(20)]
    await asyncio.gather(*(registry.create(record) for record in records))

    assert {one["id"] for one in await newest(audit, "demo", 100)} == {record.id for record in records}


async def test_no_more_than_asked_for_are_read_and_the_newest_are(registry, audit, clock):
    for n in range(5):
        await registry.create(Record([*Kind][n + 1], "demo", f"id-{n}", {"n": n}))
        clock.pass_(seconds=1)

    assert [one["id"] for one in await newest(audit, "demo", 2)] == ["id-4", "id-3"]


async def test_another_sections_changes_are_none_of_its_business(registry, audit):
    await registry.create(ROUTE)
    await registry.create(Record(Kind.SECTION, "", "demo", {"name": "Demo"}))
    await registry.create(Record(Kind.SECTION, "", "other", {"name": "Other"}))
    await audit.note("other", "dead letter replayed", "d1")

    assert sorted(one["what"] for one in await newest(audit, "demo", 10)) == [
        "route created",
        "section created",
    ]
    assert sorted(one["what"] for one in await newest(audit, "other", 10)) == [
        "dead letter replayed",
        "section created",
    ]


async def test_a_whole_house_is_told_without_a_secret():
    house = await build().furnish()

    told = await newest(house.line.audit, "demo", 100)

    assert {one["what"] for one in told} == {
        *("section created", "key created", "definition created", "version created"),
        *("destination created", "route created"),
    }
    assert "sealed:" not in str(told)
    assert {one["by"] for one in told} == {"command"}


async def test_who_took_a_refusal_down_stands_in_its_proof():
    house = await build().furnish()
    section = await house.line.sections.read("demo")
    with acting("key-1"):
        consent = {"email": "ada@example.com", "purpose": "marketing", "state": "opted_out"}
        await house.line.consents.set(section, consent)

    [proof] = [row for row in house.rows("people") if "|s|" in row.rk or row.rk.startswith("s|")]
    assert proof.values["by"] == "key-1"


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_hold_every_change_once_in_order_whatever_comes_meanwhile(registry, audit, clock, limit):
    await registry.create(Record(Kind.SECTION, "", "demo", {}))
    for n in range(19):
        # Some are of one moment, and they lie in several partitions.
        await registry.create(Record((Kind.KEY, Kind.ROUTE, Kind.SOURCE)[n % 3], "demo", f"id-{n}", {}))
        clock.pass_(seconds=n % 2)
    clock.pass_(seconds=1)
    whole = await newest(audit, "demo", 100)
    first = await audit.page("demo", limit)
    await registry.create(Record(Kind.ROUTE, "demo", "late", {}))
    rest = await all_of_after(audit, limit, first)

    assert [*first["changes"], *rest] == whole
    assert len(whole) == 20


async def all_of_after(audit: Audit, limit: int, page: dict[str, Any]) -> list[Any]:
    told: list[Any] = []
    for _ in range(100):
        if page["next"] is None:
            break
        page = await audit.page("demo", limit, page["next"])
        told += page["changes"]
    return told


@pytest.mark.parametrize(("limit", "is_more"), [(4, True), (5, False), (6, False)])
async def test_where_nothing_more_is_there_no_page_follows(registry, audit, limit, is_more):
    for n in range(5):
        await registry.create(Record(Kind.ROUTE, "demo", f"rt-{n}", {}))

    assert bool((await audit.page("demo", limit))["next"]) is is_more


async def test_a_page_costs_the_same_however_much_lies_before_it(registry, audit, tables, clock):
    for n in range(300):
        await registry.create(Record(Kind.ROUTE, "demo", f"rt-{n}", {}))
        clock.pass_(milliseconds=1)
    before = tables.requests
    page = await audit.page("demo", 10)
    first = tables.requests - before
    for _ in range(20):
        page = await audit.page("demo", 10, page["next"])

    assert tables.requests - before == first * 21


async def test_a_cursor_that_names_no_change_is_a_time_at_most(registry, audit):
    await registry.create(ROUTE)

    for cursor in (str(UUID(int=0)), str(UUID(int=2**128 - 1))):
        assert (await audit.page("demo", 10, cursor))["next"] is None


async def test_a_sections_own_changes_stand_among_its_others_however_many_change_elsewhere(
    registry, audit, clock
):
    await registry.create(Record(Kind.SECTION, "", "demo", {"name": "Demo"}))
    clock.pass_(seconds=1)
    for n in range(120):
        await registry.create(Record(Kind.SECTION, "", f"demo-{n}", {"name": "Other"}))

    assert [one["id"] for one in await newest(audit, "demo", 10)] == ["demo"]
    assert [one["id"] for one in await newest(audit, "demo-7", 10)] == ["demo-7"]


async def test_rows_go_once_they_are_past_their_time_and_no_document_with_them():
    house = await build().furnish()
    await house.line.sections.create(body({**SECTION, "id": "other"}), bytes(32))
    await house.line.audit.note("demo", "dead letter replayed", "d1")
    rows = len(house.rows("registry", "~"))
    house.clock.pass_(days=399)
    await house.line.sections.set_status("demo", "paused")

    assert (await house.pass_(hours=23))["purge"]["changes"] == 0
    purged = [(await house.pass_(hours=hours))["purge"]["changes"] for hours in (16, 1, 24)]

    assert purged == [rows, 0, 0]
    assert [one["after"] for one in await newest(house.line.audit, "demo", 10)] == [{"status": "paused"}]
    assert len(await house.line.sections.list()) == 2
    assert len(await house.line.keys.list("demo")) == 1


async def test_of_a_section_that_is_gone_the_rows_go_too(tables, registry, clock):
    house = build(tables=tables, clock=clock)
    await registry.create(Record(Kind.SECTION, "", "gone", {"name": "Gone"}))
    await tables.delete("registry", "|section", "gone")

    assert (await house.pass_(days=401))["purge"]["changes"] == 1
    assert house.rows("registry") == []


async def test_an_operator_says_how_long_rows_are_kept(registry, clock):
    audit = Audit(registry, timedelta(days=30))
    await registry.create(ROUTE)
    later = clock.now() + timedelta(days=30, seconds=1)

    assert [row async for row in Audit(registry).expired("demo", later)] == []
    assert len([row async for row in audit.expired("demo", later)]) == 1


async def test_what_is_past_its_time_is_looked_for_once_a_day(tables):
    house = await build(tables=tables).furnish()
    await house.pass_(hours=1)
    house.clock.pass_(minutes=1)
    before = tables.requests
    rows = [row async for row in house.line.audit.expired("demo", house.clock.now())]

    assert (rows, tables.requests - before) == ([], 0)


async def test_a_purge_that_was_cut_short_is_taken_up_again(registry, clock):
    audit = Audit(registry)
    for n in range(5):
        await registry.create(Record(Kind.ROUTE, "demo", f"rt-{n}", {}))
    later = clock.now() + timedelta(days=401)
    async for row in audit.expired("demo", later):
        await audit.remove(row)
        break

    assert len([row async for row in audit.expired("demo", later)]) == 4
