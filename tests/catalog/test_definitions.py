"""Definitions are created whole or refused with every fault, and their versions never change."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared import exact
from shared.catalog import own
from shared.catalog.definitions import MAX_VERSIONS, Definitions
from shared.errors import Conflict, Invalid, NotFound
from shared.ports import Operation, Verb
from shared.registry import Kind, Record, Registry
from tests.fakes import FakeClock, FakeTables

EVENT = "transactions.order-placed"
ORDER_ID = {"name": "orderId", "type": "text", "required": True, "description": "The shop's own number."}
TOTAL = {"name": "totalValue", "type": "decimal", "required": False, "description": "With tax."}


class TablesThatFail(FakeTables):
    """Breaks off when it should write a definition, as a crash between the two writes would."""

    failing = False

    async def transact(self, table: str, operations: Sequence[Operation]) -> Sequence[str | None]:
        row = operations[0].row
        if self.failing and operations[0].verb is not Verb.DELETE and row.pk.endswith(f"|{Kind.DEFINITION}"):
            raise ConnectionError
        return await super().transact(table, operations)


@pytest.fixture
def tables() -> TablesThatFail:
    return TablesThatFail()


@pytest.fixture
def definitions(tables: TablesThatFail) -> Definitions:
    return Definitions(Registry(tables), FakeClock())


def body(**members: Any) -> Any:
    """A body as it comes off the wire."""
    whole = {
        "event": EVENT,
        "title": "Order placed",
        "description": "Somebody placed an order.",
        "purpose": "transactional",
        "retentionDays": 365,
        "fields": [ORDER_ID, TOTAL],
    }
    return exact.loads(exact.dumps({**whole, **members}))


async def faults_of_create(definitions: Definitions, **members: Any) -> dict[str, str | None]:
    with pytest.raises(Invalid) as refused:
        await definitions.create("acme", body(**members))
    return {fault.pointer: fault.received for fault in refused.value.faults}


async def test_a_definition_is_answered_whole_and_reads_back_the_same(definitions: Definitions):
    created = await definitions.create("acme", body())

    assert created == {
        "event": EVENT,
        "category": "transactions",
        "title": "Order placed",
        "description": "Somebody placed an order.",
        "purpose": "transactional",
        "retentionDays": 365,
        "fromBrowsers": "store",
        "staleAfterHours": None,
        "unique": None,
        "version": {
            "id": created["version"]["id"],
            "number": 1,
            "createdAt": "2026-11-22T09:15:00.000Z",
            "fields": [ORDER_ID, TOTAL],
        },
        "versions": 1,
        "warnings": [],
    }
    assert await definitions.read("acme", EVENT) == created


@pytest.mark.parametrize(
    ("unique", "wrong"),
    [
        ({"by": ["orderId"], "hours": 24}, None),
        ({"by": ["totalValue", "orderId"], "hours": 8760}, None),
        ({"by": ["orderid"], "hours": 1}, "/unique/by/0"),
        ({"by": ["orderId", "orderId"], "hours": 1}, "/unique/by/1"),
        ({"by": [], "hours": 1}, "/unique/by"),
        ({"by": ["orderId"] * 6, "hours": 1}, "/unique/by"),
        ({"by": ["orderId", 7], "hours": 1}, "/unique/by/1"),
        ({"by": ["orderId"], "hours": 0}, "/unique/hours"),
        ({"by": ["orderId"], "hours": 8761}, "/unique/hours"),
        ({"by": ["orderId"]}, "/unique/hours"),
        ({"by": ["orderId"], "hours": 1, "days": 1}, "/unique/days"),
        ("orderId", "/unique"),
    ],
)
async def test_what_makes_events_alike_are_fields_of_the_definition(
    definitions: Definitions, unique: Any, wrong: str | None
):
    if wrong:
        assert wrong in await faults_of_create(definitions, unique=unique)
    else:
        assert (await definitions.create("acme", body(unique=unique)))["unique"] == unique


async def test_a_version_without_such_a_field_warns_that_its_events_are_never_alike(definitions: Definitions):
    await definitions.create("acme", body(unique={"by": ["orderId", "totalValue"], "hours": 24}))

    told = await definitions.add_version("acme", EVENT, exact.loads(exact.dumps({"fields": [ORDER_ID]})))

    assert told["warnings"] == ["Events of this version are never alike: unique names totalValue."]


async def test_a_field_is_optional_unless_it_says_otherwise(definitions: Definitions):
    created = await definitions.create("acme", body(fields=[{"name": "note", "type": "text"}]))

    assert created["version"]["fields"] == [
        {"name": "note", "type": "text", "required": False, "description": ""}
    ]
    assert created["warnings"] == ["Describe what these fields mean: note."]


async def test_retention_has_to_be_chosen_and_forever_warns(definitions: Definitions):
    without = body()
    del without["retentionDays"]
    with pytest.raises(Invalid) as refused:
        await definitions.create("acme", without)
    forever = await definitions.create("acme", body(retentionDays=None))

    assert [fault.pointer for fault in refused.value.faults] == ["/retentionDays"]
    assert forever["retentionDays"] is None
    assert "forever" in forever["warnings"][0]


@pytest.mark.parametrize("days", [0, 3651, "365", True, exact.Number("12.5"), exact.Number("1e2")])
async def test_retention_is_1_to_3650_whole_days(definitions: Definitions, days: Any):
    assert list(await faults_of_create(definitions, retentionDays=days)) == ["/retentionDays"]


async def test_all_faults_of_a_body_are_told_at_once(definitions: Definitions):
    fields = [
        ORDER_ID,
        {"name": "Total", "type": "decimal"},
        {"name": "orderid", "type": "money", "colour": "red"},
        {"type": "text", "required": "yes"},
        "note",
    ]

    faults = await faults_of_create(definitions, event="Order", title=" ", purpose=None, fields=fields)

    assert faults == {
        "/event": "text",
        "/title": "text",
        "/purpose": "null",
        "/fields/1/name": "text",
        "/fields/2/type": "text",
        "/fields/2/colour": "text",
        "/fields/2/name": "text",
        "/fields/3/name": "nothing",
        "/fields/3/required": "text",
        "/fields/4": "text",
    }


@pytest.mark.parametrize("name", ["Foo", "foo bar", "foo-bar", "1a", "", "å", "a" * 65, "foo\n", "a_b"])
async def test_a_field_name_is_a_lower_case_letter_then_letters_and_digits(
    definitions: Definitions, name: str
):
    assert list(await faults_of_create(definitions, fields=[{"name": name, "type": "text"}])) == [
        "/fields/0/name"
    ]


async def test_names_that_differ_in_case_only_are_one_name(definitions: Definitions):
    with pytest.raises(Invalid) as refused:
        await definitions.create("acme", body(fields=[ORDER_ID, TOTAL, {"name": "orderID", "type": "text"}]))

    (fault,) = refused.value.faults
    assert fault.pointer == "/fields/2/name"
    assert fault.detail.startswith("Choose another name: field 0 has this one.")


async def test_a_hundred_fields_are_taken_and_one_more_is_not(definitions: Definitions):
    fields = [{"name": f"f{i}", "type": "text", "description": "x" * 500} for i in range(101)]

    assert await faults_of_create(definitions, fields=fields) == {"/fields": "list of 101 items"}
    created = await definitions.create("acme", body(fields=fields[:100]))
    assert len(created["version"]["fields"]) == 100


@pytest.mark.parametrize(
    "event", ["order", "a.b.c", "Transactions.order", "a.B", "1a.b", "a.1b", ".b", "a.", "a b.c"]
)
async def test_a_discriminator_is_category_and_slug_in_lower_case(definitions: Definitions, event: str):
    assert list(await faults_of_create(definitions, event=event)) == ["/event"]


@pytest.mark.parametrize("event", ["transactions.a", "conversions.b-2", "signals.c", "loyalty-club.d"])
async def test_the_category_is_a_known_one_or_an_own_word(definitions: Definitions, event: str):
    assert (await definitions.create("acme", body(event=event)))["category"] == event.partition(".")[0]


@pytest.mark.parametrize("event", ["system.anything", *own.EVENTS])
async def test_the_events_of_signalbox_itself_are_reserved(event: str, definitions: Definitions):
    with pytest.raises(Conflict, match="reserved"):
        await definitions.create("acme", body(event=event))


async def test_members_go_by_their_camel_case_names_only(definitions: Definitions):
    assert await faults_of_create(definitions, retention_days=1) == {"/retention_days": "number"}


@pytest.mark.parametrize("json", ["[]", "null", '"a"', "1"])
async def test_a_body_that_is_no_object_is_one_fault(definitions: Definitions, json: str):
    with pytest.raises(Invalid) as refused:
        await definitions.create("acme", exact.loads(json))

    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [("", "Send an object.")]


async def test_a_name_is_defined_once_a_section(definitions: Definitions):
    first = await definitions.create("acme", body())
    with pytest.raises(Conflict):
        await definitions.create("acme", body(fields=[]))
    other = await definitions.create("other", body())

    assert await definitions.read("acme", EVENT) == first
    assert other["version"]["id"] != first["version"]["id"]


async def test_a_new_version_is_active_at_once_and_the_old_one_is_listed(definitions: Definitions):
    first = await definitions.create("acme", body())

    second = await definitions.add_version("acme", EVENT, {"fields": [ORDER_ID]})

    assert (second["version"]["number"], second["version"]["fields"], second["versions"]) == (
        2,
        [ORDER_ID],
        2,
    )
    assert await definitions.read("acme", EVENT) == second
    assert [(entry["id"], entry["status"]) for entry in await definitions.versions("acme", EVENT)] == [
        (first["version"]["id"], "accepted"),
        (second["version"]["id"], "active"),
    ]
    assert await definitions.read_version("acme", EVENT, first["version"]["id"]) == first["version"]


async def test_a_version_changes_fields_only(definitions: Definitions):
    await definitions.create("acme", body())

    with pytest.raises(Invalid) as refused:
        await definitions.add_version("acme", EVENT, {"fields": [], "event": "transactions.other"})

    assert [fault.pointer for fault in refused.value.faults] == ["/event"]


async def test_a_crash_before_the_definition_is_written_leaves_nothing_in_the_way(
    definitions: Definitions, tables: TablesThatFail
):
    tables.failing = True
    with pytest.raises(ConnectionError):
        await definitions.create("acme", body())
    tables.failing = False

    created = await definitions.create("acme", body())

    assert (created["version"]["number"], created["versions"]) == (1, 1)


async def test_after_a_crash_other_fields_get_a_version_of_their_own(
    definitions: Definitions, tables: TablesThatFail
):
    await definitions.create("acme", body())
    tables.failing = True
    with pytest.raises(ConnectionError):
        await definitions.add_version("acme", EVENT, {"fields": [TOTAL]})
    tables.failing = False

    added = await definitions.add_version("acme", EVENT, {"fields": [ORDER_ID]})

    assert (added["version"]["number"], added["versions"]) == (3, 2)
    assert await definitions.read("acme", EVENT) == added


async def test_of_two_who_add_a_version_at_once_one_is_told_to_read_again(tables: TablesThatFail):
    mine, theirs = (Definitions(Registry(tables), FakeClock()) for _ in range(2))
    await mine.create("acme", body())

    class Interrupted(Registry):
        async def replace(self, record: Record, done: str = "changed") -> None:
            await theirs.add_version("acme", EVENT, {"fields": [TOTAL]})
            await super().replace(record, done)

    with pytest.raises(Conflict, match="Read it and try again"):
        await Definitions(Interrupted(tables), FakeClock()).add_version("acme", EVENT, {"fields": [ORDER_ID]})

    kept = await mine.read("acme", EVENT)
    assert (kept["version"]["fields"], kept["versions"]) == ([TOTAL], 2)


async def test_after_the_last_version_that_is_allowed_comes_a_conflict(
    definitions: Definitions, tables: TablesThatFail
):
    await definitions.create("acme", body())
    registry = Registry(tables)
    record = await registry.read(Kind.DEFINITION, "acme", EVENT)
    assert record is not None
    last = {"id": "ver_last", "number": MAX_VERSIONS, "createdAt": "2026-11-22T09:15:00.000Z"}
    await registry.replace(record.with_doc(versions=[*record.doc["versions"], last]))

    with pytest.raises(Conflict, match="1000 versions"):
        await definitions.add_version("acme", EVENT, {"fields": []})


async def test_definitions_are_listed_by_name_within_their_section(definitions: Definitions):
    for section, event in [("acme", "signals.b"), ("acme", "signals.a"), ("other", "signals.c")]:
        await definitions.create(section, body(event=event))

    listed = await definitions.list("acme")

    assert [(shown["event"], shown["version"]["number"]) for shown in listed] == [
        ("signals.a", 1),
        ("signals.b", 1),
    ]


@pytest.mark.parametrize("event", [EVENT, "no name", "a/b.c"])
async def test_what_is_not_defined_is_not_found(definitions: Definitions, event: str):
    for ask in (
        definitions.read("acme", event),
        definitions.versions("acme", event),
        definitions.add_version("acme", event, {"fields": []}),
        definitions.read_version("acme", event, "ver_0"),
    ):
        with pytest.raises(NotFound):
            await ask


async def test_a_version_that_is_not_there_is_not_found(definitions: Definitions):
    await definitions.create("acme", body())

    with pytest.raises(NotFound):
        await definitions.read_version("acme", EVENT, "ver_0")
