"""The registry: documents by kind, section and id; changed by one at a time; found fast by the line."""

import pytest

from shared import exact
from shared import registry as registry_module
from shared.catalog.definitions import Definitions
from shared.errors import BodyTooLarge, Conflict, LimitReached
from shared.ports import Row
from shared.registry import Kind, Record, Registry
from tests.fakes import FakeClock, FakeTables
from tests.house import ORDER, body

ROUTE = Record(Kind.ROUTE, "demo", "rt-1", {"event": "a.b", "status": "active"})


def registry():
    return Registry(FakeTables())


async def test_a_document_is_read_as_it_was_written_numbers_by_their_text():
    documents = registry()
    doc = exact.loads('{"price": 42.50, "nested": {"list": [1, null, "å"]}}')

    await documents.create(Record(Kind.ROUTE, "demo", "rt-1", doc))

    read = await documents.read(Kind.ROUTE, "demo", "rt-1")
    assert exact.dumps({name: read.doc[name] for name in doc}) == exact.dumps(doc)


async def test_an_id_can_be_taken_once():
    documents = registry()
    await documents.create(ROUTE)

    with pytest.raises(Conflict, match="route named rt-1 exists"):
        await documents.create(ROUTE)


async def test_the_same_id_is_free_in_another_section_and_kind():
    documents = registry()
    await documents.create(ROUTE)

    await documents.create(Record(Kind.ROUTE, "other", "rt-1", {}))
    await documents.create(Record(Kind.DESTINATION, "demo", "rt-1", {}))

    assert len(await documents.list(Kind.ROUTE, "demo")) == 1


async def test_of_two_who_change_a_document_the_second_is_refused():
    documents = registry()
    await documents.create(ROUTE)
    one, other = [await documents.read(Kind.ROUTE, "demo", "rt-1") for _ in range(2)]
    await documents.replace(one.with_doc(status="paused"))

    with pytest.raises(Conflict, match="has changed"):
        await documents.replace(other.with_doc(event="c.d"))

    assert (await documents.read(Kind.ROUTE, "demo", "rt-1")).doc["status"] == "paused"


async def test_a_change_keeps_the_other_members():
    documents = registry()
    await documents.create(ROUTE)

    await documents.replace((await documents.read(Kind.ROUTE, "demo", "rt-1")).with_doc(status="paused"))

    doc = (await documents.read(Kind.ROUTE, "demo", "rt-1")).doc
    assert (doc["event"], doc["status"]) == ("a.b", "paused")


async def test_who_changes_a_document_finds_the_change_at_once():
    documents = registry()
    await documents.create(ROUTE)
    found = await documents.find(Kind.ROUTE, "demo", "rt-1")
    assert [one.id for one in await documents.listed(Kind.ROUTE, "demo")] == ["rt-1"]

    await documents.replace(found.with_doc(status="paused"))
    await documents.create(Record(Kind.ROUTE, "demo", "rt-2", {}))

    assert (await documents.find(Kind.ROUTE, "demo", "rt-1")).doc["status"] == "paused"
    assert [one.id for one in await documents.listed(Kind.ROUTE, "demo")] == ["rt-1", "rt-2"]


async def test_what_is_found_again_costs_no_request():
    tables = FakeTables()
    documents = Registry(tables)
    await documents.create(ROUTE)
    await documents.find(Kind.ROUTE, "demo", "rt-1")
    await documents.listed(Kind.ROUTE, "demo")
    before = tables.requests

    await documents.find(Kind.ROUTE, "demo", "rt-1")
    await documents.listed(Kind.ROUTE, "demo")

    assert tables.requests == before


async def test_a_list_is_by_id_and_narrows_to_a_prefix():
    documents = registry()
    for id in ("b|2", "a|1", "b|1", "c|1"):
        await documents.create(Record(Kind.VERSION, "demo", id, {}))

    assert [one.id for one in await documents.list(Kind.VERSION, "demo")] == ["a|1", "b|1", "b|2", "c|1"]
    assert [one.id for one in await documents.list(Kind.VERSION, "demo", "b|")] == ["b|1", "b|2"]


async def test_a_findable_document_is_found_by_its_id_alone():
    documents = registry()

    await documents.create_findable(Record(Kind.KEY, "demo", "k1", {"hash": "x"}))

    assert await documents.section_of(Kind.KEY, "k1") == "demo"
    assert await documents.section_of(Kind.KEY, "k2") is None
    assert (await documents.read(Kind.KEY, "demo", "k1")).doc["hash"] == "x"


async def test_a_pointer_without_its_document_leads_to_nothing():
    tables = FakeTables()
    documents = Registry(tables)
    await documents.create_findable(Record(Kind.KEY, "demo", "k1", {}))
    await tables.delete("registry", "demo|key", "k1")

    assert await documents.section_of(Kind.KEY, "k1") == "demo"
    assert await documents.find(Kind.KEY, "demo", "k1") is None


async def test_a_document_larger_than_a_row_is_refused():
    with pytest.raises(BodyTooLarge, match="larger than storage takes"):
        await registry().create(Record(Kind.ROUTE, "demo", "rt-1", {"text": "x" * 1_100_000}))


MOST = {kind: getattr(registry_module, f"MAX_{kind.upper()}S", None) for kind in Kind}


def filled(kind, count, section="demo"):
    """Tables with so many documents of a kind, and as many of the audit."""
    tables, pk = FakeTables(), f"{section}|{kind}"
    rows = [Row(pk, f"{before}{n:05}", {"doc": b"{}"}, "v") for n in range(count) for before in ("", "~")]
    tables.tables["registry"] = {(row.pk, row.rk): row for row in rows}
    return tables


def test_of_every_kind_it_is_said_how_many_there_may_be_or_bounded_elsewhere():
    assert {kind for kind, most in MOST.items() if most is None} == {Kind.VERSION, Kind.ACT}


@pytest.mark.parametrize("kind", [kind for kind, most in MOST.items() if most])
async def test_there_may_be_so_many_of_a_kind_in_a_section_and_no_more(kind):
    place = "" if kind is Kind.SECTION else "demo"
    tables = filled(kind, MOST[kind] - 1, place)
    documents = Registry(tables)
    await documents.create(Record(kind, place, "last", {}))
    before = dict(tables.tables["registry"])

    for create in (documents.create, documents.create_findable):
        with pytest.raises(LimitReached, match=rf"at most {MOST[kind]:,} {kind}s\. \w+ .+\.$"):
            await create(Record(kind, place, "more", {}))

    assert tables.tables["registry"] == before


async def test_what_other_sections_have_counts_for_nothing():
    tables = filled(Kind.ROUTE, registry_module.MAX_ROUTES, "other")

    await Registry(tables).create(Record(Kind.ROUTE, "demo", "first", {}))


async def test_of_a_definition_that_there_is_no_room_for_no_version_is_left():
    tables = filled(Kind.DEFINITION, registry_module.MAX_DEFINITIONS)
    before = dict(tables.tables["registry"])

    with pytest.raises(LimitReached):
        await Definitions(Registry(tables), FakeClock()).create("demo", body(ORDER))

    assert tables.tables["registry"] == before


async def test_to_see_whether_there_is_room_costs_a_small_section_one_request():
    tables = filled(Kind.ROUTE, 999)
    await Registry(tables).require_room(Kind.ROUTE, "demo")

    assert tables.requests == 1
