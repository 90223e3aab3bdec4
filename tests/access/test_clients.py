"""Clients from their registration to the last refusal, on fakes of storage, issuer and time."""

from typing import Any

import pytest

from shared import exact
from shared.access import tokens
from shared.access.caller import A_CALLER, DEPLOYMENT, Caller
from shared.access.clients import Clients
from shared.access.entra import Entra
from shared.access.keys import Keys
from shared.access.rights import Scope
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from shared.registry import CACHE_SECONDS, Registry
from tests.access.issuing import CLIENT, ISSUER, PlayedIssuer
from tests.access.test_keys import Away
from tests.fakes import FakeClock, FakeTables

BODY = {"id": CLIENT, "name": "ERP", "scopes": ["events:write", "definitions:write"], "source": "erp"}
OTHER = "11111111-2222-4333-8444-555566667777"


def body(**members: Any) -> Any:
    return exact.loads(exact.dumps({**BODY, **members}))


@pytest.fixture
def clients(tables: FakeTables, issuer: PlayedIssuer, clock: FakeClock) -> Clients:
    return Clients(Registry(tables, clock.seconds), clock, Entra(ISSUER, issuer, clock))


async def test_a_registered_client_is_listed_as_it_was_answered(clients):
    answer = await clients.create("shop", body(id=CLIENT.upper()))

    assert answer == {
        **BODY,
        "events": None,
        "perMinute": A_CALLER,
        "createdAt": "2026-11-22T09:15:00.000Z",
        "revokedAt": None,
    }
    assert await clients.list("shop") == [answer]
    assert await clients.list("bank") == []


async def test_a_registered_client_is_let_in_with_what_token_and_registration_both_give(clients, issuer):
    await clients.create("shop", body(events=["orders.placed"], perMinute=120))

    caller = await clients.authenticate(issuer.token("ingest", "definitions:read", "people:read"), "shop")

    assert caller == Caller(
        section="shop",
        scopes=frozenset({Scope.EVENTS_WRITE, Scope.DEFINITIONS_READ}),
        source_id=CLIENT,
        source="erp",
        key_id=CLIENT,
        home="shop",
        events=frozenset({"orders.placed"}),
        per_minute=120,
    )


async def test_a_token_without_a_role_that_is_registered_may_do_nothing(clients, issuer):
    await clients.create("shop", body())
    for token in (issuer.token(), issuer.token("privacy-officer"), issuer.token(roles=None)):
        caller = await clients.authenticate(token, "shop")
        with pytest.raises(Forbidden, match="events:write"):
            caller.require(Scope.EVENTS_WRITE)


@pytest.mark.parametrize("section", ["bank", "nosuch", "Shop", "", "shop|key", "*", "shop\n"])
async def test_a_section_where_it_is_not_registered_does_not_exist_for_it(clients, issuer, section):
    await clients.create("shop", body())

    with pytest.raises(NotFound):
        await clients.authenticate(issuer.token("admin"), section)


async def test_a_registration_belongs_to_one_client(clients, issuer):
    await clients.create("shop", body(id=OTHER))

    with pytest.raises(NotFound, match="POST /v1/clients"):
        await clients.authenticate(issuer.token("admin"), "shop")


async def test_a_client_names_its_section(clients, issuer):
    await clients.create("shop", body())

    with pytest.raises(Forbidden, match="Signalbox-Section"):
        await clients.authenticate(issuer.token("ingest"), None)


async def test_a_client_of_the_deployment_reaches_every_section_and_what_lies_beyond(clients, issuer):
    await clients.create(DEPLOYMENT, body(scopes=["tick", "events:write"]))

    anywhere = await clients.authenticate(issuer.token("operator", "ingest"), None)

    assert (anywhere.section, anywhere.scopes) == (None, {Scope.TICK, Scope.EVENTS_WRITE})
    assert (await clients.authenticate(issuer.token("operator"), "shop")).section is None


async def test_what_a_section_says_of_a_client_comes_before_what_the_deployment_says(clients, issuer):
    await clients.create(DEPLOYMENT, body())
    await clients.create("shop", body(source="shop's erp"))
    await clients.revoke("shop", CLIENT)

    with pytest.raises(Unauthenticated):
        await clients.authenticate(issuer.token("ingest"), "shop")
    assert (await clients.authenticate(issuer.token("ingest"), "bank")).source == "erp"


async def test_a_scope_beyond_sections_is_for_clients_of_the_deployment(clients):
    with pytest.raises(Invalid) as caught:
        await clients.create("shop", body(scopes=["events:write", "tick"]))

    assert [fault.pointer for fault in caught.value.faults] == ["/scopes/1"]


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"id": "not-a-guid"}, "/id"),
        ({"id": 5}, "/id"),
        ({"id": CLIENT + "\n"}, "/id"),
        ({"id": CLIENT + "|x"}, "/id"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["admin"]}, "/scopes/0"),
        ({"events": []}, "/events"),
        ({"events": ["Not An Event"]}, "/events/0"),
        ({"secret": "x"}, "/secret"),
        ({"perMinute": 0}, "/perMinute"),
        ({"replaces": "nosuch"}, "/replaces"),
    ],
    ids=str,
)
async def test_a_body_that_is_no_client_is_refused_with_where(clients, changes, at):
    with pytest.raises(Invalid) as caught:
        await clients.create("shop", body(**changes))

    assert [fault.pointer for fault in caught.value.faults] == [at]


async def test_a_client_is_registered_once(clients):
    await clients.create("shop", body())

    with pytest.raises(Conflict):
        await clients.create("shop", body(name="another"))
    await clients.create("bank", body())


async def test_a_revoked_client_is_refused_here_and_elsewhere_within_seconds(clients, issuer, tables, clock):
    await clients.create("shop", body())
    elsewhere = Clients(Registry(tables, clock.seconds), clock, Entra(ISSUER, issuer, clock))
    await elsewhere.authenticate(issuer.token("ingest"), "shop")

    first = await clients.revoke("shop", CLIENT)
    clock.pass_(seconds=CACHE_SECONDS)

    assert first["revokedAt"] == "2026-11-22T09:15:00.000Z"
    assert (await clients.revoke("shop", CLIENT)) == first
    for one in (clients, elsewhere):
        with pytest.raises(Unauthenticated, match="revoked"):
            await one.authenticate(issuer.token("ingest"), "shop")


async def test_a_revoked_client_may_be_registered_again_with_other_rights(clients, issuer):
    await clients.create("shop", body())
    await clients.revoke("shop", CLIENT)

    again = await clients.create("shop", body(scopes=["events:read"]))

    assert again["revokedAt"] is None
    caller = await clients.authenticate(issuer.token("events:read", "ingest"), "shop")
    assert caller.scopes == {Scope.EVENTS_READ}


@pytest.mark.parametrize("id", [OTHER, "nosuch", "*"])
async def test_what_is_not_registered_cannot_be_revoked(clients, id):
    with pytest.raises(NotFound):
        await clients.revoke("shop", id)


async def test_nobody_registers_a_client_for_more_than_they_may_do_themselves(clients):
    by = Caller("shop", frozenset({Scope.EVENTS_WRITE, Scope.KEYS_WRITE}), "k", "console", "k")
    limited = Caller("shop", frozenset(Scope), "k", "console", "k", frozenset({"orders.placed"}))

    with pytest.raises(Forbidden, match="definitions:write"):
        await clients.create("shop", body(), by=by)
    with pytest.raises(Forbidden, match="some events"):
        await clients.create("shop", body(), by=limited)
    assert await clients.list("shop") == []
    await clients.create("shop", body(events=["orders.placed"]), by=limited)


async def test_a_client_that_takes_a_keys_place_goes_on_with_its_idempotency_keys(
    clients, tables, issuer, clock
):
    key = await Keys(Registry(tables), clock).create("shop", body_of_key(), bytes(range(tokens.RANDOM_BYTES)))
    await clients.create("shop", body(replaces=key["id"]))

    assert (await clients.authenticate(issuer.token("ingest"), "shop")).source_id == key["id"]


def body_of_key() -> Any:
    return exact.loads('{"name": "ERP", "scopes": ["events:write"], "source": "erp"}')


async def test_storage_that_is_away_is_an_outage_and_no_refusal(issuer, clock):
    clients = Clients(Registry(Away()), clock, Entra(ISSUER, issuer, clock))

    with pytest.raises(Unavailable):
        await clients.authenticate(issuer.token("ingest"), "shop")


async def test_a_wrong_token_costs_storage_nothing(clients, tables, issuer):
    with pytest.raises(Unauthenticated):
        await clients.authenticate(issuer.token("ingest", aud="api://another"), "shop")

    assert tables.requests == 0


async def test_where_no_issuer_is_set_no_token_is_taken(tables, issuer, clock):
    clients = Clients(Registry(tables), clock, None)

    with pytest.raises(Unauthenticated, match="operator"):
        await clients.authenticate(issuer.token("ingest"), "shop")


async def test_a_client_is_everywhere_where_it_is_registered_and_not_where_it_was_revoked(clients, issuer):
    for section in (DEPLOYMENT, "bank"):
        await clients.create(section, body(source=section or "all"))
    await clients.revoke("bank", CLIENT)

    found = await clients.everywhere(issuer.token("ingest"), ["bank", "shop"])

    assert {section: (one.section, one.home) for section, one in found.items()} == {
        "shop": ("shop", DEPLOYMENT)
    }


async def test_whoever_asks_again_and_again_where_it_is_registered_is_looked_up_once(
    clients, issuer, tables, clock
):
    sections = [f"section-{n}" for n in range(500)]
    for _ in range(3):
        with pytest.raises(Forbidden):
            await clients.everywhere(issuer.token("ingest"), sections)
    asked = tables.requests

    await clients.create("section-7", body())
    clock.pass_(seconds=CACHE_SECONDS + 1)

    assert asked == 501
    assert [*await clients.everywhere(issuer.token("ingest"), sections)] == ["section-7"]
