"""Reseal: everything of a section under the current master key, so that an older one can be withdrawn."""

import secrets
from typing import Any

import pytest

from shared import sources
from shared.access.reseal import SEALED
from shared.azure.vault import MasterKeySeal, new_master_key
from shared.errors import Conflict, Unavailable
from shared.line import Line
from shared.ports import Operation, Verb, bytes_of
from shared.registry import Kind
from shared.wiring import assemble
from tests.fakes import FakeBlobs, FakeClock, FakeHttp, FakeIdentity, FakeQueue, FakeTables
from tests.house import SECTION, body

OLD, NEW = new_master_key(), new_master_key()
BOTH = f"{NEW},{OLD}"
SHOP, TILL = "0" * 32, "f" * 32


def line_with(master_keys: str, tables: FakeTables) -> Line:
    """The line of an instance with these master keys."""
    return assemble(
        tables=tables,
        blobs=FakeBlobs(),
        queue=FakeQueue(),
        seal=MasterKeySeal(master_keys),
        http=FakeHttp(),
        clock=FakeClock(),
        identity=FakeIdentity(),
    )


@pytest.fixture
async def tables() -> FakeTables:
    """Two sections that were set up under the old key: sources with two secrets and with none, destinations."""
    tables = FakeTables()
    line = line_with(OLD, tables)
    for number, section in enumerate(("shop", "shop-2")):
        await line.sections.create(body({**SECTION, "id": section}), bytes(range(number, number + 32)))
        for n, id in enumerate((SHOP, TILL)):
            about = {"name": "a", "kind": "shopify", "label": "a", "types": {}}
            told = {"secrets": {"signing": "first-secret"}} if n == 0 else {}
            raw = bytes([number]) + bytes.fromhex(id)[1:]
            made = await line.sources.create(section, body({**about, **told}), raw, sources.KINDS)
            if n == 0:
                await line.sources.rotate_secret(section, made["id"], body({"signing": "second-secret"}))
        for name in ("crm", "erp"):
            settings = {"url": f"https://{name}.example.com/hook"}
            wanted = {"name": name, "kind": "webhook", "settings": settings}
            await line.destinations.create(section, body(wanted), secrets.token_bytes(32))
        wish = {"events": ["delivery.failed"], "url": "https://ops.example.com/hook"}
        await line.subscriptions.create(section, body(wish), bytes(16), secrets.token_bytes(32))
    return tables


async def opened(line: Line, section: str) -> list[Any]:
    """Every secret of a section, as the line uses it."""
    found = [await line.sources.find(one["id"]) for one in await line.sources.list(section)]
    subscribed = [one["id"] for one in await line.subscriptions.list(section)]
    targets = [await line.destinations.open(section, name) for name in ("crm", "erp", *subscribed)]
    hash_key = (await line.sections.read(section)).hash_key
    return [hash_key, [one and one.secrets for one in found], [one and dict(one.secrets) for one in targets]]


def under(tables: FakeTables, key: str) -> int:
    """How many secrets in storage are sealed under a key."""
    mark = f"v1.{key.partition(':')[0]}.".encode()
    rows = tables.tables["registry"].values()
    return sum(bytes_of(row, "doc").count(mark) for row in rows if "doc" in row.values)


async def test_once_all_sections_are_rotated_the_older_master_key_can_be_withdrawn(tables: FakeTables):
    before = {section: await opened(line_with(OLD, tables), section) for section in ("shop", "shop-2")}
    assert under(tables, OLD) == 2 * (1 + 2 + 2 + 1)

    line = line_with(BOTH, tables)
    told = [await line.reseal.section(section) for section in before]

    assert told == [
        {"id": id, "masterKey": NEW.partition(":")[0], "resealed": 6} for id in ("shop", "shop-2")
    ]
    assert (under(tables, OLD), under(tables, NEW)) == (0, 12)
    assert {section: await opened(line_with(NEW, tables), section) for section in before} == before


async def test_rotating_again_changes_nothing(tables: FakeTables):
    line = line_with(BOTH, tables)
    await line.reseal.section("shop")
    there = dict(tables.tables["registry"])

    assert (await line.reseal.section("shop"))["resealed"] == 0
    assert tables.tables["registry"] == there


async def test_another_section_stays_sealed_as_it_was(tables: FakeTables):
    await line_with(BOTH, tables).reseal.section("shop")

    assert under(tables, OLD) == 6
    with pytest.raises(Unavailable):
        await line_with(NEW, tables).sections.read("shop-2")


async def test_a_secret_that_cannot_be_unsealed_is_said_and_left_alone(tables: FakeTables):
    with pytest.raises(Unavailable, match="Put the master key that sealed it back"):
        await line_with(NEW, tables).reseal.section("shop")

    assert under(tables, OLD) == 12


class Meddling(FakeTables):
    """Somebody else changes a document just before the second one is written."""

    def __init__(self, tables: FakeTables) -> None:
        super().__init__()
        self.tables, self.replaced = tables.tables, 0

    async def transact(self, table: str, operations: Any) -> Any:
        self.replaced += operations[0].verb is Verb.REPLACE
        if self.replaced == 2:
            there = self.tables[table][operations[0].row.pk, operations[0].row.rk]
            await super().transact(table, [Operation(Verb.UPSERT, there)])
        return await super().transact(table, operations)


async def test_what_is_cut_short_stays_done_and_the_next_call_does_the_rest(tables: FakeTables):
    meddling = Meddling(tables)

    with pytest.raises(Conflict):
        await line_with(BOTH, meddling).reseal.section("shop")
    told = await line_with(BOTH, meddling).reseal.section("shop")

    assert 0 < told["resealed"] < 6
    assert under(meddling, OLD) == 6
    assert await opened(line_with(NEW, meddling), "shop")


async def test_the_audit_says_that_it_was_resealed_and_tells_nothing_sealed(tables: FakeTables):
    line = line_with(BOTH, tables)
    await line.reseal.section("shop")

    told = (await line.audit.page("shop", 100))["changes"]

    assert {"section resealed", "source resealed", "destination resealed", "subscription resealed"} <= {
        one["what"] for one in told
    }
    assert "v1." not in str(told)


async def test_every_kind_of_document_that_holds_something_sealed_is_known(tables: FakeTables):
    registry = tables.tables["registry"].values()
    sealed = {row.pk.rpartition("|")[2] for row in registry if b'"v1.' in bytes_of(row, "doc")}

    assert sealed == {str(kind) for kind in SEALED}
    assert Kind.KEY not in SEALED
