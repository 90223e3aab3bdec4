"""Keys from the first answer to the last refusal, on fakes of storage and time."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared import exact
from shared.access import roles, tokens
from shared.access.caller import DEPLOYMENT, Caller
from shared.access.keys import Keys
from shared.access.rights import Scope
from shared.access.roles import GRANTS, granted
from shared.errors import Forbidden, Invalid, NotFound, Unavailable
from shared.ports import Row, bytes_of
from shared.registry import Registry
from tests.access.making import BODY, RANDOM, body, refusal
from tests.fakes import FakeClock, FakeTables


class Away(FakeTables):
    """Tables that are away for now."""

    async def get(self, table: str, pk: str, rk: str) -> Row | None:
        raise Unavailable(f"Table {table} is away: no row {pk} {rk}.")


def granter(*scopes: Scope, events: frozenset[str] | None = None) -> Caller:
    return Caller("shop", frozenset(scopes), "k1", "console", "k1", events)


async def pointers(keys: Keys, sent: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        await keys.create("shop", sent, RANDOM)
    return [fault.pointer for fault in caught.value.faults]


async def test_a_new_key_answers_its_text_once(keys: Keys) -> None:
    answer = await keys.create("shop", body(), RANDOM)
    (listed,) = await keys.list("shop")

    assert tokens.parse(answer.pop("key")) == tokens.mint(RANDOM)
    assert answer == listed
    assert answer == {
        "id": tokens.mint(RANDOM).id,
        **BODY,
        "roles": [],
        "events": None,
        "origins": None,
        "perMinute": 60_000,
        "expiresAt": None,
        "createdAt": "2026-11-22T09:15:00.000Z",
        "revokedAt": None,
        "secrets": [{"number": 1, "createdAt": "2026-11-22T09:15:00.000Z", "revokedAt": None}],
    }


async def test_neither_text_nor_secret_is_stored(keys: Keys, tables: FakeTables) -> None:
    await keys.create("shop", body(), RANDOM)
    stored = repr(tables.tables)

    assert tokens.mint(RANDOM).id in stored
    assert tokens.mint(RANDOM).secret not in stored
    assert RANDOM.hex() not in stored


async def test_a_key_names_its_caller(keys: Keys) -> None:
    answer = await keys.create("shop", body(events=["orders.placed"]), RANDOM)

    assert await keys.authenticate(answer["key"]) == Caller(
        section="shop",
        scopes=frozenset({Scope.EVENTS_WRITE}),
        source_id=answer["id"],
        source="checkout",
        key_id=answer["id"],
        home="shop",
        events=frozenset({"orders.placed"}),
        trust="server",
    )


async def test_a_key_for_web_pages_is_trusted_less_and_is_for_these_pages(keys: Keys) -> None:
    wanted = body(scopes=["events:write"], events=["orders.placed"], origins=["https://shop.example"])

    caller = await keys.authenticate((await keys.create("shop", wanted, RANDOM))["key"])

    assert (caller.trust, caller.origins) == ("browser", frozenset({"https://shop.example"}))
    assert (caller.scopes, caller.events) == (frozenset({Scope.EVENTS_WRITE}), frozenset({"orders.placed"}))


async def test_a_key_may_do_what_its_roles_come_to_within_its_section(keys: Keys) -> None:
    may = []
    for section, random in (("shop", RANDOM), (DEPLOYMENT, RANDOM[::-1])):
        answer = await keys.create(section, body(scopes=None, roles=["operator"]), random)
        may.append((await keys.authenticate(answer["key"])).scopes)

    assert may == [granted(["operator"]) - {Scope.TICK}, granted(["operator"])]


async def test_a_role_is_kept_by_name_so_that_it_follows_its_table(
    keys: Keys, tables: FakeTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (await keys.create("shop", body(scopes=None, roles=["ingest"]), RANDOM))["key"]
    more = {**GRANTS, "ingest": frozenset({Scope.EVENTS_WRITE, Scope.EVENTS_READ})}
    monkeypatch.setattr(roles, "GRANTS", more)

    caller = await Keys(Registry(tables), FakeClock()).authenticate(key)

    assert caller.scopes == {Scope.EVENTS_WRITE, Scope.EVENTS_READ}


async def test_a_key_from_before_there_were_roles_has_its_scopes(keys: Keys, tables: FakeTables) -> None:
    key = (await keys.create("shop", body(), RANDOM))["key"]
    place = ("shop|key", tokens.mint(RANDOM).id)
    row = tables.tables["registry"][place]
    doc = exact.read(bytes_of(row, "doc"))
    del doc["roles"]
    tables.tables["registry"][place] = replace(row, values={"doc": exact.dumps(doc).encode()})

    assert (await keys.authenticate(key)).scopes == {Scope.EVENTS_WRITE}
    assert [one["roles"] for one in await keys.list("shop")] == [[]]


async def test_a_deployment_key_belongs_to_no_section(keys: Keys) -> None:
    answer = await keys.create(DEPLOYMENT, body(scopes=["sections:write"]), RANDOM)

    assert (await keys.authenticate(answer["key"])).section is None


async def test_a_key_that_was_used_before_costs_no_request(keys: Keys, tables: FakeTables) -> None:
    key = (await keys.create("shop", body(), RANDOM))["key"]
    await keys.authenticate(key)
    requests = tables.requests
    await keys.authenticate(key)

    assert tables.requests == requests


async def test_a_key_that_was_never_made_is_asked_for_once_and_then_not_for_a_moment(
    tables: FakeTables, clock: FakeClock
) -> None:
    keys, text = Keys(Registry(tables, clock.seconds), clock), tokens.mint(RANDOM).text

    await asyncio.gather(*(refusal(keys, text) for _ in range(50)))
    for _ in range(50):
        await refusal(keys, text)
    assert tables.requests == 1
    clock.pass_(seconds=2)
    await refusal(keys, text)
    assert tables.requests == 2


async def test_a_key_that_was_asked_for_too_early_works_elsewhere_within_two_seconds(
    tables: FakeTables, clock: FakeClock
) -> None:
    here, elsewhere = (Keys(Registry(tables, clock.seconds), clock) for _ in range(2))
    await refusal(elsewhere, tokens.mint(RANDOM).text)
    made = await here.create("shop", body(), RANDOM)

    assert (await here.authenticate(made["key"])).section == "shop"
    clock.pass_(seconds=2)
    assert (await elsewhere.authenticate(made["key"])).section == "shop"


async def test_a_flood_of_made_up_keys_pushes_none_out_of_memory_that_is_used(
    tables: FakeTables, clock: FakeClock
) -> None:
    keys = Keys(Registry(tables, clock.seconds), clock)
    good = (await keys.create("shop", body(), RANDOM))["key"]
    await keys.authenticate(good)
    before, made_up = tables.requests, 12_000

    for n in range(made_up):
        await refusal(keys, tokens.mint(n.to_bytes(tokens.RANDOM_BYTES, "little")).text)
        if n % 1_000 == 0:
            await keys.authenticate(good)

    assert tables.requests - before == made_up


async def test_a_key_for_web_pages_may_send_less_unless_it_says_otherwise(keys: Keys) -> None:
    page: dict[str, Any] = {"events": ["orders.placed"], "origins": ["https://shop.example"]}
    plain = await keys.create("shop", body(**page), RANDOM)
    slow = await keys.create("shop", body(**page, perMinute=10), RANDOM[::-1])

    assert [one["perMinute"] for one in (plain, slow)] == [6_000, 10]
    assert [(await keys.authenticate(one["key"])).per_minute for one in (plain, slow)] == [6_000, 10]


async def test_a_mistyped_key_costs_no_request(keys: Keys, tables: FakeTables) -> None:
    text = tokens.mint(RANDOM).text

    assert "checksum" in await refusal(keys, text[:-1] + ("0" if text[-1] != "0" else "1"))
    assert "Authorization: Bearer" in await refusal(keys, "")
    assert tables.requests == 0


async def test_a_guesser_cannot_tell_which_ids_exist(keys: Keys, clock: FakeClock) -> None:
    never_made = await refusal(keys, tokens.mint(bytes(tokens.RANDOM_BYTES)).text)
    answer = await keys.create("shop", body(expiresAt="2026-11-23T00:00:00Z"), RANDOM)
    wrong = tokens.remint(answer["id"], b"\x05" * tokens.SECRET_BYTES).text

    assert await refusal(keys, wrong) == never_made
    await keys.revoke("shop", answer["id"])
    assert await refusal(keys, wrong) == never_made
    clock.pass_(days=2)
    assert await refusal(keys, wrong) == never_made


async def test_storage_away_is_never_a_401(clock: FakeClock) -> None:
    with pytest.raises(Unavailable):
        await Keys(Registry(Away()), clock).authenticate(tokens.mint(RANDOM).text)


async def test_a_key_is_refused_from_its_expiry_on(keys: Keys, clock: FakeClock) -> None:
    key = (await keys.create("shop", body(expiresAt="2026-11-22T11:15:00+01:00"), RANDOM))["key"]
    clock.pass_(minutes=59)
    await keys.authenticate(key)
    clock.pass_(minutes=1)

    assert "expired" in await refusal(keys, key)


async def test_another_sections_key_does_not_exist(keys: Keys, secrets: Iterator[bytes]) -> None:
    answer = await keys.create("shop", body(), RANDOM)

    assert await keys.list("bank") == []
    with pytest.raises(NotFound):
        await keys.rotate("bank", answer["id"], next(secrets))
    with pytest.raises(NotFound):
        await keys.revoke("bank", answer["id"])
    assert (await keys.authenticate(answer["key"])).section == "shop"


async def test_nobody_hands_out_more_scopes_than_they_have(keys: Keys, secrets: Iterator[bytes]) -> None:
    by = granter(Scope.KEYS_WRITE, Scope.SOURCES_WRITE)

    with pytest.raises(Forbidden, match="people:read"):
        await keys.create("shop", body(scopes=["people:read", "keys:write"]), RANDOM, by=by)
    id = (await keys.create("shop", body(scopes=["people:read"]), RANDOM))["id"]
    with pytest.raises(Forbidden, match="people:read"):
        await keys.rotate("shop", id, next(secrets), by=by)
    assert await keys.create("shop", body(scopes=["sources:read"]), RANDOM[::-1], by=by)


async def test_nobody_hands_out_more_events_than_they_have(keys: Keys, secrets: Iterator[bytes]) -> None:
    by = granter(Scope.KEYS_WRITE, Scope.EVENTS_WRITE, events=frozenset({"orders.placed"}))

    for events in (None, ["orders.placed", "orders.cancelled"]):
        with pytest.raises(Forbidden, match="limited"):
            await keys.create("shop", body(events=events), RANDOM, by=by)
    answer = await keys.create("shop", body(events=["orders.placed"]), RANDOM, by=by)
    assert await keys.rotate("shop", answer["id"], next(secrets), by=by)


async def test_nobody_hands_out_a_role_that_grants_more_than_they_have(
    keys: Keys, secrets: Iterator[bytes]
) -> None:
    by = granter(Scope.KEYS_WRITE, *granted(["developer"]))

    with pytest.raises(Forbidden, match="operate"):
        await keys.create("shop", body(scopes=None, roles=["operator"]), RANDOM, by=by)
    id = (await keys.create("shop", body(scopes=None, roles=["operator"]), RANDOM))["id"]
    with pytest.raises(Forbidden, match="operate"):
        await keys.rotate("shop", id, next(secrets), by=by)
    assert await keys.create("shop", body(scopes=None, roles=["developer"]), RANDOM[::-1], by=by)


async def test_a_key_that_may_do_nothing_and_a_page_s_key_with_a_role_are_refused(keys: Keys) -> None:
    page = {"events": ["orders.placed"], "origins": ["https://shop.example"]}

    assert await pointers(keys, body(scopes=None)) == ["/scopes"]
    assert await pointers(keys, body(**page, roles=["ingest"])) == ["/roles"]
    assert await pointers(keys, body(**page, roles=["ingest"], scopes=None)) == ["/roles", "/scopes"]


async def test_a_section_key_cannot_have_a_scope_beyond_its_section(keys: Keys) -> None:
    assert await pointers(keys, body(scopes=["events:write", "sections:write"])) == ["/scopes/1"]


async def test_all_faults_come_at_once(keys: Keys) -> None:
    sent = {
        "scopes": ["events:write", "everything"],
        "source": "",
        "expiresAt": "2020-01-01T00:00:00Z",
        "events": [],
        "trust": "browser",
    }

    assert sorted(await pointers(keys, sent)) == [
        "/events",
        "/expiresAt",
        "/name",
        "/scopes/1",
        "/source",
        "/trust",
    ]


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("scopes", [], "/scopes"),
        ("scopes", [1], "/scopes/0"),
        ("scopes", [{}], "/scopes/0"),
        ("scopes", "events:write", "/scopes"),
        ("roles", [], "/roles"),
        ("roles", ["root"], "/roles/0"),
        ("roles", ["events:read"], "/roles/0"),
        ("roles", "admin", "/roles"),
        ("events", ["Orders.Placed"], "/events/0"),
        ("events", ["a.b", "placed"], "/events/1"),
        ("expiresAt", "2027-01-01", "/expiresAt"),
        ("expiresAt", "2027-01-01T00:00:00", "/expiresAt"),
        ("expiresAt", "2026-11-22T09:15:00Z", "/expiresAt"),
        ("expiresAt", "9999-12-31T23:59:59-12:00", "/expiresAt"),
        ("expiresAt", 1, "/expiresAt"),
    ],
)
async def test_a_wrong_member_is_refused_where_it_is(
    keys: Keys, member: str, value: Any, pointer: str
) -> None:
    assert await pointers(keys, body(**{member: value})) == [pointer]


async def test_a_scope_that_only_a_newer_version_knows_gives_nothing(keys: Keys, tables: FakeTables) -> None:
    key = (await keys.create("shop", body(scopes=["events:write", "operate"]), RANDOM))["key"]
    for place, row in tables.tables["registry"].items():
        doc = row.values["doc"]
        assert isinstance(doc, bytes)
        values = {"doc": doc.replace(b'"operate"', b'"tomorrow"')}
        tables.tables["registry"][place] = Row(row.pk, row.rk, values, row.etag)

    assert (await keys.authenticate(key)).scopes == {Scope.EVENTS_WRITE}


async def test_a_half_made_key_is_unknown(keys: Keys, tables: FakeTables) -> None:
    key = (await keys.create("shop", body(), RANDOM))["key"]
    await tables.delete("registry", "shop|key", tokens.mint(RANDOM).id)

    assert "not known" in await refusal(keys, key)


async def test_a_key_that_replaces_another_is_the_same_sender(keys: Keys) -> None:
    first = await keys.create("demo", body(), RANDOM)
    second = await keys.create("demo", body(replaces=first["id"]), RANDOM[::-1])
    other = await keys.create("demo", body(), bytes([7]) * tokens.RANDOM_BYTES)

    callers = [await keys.authenticate(one["key"]) for one in (first, second, other)]

    assert callers[0].source_id == callers[1].source_id
    assert callers[0].source_id != callers[2].source_id


async def test_a_key_cannot_replace_one_that_is_not_there(keys: Keys) -> None:
    with pytest.raises(Invalid):
        await keys.create("demo", body(replaces="a" * 16), RANDOM)
