"""The registry: documents by kind, section and id; changed by one at a time; found fast by the line."""

import pytest

from shared import exact
from shared.errors import BodyTooLarge, Conflict
from shared.registry import Kind, Record, Registry
from tests.fakes import FakeTables

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
