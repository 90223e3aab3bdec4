"""An export tells everything of a section, once, page after page, and no secret."""

import asyncio
import re
from collections import Counter
from typing import Any

import pytest

from shared import exact, flow
from shared.errors import Invalid, NotFound
from shared.operations import export
from shared.ports import bytes_of
from shared.stages import translate
from shared.stores import contents
from tests.crash import Fuse, World
from tests.house import OK, SECTION, body, build, order
from tests.operations.wrongs import raw
from tests.upgrade.life import SECRET
from tests.upgrade.record import lived
from tests.upgrade.recording import Recording

Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def recording() -> Recording:
    """A section with something in every state there is."""
    return asyncio.run(lived("the present code"))


@pytest.fixture
def world(recording: Recording) -> World:
    world = World(Fuse(), recording.tables)
    world.blobs.blobs = dict(recording.blobs)
    world.clock.time = recording.at
    return world


async def exported(line: Any, section: str = "demo") -> tuple[Records, int]:
    """All records, and how many pages they were."""
    records, pages, after = [], 0, None
    while pages == 0 or after is not None:
        page = await export.page(line, section, after)
        records += page["records"]
        after = page["next"]
        pages += 1
        assert pages < 5_000
    return records, pages


def of(records: Records, kind: str) -> Records:
    return [one for one in records if one["record"] == kind]


@pytest.mark.parametrize("most", [1, 3, 100])
async def test_every_record_comes_once_however_long_the_pages_are(world: World, monkeypatch, most: int):
    whole, _ = await exported(world.house.line)
    for module in (contents, export):
        monkeypatch.setattr(module, "MOST", most)
    records, pages = await exported(world.house.line)

    assert records == whole
    assert pages >= len(records) / most
    texts = Counter(exact.dumps(one) for one in records)
    assert [text for text, times in texts.items() if times > 1] == []


async def test_everything_that_lies_in_storage_is_told(world: World):
    records, _ = await exported(world.house.line)
    registry = [(pk, rk) for (pk, rk), _ in raw(world, "registry")]
    people = [rk for _, rk in (key for key, _ in raw(world, "people"))]
    events = {rk[2:] for (_, rk), _ in raw(world, "events") if rk.startswith("e|")}

    for kind in ("key", "client", "definition", "version", "source", "destination", "route"):
        there = {rk for pk, rk in registry if pk == f"demo|{kind}" and not rk.startswith("~")}
        told = of(records, kind)
        assert {
            f"{one['event']}|{int(one['number']):06d}" if kind == "version" else one["id"] for one in told
        } == there
    assert [one["id"] for one in of(records, "section")] == ["demo"]
    changes = [pk for pk, rk in registry if rk.startswith("~") and not pk.startswith("*")]
    assert len(of(records, "change")) == len(changes)
    assert {f"p|{one['id']}" for one in of(records, "person")} == {rk for rk in people if rk[:2] == "p|"}
    assert len(of(records, "consent")) == len([rk for rk in people if rk[:2] == "s|"]) > 2
    assert {one["id"] for one in of(records, "event")} == events


async def test_no_secret_is_in_it_sealed_hashed_or_in_clear(world: World):
    text = exact.dumps((await exported(world.house.line))[0])
    secret = set(re.findall(r'"(sealed:[^"]+)"|"hash":"([^"]+)"', " ".join(
        bytes_of(row, "doc").decode() for (pk, _), row in raw(world, "registry") if pk.startswith(("demo", "|section"))
    )))  # fmt: skip

    assert len(secret) > 5
    assert [one for pair in secret for one in pair if one and one in text] == []
    assert "sealed:" not in text
    assert SECRET not in text


async def test_a_consent_is_told_under_the_hash_that_its_person_s_address_has(world: World):
    records, _ = await exported(world.house.line)
    addresses = {
        one["hash"]: one["value"] for person in of(records, "person") for one in person["identifiers"]
    }
    said = [(addresses[one["hash"]], one["purpose"], one["state"]) for one in of(records, "consent")
            if one["hash"] in addresses]  # fmt: skip

    assert said.count(("ada@example.com", "marketing", "opted_out")) == 1
    assert said.index(("ada@example.com", "marketing", "opted_out")) < said.index(
        ("ada@example.com", "marketing", "opted_in")
    )
    assert ("dora@example.com", "transactional", "opted_out") in said


async def test_an_event_is_told_with_what_became_of_it(world: World, recording: Recording):
    told = {one["id"]: one for one in of((await exported(world.house.line))[0], "event")}
    dead = next(id for name, id, *_ in recording.known["events"] if name == "dead")

    assert (told[dead]["status"], told[dead]["deliveries"][0]["status"]) == ("failed", "dead")
    assert (told[dead]["key"] is not None, told[dead]["properties"]) == (True, {"n": "dead"})


async def test_another_section_is_not_told():
    house = await build(OK).furnish()
    await house.line.sections.create(body({**SECTION, "id": "demo-2"}), bytes(32))
    await house.accept()
    await house.work()

    records, _ = await exported(house.line, "demo-2")

    assert [one["record"] for one in records] == ["section", "change"]
    assert records[1]["id"] == "demo-2"


async def test_the_text_of_a_number_is_kept():
    house = await build(OK).furnish()
    raw_body = exact.dumps(order()).replace("42.5", "42.500")
    await flow.intake(house.line, house.caller, [translate.envelope(exact.loads(raw_body))])

    [event] = of((await exported(house.line))[0], "event")

    assert '"totalValue":42.500' in exact.dumps(event)


async def test_large_events_make_short_pages(monkeypatch):
    monkeypatch.setattr(export, "MAX_BYTES", 20_000)
    house = await build(OK).furnish()
    for number in range(8):
        await house.accept(id=f"large-{number}", properties={"orderId": "x" * 9_000, "totalValue": 1})
    sizes, after = [], None
    while not sizes or after is not None:
        page = await export.page(house.line, "demo", after)
        sizes.append(len(exact.dumps(page)))
        after = page["next"]

    assert max(sizes) < 31_000
    assert sum(sizes) > 72_000


@pytest.mark.parametrize(
    "after", ["", "x", "é", "bm9uZSA", "ZXZlbnQtOTkg", "a2V5", "a2V5IAA", "=", "a" * 5_000]
)
async def test_what_is_no_cursor_is_refused(after: str):
    house = await build(OK).furnish()

    with pytest.raises(Invalid) as caught:
        await export.page(house.line, "demo", after)

    assert [fault.pointer for fault in caught.value.faults] == ["/after"]


async def test_a_section_that_is_not_there_or_was_deleted_is_not_exported():
    house = await build(OK).furnish()
    await house.line.sections.set_status("demo", "paused")
    assert (await export.page(house.line, "demo", None))["records"]
    await house.line.sections.delete("demo", "demo")

    for id in ("demo", "nowhere"):
        with pytest.raises(NotFound):
            await export.page(house.line, id, None)
