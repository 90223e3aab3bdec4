"""Properties are checked against a version all at once, and the line finds its version."""

import asyncio

import pytest

from shared import exact
from shared.catalog.compiled import Catalog, compile_fields
from shared.catalog.definitions import Definitions
from shared.errors import Fault, Invalid, SignalboxError, UnknownEvent, UnknownVersion
from shared.registry import Kind, Registry
from tests.fakes import FakeClock, FakeTables

EVENT = "transactions.order-placed"
ORDER = compile_fields(
    [
        {"name": "orderId", "type": "text", "required": True},
        {"name": "totalValue", "type": "decimal", "required": True},
        {"name": "items", "type": "integer", "required": False},
    ]
)


def body(*fields: dict[str, object], event: str = EVENT) -> dict[str, object]:
    return {
        "event": event,
        "title": "Order placed",
        "description": "Somebody placed an order.",
        "purpose": "transactional",
        "retentionDays": exact.loads("365"),
        "fields": list(fields),
    }


@pytest.fixture
def tables() -> FakeTables:
    return FakeTables()


@pytest.fixture
def registry(tables: FakeTables) -> Registry:
    return Registry(tables)


@pytest.fixture
def definitions(registry: Registry) -> Definitions:
    return Definitions(registry, FakeClock())


@pytest.fixture
def catalog(registry: Registry) -> Catalog:
    return Catalog(registry)


def test_properties_that_fit_have_no_faults():
    assert ORDER.check(exact.loads('{"orderId":"1001","totalValue":42.50}')) == []


def test_all_faults_are_told_at_once():
    faults = ORDER.check(exact.loads('{"totalValue":"42.50","items":null,"coupon":"SPRING"}'))

    decimal = "number of at most 38 significant digits, such as 42.50"
    integer = "whole number within 64 bits, without fraction and exponent, such as 42"
    assert sorted(faults, key=lambda fault: fault.pointer) == [
        Fault(
            "/properties/coupon",
            "This version has no such field. Remove it, or add it in a new version.",
            None,
            "text",
        ),
        Fault("/properties/items", "Leave it out instead of sending null.", integer, "null"),
        Fault(
            "/properties/orderId",
            "Add this field: it is required.",
            "text of at most 32768 characters",
            "nothing",
        ),
        Fault("/properties/totalValue", "Send a number, without quotes.", decimal, "text"),
    ]


def test_null_in_a_required_field_asks_for_a_value():
    (fault,) = ORDER.check(exact.loads('{"orderId":null,"totalValue":1}'))

    assert (fault.detail, fault.received) == ("Send a value: it is required.", "null")


def test_a_name_in_another_case_is_told_the_right_one():
    faults = ORDER.check(exact.loads('{"orderid":"1001","totalValue":1}'), prefix="/events/3/properties")

    assert {fault.pointer: fault.detail for fault in faults} == {
        "/events/3/properties/orderId": "Add this field: it is required.",
        "/events/3/properties/orderid": "This version has no such field. Rename it to orderId.",
    }


@pytest.mark.parametrize(
    ("json", "received"), [("[]", "list"), ("null", "null"), ('"a"', "text"), ("1", "number")]
)
def test_properties_that_are_no_object_are_one_fault(json: str, received: str):
    assert ORDER.check(exact.loads(json)) == [Fault("/properties", "Send an object.", "object", received)]


def test_field_names_that_python_uses_itself_are_names_like_others():
    names = ("class", "copy", "json", "schema", "validate", "model", "from", "self")
    version = compile_fields([{"name": name, "type": "text", "required": True} for name in names])

    assert version.check(dict.fromkeys(names, "x")) == []
    assert [fault.pointer for fault in version.check({})] == [f"/properties/{name}" for name in names]


def test_a_flood_of_unknown_fields_is_listed_up_to_a_bound():
    faults = ORDER.check(
        {"orderId": "1", "totalValue": exact.Number("1"), **{f"x{i}": "y" for i in range(5000)}}
    )

    assert len(faults) == 101
    assert faults[-1] == Fault("/properties", "4900 more are not listed. Correct these first.")


async def test_the_active_version_is_found_with_the_terms_of_its_definition(
    definitions: Definitions, catalog: Catalog
):
    created = await definitions.create("acme", body({"name": "orderId", "type": "text", "required": True}))

    usable = await catalog.find("acme", EVENT, None)

    found = (usable.event, usable.version, usable.number, usable.purpose, usable.retention_days)
    assert found == (EVENT, created["version"]["id"], 1, "transactional", 365)
    assert type(usable.retention_days) is int
    assert [fault.pointer for fault in usable.check({}, "/properties")] == ["/properties/orderId"]


async def test_forever_is_no_number_of_days(definitions: Definitions, catalog: Catalog):
    await definitions.create("acme", {**body(), "retentionDays": None})

    assert (await catalog.find("acme", EVENT, None)).retention_days is None


async def test_an_older_version_is_still_found_by_its_id(definitions: Definitions, catalog: Catalog):
    first = await definitions.create("acme", body({"name": "orderId", "type": "text", "required": True}))
    await definitions.add_version("acme", EVENT, {"fields": []})

    older = await catalog.find("acme", EVENT, first["version"]["id"])
    active = await catalog.find("acme", EVENT, None)

    assert (older.number, len(older.check({}, ""))) == (1, 1)
    assert (active.number, active.check({}, "")) == (2, [])


async def test_an_event_that_is_not_defined_is_refused_at_its_pointer(catalog: Catalog):
    with pytest.raises(UnknownEvent) as refused:
        await catalog.find("acme", EVENT, None)

    assert [fault.pointer for fault in refused.value.faults] == ["/event"]


@pytest.mark.parametrize("name", ["", "order", "a/b.c", "A.b", "a.b\n", "a." + "b" * 127, "a.b|000001"])
async def test_what_cannot_be_the_name_of_an_event_never_reaches_storage(
    name: str, catalog: Catalog, tables: FakeTables
):
    with pytest.raises(UnknownEvent) as refused:
        await catalog.find("acme", name, None)

    assert tables.requests == 0
    assert not name or name not in refused.value.detail


async def test_another_sections_event_is_not_found(definitions: Definitions, catalog: Catalog):
    await definitions.create("acme", body())

    with pytest.raises(UnknownEvent):
        await catalog.find("other", EVENT, None)


async def test_an_unknown_version_names_the_active_one(definitions: Definitions, catalog: Catalog):
    active = (await definitions.create("acme", body()))["version"]["id"]

    with pytest.raises(UnknownVersion, match=active) as refused:
        await catalog.find("acme", EVENT, "ver_0000000000000000")

    assert isinstance(refused.value, Invalid)
    assert [(fault.pointer, fault.expected) for fault in refused.value.faults] == [("/version", active)]


async def test_finding_again_costs_no_request(definitions: Definitions, catalog: Catalog, tables: FakeTables):
    await definitions.create("acme", body())
    await catalog.find("acme", EVENT, None)
    tables.requests = 0

    await catalog.find("acme", EVENT, None)

    assert tables.requests == 0


async def test_an_event_that_is_not_defined_is_looked_for_once_and_then_not_for_a_moment():
    tables, clock = FakeTables(), FakeClock()
    here, elsewhere = (Registry(tables, clock.seconds) for _ in range(2))
    catalog, definitions = Catalog(elsewhere), Definitions(here, clock)

    async def looked_for():
        with pytest.raises(UnknownEvent):
            await catalog.find("demo", EVENT, None)

    await asyncio.gather(*(looked_for() for _ in range(50)))
    for _ in range(50):
        await looked_for()
    assert tables.requests == 1
    await definitions.create("demo", body({"name": "orderId", "type": "text", "required": True}))
    clock.pass_(seconds=2)
    assert (await catalog.find("demo", EVENT, None)).event == EVENT


async def test_a_version_whose_document_is_gone_is_our_fault_not_the_senders(
    definitions: Definitions, catalog: Catalog, tables: FakeTables
):
    await definitions.create("acme", body())
    await tables.delete("registry", f"acme|{Kind.VERSION}", f"{EVENT}|000001")

    with pytest.raises(SignalboxError, match="gone") as failed:
        await catalog.find("acme", EVENT, None)

    assert failed.value.status == 500
