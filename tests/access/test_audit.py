"""The audit: no change without a row, no row without a change, and none is ever written again."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.access.audit import Audit
from shared.acting import acting
from shared.errors import Conflict, Unavailable
from shared.ports import Operation
from shared.registry import Kind, Record, Registry
from tests.fakes import FakeClock, FakeTables
from tests.house import build

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


async def test_creating_and_changing_are_told_with_who_and_what_newest_first(registry, audit, clock):
    with acting("key-1"):
        await registry.create(ROUTE)
    clock.pass_(seconds=1)
    with acting("client-1 for person-1"):
        route = await registry.read(Kind.ROUTE, "demo", "rt-1")
        await registry.replace(route.with_doc(purpose="marketing").with_doc(status="paused"))

    changed, created = await audit.newest("demo", 10)

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

    assert sorted(one["what"] for one in await audit.newest("demo", 10)) == ["route changed", "route created"]


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

    assert {one["id"] for one in await audit.newest("demo", 100)} == {record.id for record in records}


async def test_no_more_than_asked_for_are_read_and_the_newest_are(registry, audit, clock):
    for n in range(5):
        await registry.create(Record(list(Kind)[n], "demo", f"id-{n}", {"n": n}))
        clock.pass_(seconds=1)

    assert [one["id"] for one in await audit.newest("demo", 2)] == ["id-4", "id-3"]


async def test_another_sections_changes_are_none_of_its_business(registry, audit):
    await registry.create(ROUTE)
    await registry.create(Record(Kind.SECTION, "", "demo", {"name": "Demo"}))
    await registry.create(Record(Kind.SECTION, "", "other", {"name": "Other"}))
    await audit.note("other", "dead letter replayed", "d1")

    assert sorted(one["what"] for one in await audit.newest("demo", 10)) == [
        "route created",
        "section created",
    ]
    assert sorted(one["what"] for one in await audit.newest("other", 10)) == [
        "dead letter replayed",
        "section created",
    ]


async def test_a_whole_house_is_told_without_a_secret():
    house = await build().furnish()

    told = await house.line.audit.newest("demo", 100)

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
