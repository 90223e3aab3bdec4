"""Mentioning: whoever is mentioned in a kept webhook finds it by any identifier, as long as it lies there and no longer."""

import gzip
import json
from datetime import timedelta

import pytest

from shared import hooks
from shared.errors import Invalid
from shared.operations import mend
from shared.operations.mentioning import mentioning
from shared.operations.pace import Pace
from shared.operations.roll_up import roll_up
from shared.sources import Received
from shared.sources.kinds import dataverse, shopify
from shared.stages import recognise
from shared.stages.recognise import MAX_MENTIONS
from shared.stores.quarantine import KEPT, MOST_FOUND
from tests.crash import Fuse, World
from tests.house import ORDER, body, build
from tests.operations.scenarios import furnished as tables_of
from tests.sources.signing import new_secret, sign

HOOK = "fedcba9876543210fedcba9876543210"
KINDS = {"shopify": shopify.VERIFIER, "dataverse": dataverse.PROOF}
CUSTOMER = {
    "id": 1001,
    "total_price": "42.50",
    "email": "ada@example.com",
    "note": "Ask bob@example.com, or call +46 70 174 06 05.",
    "customer": {"id": 706405506930370084},
}
TYPES = {"orders/create": {"event": ORDER["event"]}}
PADDING = "p" * 600_000


async def furnish(house, kind="shopify", types=None):
    source = {"name": "a", "kind": kind, "label": "a", "types": types or {}}
    secret = {"secrets": {"signing": new_secret(KINDS[kind], b"mentions")}}
    await house.line.sources.create("demo", body({**source, **secret}), bytes.fromhex(HOOK), [kind])
    return house


async def furnished(kind="shopify", types=None):
    return await furnish(await build().furnish(), kind, types)


async def arrive(house, payload=CUSTOMER, kind="shopify", topic="orders/create", **more):
    headers = {"x-shopify-topic": topic, "x-shopify-webhook-id": "w-1", **more}
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    secret = new_secret(KINDS[kind], b"mentions")
    plain = Received("POST", f"https://events.example.com/v1/hooks/{HOOK}", headers, raw)
    return await hooks.webhook(house.line, HOOK, sign(KINDS[kind], plain, secret, house.clock.now()))


async def sought(house, **person):
    told = await mentioning(house.line, "demo", body({"person": person}))
    return [one["id"] for one in told["quarantine"]]


async def kept(house):
    return [one["id"] for one in await house.line.quarantine.list("demo", None, 100)]


async def test_what_came_packed_and_is_no_json_is_looked_through_as_it_was_meant():
    house = await furnished()

    await arrive(house, gzip.compress(b"no JSON of ada@example.com"), **{"content-encoding": "gzip"})

    assert await sought(house, email="ada@example.com") == await kept(house) != []


@pytest.mark.parametrize(
    "person",
    [
        {"email": "ada@example.com"},
        {"email": " ADA@example.com"},
        {"email": "bob@example.com"},
        {"mobile": "070-174 06 05"},
        {"externalIds": {"shopify": "706405506930370084"}},
        {"email": "nobody@example.com", "mobile": "+46701740605"},
    ],
)
async def test_it_is_found_by_whatever_it_says_of_a_person(person):
    house = await furnished()
    await arrive(house)

    assert await sought(house, **person) == await kept(house) != []


@pytest.mark.parametrize(
    "person",
    [
        {"email": "ad@example.com"},
        {"crmId": "706405506930370084"},
        {"externalIds": {"erp": "706405506930370084"}},
        {"mobile": "+46701740606"},
    ],
)
async def test_it_is_not_found_by_what_it_does_not_say(person):
    house = await furnished()
    await arrive(house)

    assert await sought(house, **person) == []


async def test_a_paused_source_s_webhooks_are_found_by_their_mapping_too():
    mapping = {"person": {"externalIds": {"erp": "to_string(erp)"}, "crmId": "erp", "email": "[erp]"}}
    house = await furnished(types={"orders/create": {"event": ORDER["event"], "mapping": mapping}})
    await house.line.sources.pause("demo", HOOK)
    await arrive(house, {"erp": 77})

    assert await sought(house, externalIds={"erp": "77"}) == await kept(house) != []
    assert await sought(house, crmId="77") == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"email": "ada@example.com", ',
        b"email=ada%40example.com",
        b"<customer>ada@example.com</customer>",
        b"\xff ada@example.com \xfe",
    ],
)
async def test_what_cannot_be_read_is_found_by_its_text(raw):
    house = await furnished(types=TYPES)
    await arrive(house, raw)

    assert await sought(house, email="ada@example.com") == await kept(house) != []


async def test_a_record_of_dataverse_is_found_by_its_columns_and_its_id():
    house = await furnished("dataverse")
    target = {"Attributes": [{"key": "emailaddress1", "value": "ada@example.com"}]}
    named = {"MessageName": "Create", "PrimaryEntityName": "contact", "PrimaryEntityId": "75c226c7"}
    await arrive(house, {**named, "InputParameters": [{"key": "Target", "value": target}]}, "dataverse")

    assert await sought(house, crmId="75c226c7") == await kept(house) != []
    assert await sought(house, email="ada@example.com") == await kept(house)


async def test_nothing_of_whom_it_mentions_stands_in_storage_but_in_the_body():
    house = await furnished()
    await arrive(house)

    rows = house.rows("quarantine")
    plain = [(one.pk, one.rk, {k: v for k, v in one.values.items() if k != "body"}) for one in rows]
    assert len(rows) > 4
    assert not [word for word in ("ada", "bob", "4670", "70640") if word in str(plain)]


async def test_it_is_found_no_more_once_it_is_an_event():
    house = await furnished()
    await arrive(house)
    await house.line.sources.set_types("demo", HOOK, body({"orders/create": {"event": ORDER["event"]}}))
    [id] = await kept(house)

    await mend.replay(house.line, "demo", id)

    assert await sought(house, email="ada@example.com") == []
    assert house.rows("quarantine") == []


async def test_it_is_found_for_thirty_days_and_then_nothing_of_it_is_left():
    house = await furnished()
    await arrive(house, {**CUSTOMER, "padding": PADDING})

    await house.pass_(days=KEPT.days)
    assert len(await sought(house, email="ada@example.com")) == 1
    await house.pass_(seconds=1)

    assert await sought(house, email="ada@example.com") == []
    assert house.rows("quarantine") == []


async def test_what_mentions_more_than_it_is_found_by_is_told_to_whoever_is_not_found_in_it():
    house = await furnished()
    people = [f"p{n}@example.com" for n in range(MAX_MENTIONS + 1)]
    await arrive(house, {"people": people})

    first, last = [
        await mentioning(house.line, "demo", body({"person": {"email": one}}))
        for one in (people[0], people[-1])
    ]

    assert ([one["id"] for one in first["quarantine"]], first["perhaps"]) == (await kept(house), [])
    assert (last["quarantine"], [one["id"] for one in last["perhaps"]]) == ([], await kept(house))


async def test_what_cannot_be_looked_through_is_kept_and_told_to_everybody(monkeypatch):
    house = await furnished()

    def breaks(*_):
        raise RuntimeError

    monkeypatch.setattr(recognise, "mentioned", breaks)
    await arrive(house)

    told = await mentioning(house.line, "demo", body({"person": {"email": "eve@example.com"}}))
    assert [one["id"] for one in told["perhaps"]] == await kept(house) != []


async def test_many_are_told_in_parts():
    house = await furnished()
    for _ in range(MOST_FOUND + 1):
        await arrive(house)
        house.clock.pass_(seconds=1)
    person = {"person": {"email": "ada@example.com"}}

    first = await mentioning(house.line, "demo", body(person))
    last = await mentioning(house.line, "demo", body({**person, "after": first["quarantine"][-1]["id"]}))

    assert (first["more"], last["more"]) == (True, False)
    assert [one["id"] for one in (*first["quarantine"], *last["quarantine"])] == await kept_all(house)


async def kept_all(house):
    return [one["id"] for one in await house.line.quarantine.list("demo", None, MOST_FOUND + 1)]


@pytest.mark.parametrize(
    ("person", "pointer"),
    [
        ({}, "/person"),
        ({"email": "undefined"}, "/person/email"),
        ({"crmId": "null"}, "/person"),
        ({"email": "nobody"}, "/person/email"),
        ({"name": "Ada"}, "/person/name"),
    ],
)
async def test_nobody_is_looked_for_without_an_identifier(person, pointer):
    house = await furnished()

    with pytest.raises(Invalid) as refused:
        await mentioning(house.line, "demo", body({"person": person}))

    assert [fault.pointer for fault in refused.value.faults] == [pointer]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["killed", "unavailable"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("padding", ["", PADDING], ids=["in a row", "in a blob"])
async def test_wherever_keeping_is_cut_short_all_of_it_is_gone_after_thirty_days(fault, moment, padding):
    tables = await tables_of("crm")
    number, reached = 0, True
    while reached:
        number += 1
        world = World(Fuse(fault, moment), tables, patient=False)
        await furnish(world.house)
        await world.house.line.sources.read("demo", HOOK)
        world.fuse.calls, world.fuse.at = 0, number
        await world.ask(lambda house: arrive(house, {**CUSTOMER, "padding": padding}))
        reached = world.fuse.calls >= number
        world.fuse.at = 0
        await world.pass_(days=KEPT.days, seconds=1)

        assert world.tables.tables.get("quarantine", {}) == {}, f"call {number}"
        assert world.blobs.blobs == {}, f"call {number}"
    assert number > 3


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["killed", "unavailable"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_wherever_a_purge_is_cut_short_the_next_one_ends_it(fault, moment):
    tables = await tables_of("crm")
    number, reached = 0, True
    while reached:
        number += 1
        world = World(Fuse(fault, moment), tables)
        await furnish(world.house)
        await arrive(world.house, {**CUSTOMER, "padding": PADDING})
        await world.house.line.sources.set_types("demo", HOOK, body({}))
        world.clock.pass_(days=KEPT.days, seconds=1)
        # Counted beforehand: the tick would count every hour of a week, and it is not its calls that are to fail.
        await roll_up(world.house.line, Pace.of(world.clock, timedelta(seconds=40)))
        world.fuse.calls, world.fuse.at = 0, number
        await world.tick()
        reached = world.fuse.calls >= number
        world.fuse.at = 0
        await world.pass_(minutes=1)

        assert world.tables.tables["quarantine"] == {}, f"call {number}"
        assert world.blobs.blobs == {}, f"call {number}"
    assert number > 10
