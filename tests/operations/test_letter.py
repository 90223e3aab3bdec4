"""A dead letter is read with what came back and what was sent, and whoever reads it learns nobody's address by that."""

import json
from dataclasses import replace

import pytest

from shared import documents, exact, times
from shared.access.rights import Scope
from shared.destinations import load
from shared.errors import NotFound
from shared.event import Stored
from shared.operations import letter
from shared.ports import Answer, Outgoing
from shared.routing.destinations import Target
from shared.routing.routes import Route
from shared.stages.build import attempt, fingerprint
from shared.stages.gate import Sending
from shared.stores.trail import Delivery, Status
from tests.destinations.cases import CASES, name, read
from tests.house import OK, body, build

BAD = Answer(400, {}, b'{"error":"Ada@example.com has no order A-17733"}')
NUMBER = "A-17733"


async def dead(*answers, answer=BAD, **changes):
    house = await build(answer, *answers).furnish()
    properties = {"orderId": NUMBER, "totalValue": 42.5, "currency": "EUR", **changes}
    id = await house.accept(properties=properties)
    await house.work()
    return house, id


async def read_letter(house, id, *scopes, route="rt-crm"):
    caller = replace(house.caller, scopes=frozenset({Scope.OPERATE, *scopes}))
    return await letter.letter(house.line, caller, f"{id}_{route}")


async def test_it_tells_what_came_back_and_the_request_without_values():
    house, id = await dead()

    told = await read_letter(house, id)

    assert (told["status"], told["cause"], told["replays"]) == ("dead", "rejected", 0)
    [one] = told["attempts"]
    assert (one["statusCode"], one["answer"]) == (400, '{"error":"[value] has no order [value]"}')
    assert (told["comparedWithLast"], told["withoutRequest"]) == ("same", None)
    assert (told["request"]["method"], told["request"]["url"]) == ("POST", "https://crm.example.com/hook")
    assert "webhook-signature" in told["request"]["headers"]
    seen = json.loads(told["request"]["body"])
    assert seen["type"] == "transactions.order-placed"
    assert seen["data"]["properties"].keys() == {"orderId", "totalValue", "currency"}
    assert seen["data"]["properties"]["currency"] == "EUR"
    assert "@" in seen["data"]["person"]["email"]
    for value in ("ada@example.com", NUMBER, "42.5"):
        assert value not in str(told)


async def test_who_may_read_events_sees_their_values_and_still_nobodys_address():
    house, id = await dead(currency="see ADA@example.com")

    told = await read_letter(house, id, Scope.EVENTS_READ)

    seen = json.loads(told["request"]["body"])["data"]
    assert (seen["properties"]["orderId"], seen["properties"]["totalValue"]) == (NUMBER, 42.5)
    assert "ada@example.com" not in str(told).lower()
    assert told["attempts"][0]["answer"] == f'{{"error":"[value] has no order {NUMBER}"}}'


async def test_a_caller_of_other_events_sees_no_values():
    house, id = await dead()
    house.caller = replace(house.caller, events=frozenset({"signals.other"}))

    assert NUMBER not in str(await read_letter(house, id, Scope.EVENTS_READ))


async def test_nothing_is_sent_and_no_token_asked_for():
    house, id = await dead()
    sent = len(house.http.requests)

    await read_letter(house, id)

    assert len(house.http.requests) == sent
    assert house.identity.asked == []


async def test_what_was_changed_since_is_told():
    house, id = await dead()
    assert (await read_letter(house, id))["comparedWithLast"] == "same"

    await house.line.routes.change("demo", "rt-crm", body({"mapping": {"number": "properties.orderId"}}))
    house.clock.pass_(seconds=30)

    told = await read_letter(house, id)
    assert told["comparedWithLast"] == "changed"
    assert [*json.loads(told["request"]["body"])["data"]["properties"]] == ["number"]


async def test_an_attempt_that_has_no_end_was_sent_and_nobody_knows_what():
    house, id = await dead(answer=Answer(204, {}, b""))
    delivery = await house.delivery(id)
    last = replace(delivery.attempts[-1], request=None)
    await house.line.receipts.save(
        "demo", replace(delivery, status=Status.HELD, cause="outcome_unknown", attempts=(last,))
    )

    assert (await read_letter(house, id))["comparedWithLast"] == "unknown"


async def test_what_cannot_be_built_says_why():
    house, id = await dead()
    await house.line.routes.change("demo", "rt-crm", body({"mapping": {"number": "abs(properties.orderId)"}}))

    told = await read_letter(house, id)

    assert (told["request"], told["comparedWithLast"]) == (None, "unknown")
    assert told["withoutRequest"]


@pytest.mark.parametrize("id", ["x", "x_y", "01a2033d-2f27-8000-bd1f-8d9dc3752380_rt-crm"])
async def test_what_is_not_there_is_not_found(id):
    house, _ = await dead()

    with pytest.raises(NotFound):
        await letter.letter(house.line, house.caller, id)


async def test_what_was_delivered_is_no_dead_letter():
    house, id = await dead(answer=OK)

    with pytest.raises(NotFound, match="it is delivered"):
        await read_letter(house, id)


async def test_dead_letters_are_counted_by_cause_and_destination():
    house = await build(BAD, Answer(302, {}, b""), BAD, BAD).furnish()
    await house.add_destination("shop")
    await house.add_route("shop")
    began = house.clock.now()
    for n in range(2):
        await house.accept(id=f"order-{n}")
    await house.work()

    groups = await house.line.dead_letters.groups("demo")

    assert sum(one["count"] for one in groups) == 4
    assert (groups[0]["cause"], groups[0]["count"]) == ("redirected", 1)
    assert {(one["cause"], one["destination"]) for one in groups[1:]} == {
        ("rejected", "crm"),
        ("rejected", "shop"),
    }
    assert [one["count"] for one in groups[1:]] == [2, 1]
    assert {one["oldest"] for one in groups} == {times.text(began)}


SENT = [case for case in CASES if "expected" in read(case)]


@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize("case", SENT, ids=name)
def test_of_any_kind_a_request_is_seen_and_nobody_in_it(case, values):
    facts = read(case)
    sending, delivery = _sending(case.parent.name, facts)
    now = times.parse(facts["now"])
    real = attempt(delivery, sending, now)
    assert isinstance(real, Outgoing)

    seen = letter._seen(delivery, sending, now, values=values)

    assert seen is not None
    assert seen.method == real.method
    text = f"{seen.url.partition('?')[0]} {seen.body.decode()}".casefold()
    hidden = [*letter._person(sending), *facts["secrets"].values()]
    assert [one for one in hidden if one.casefold() in text] == []


def _sending(kind, facts):
    plugin = load(kind)
    event = documents.read_event(exact.dumps(facts["event"]["document"]).encode())
    if "properties" in facts:
        event = replace(event, properties=facts["properties"])
    settings = plugin.settings.model_validate(facts["settings"])
    target = Target("there", kind, settings, facts["secrets"], "active")
    route = Route("rt", event.event, "there", event.purpose, None, "active")
    stored = Stored(facts["event"]["id"], event)
    sending = Sending(stored, route, target, plugin, identifiers=facts.get("identifiers", {}))
    return sending, Delivery(stored.id, "rt", "there", event.purpose, attempt=1)


def test_a_fingerprint_is_that_of_what_arrives_and_not_of_how_it_was_signed():
    one = Outgoing("POST", "https://a.example/x", {"webhook-signature": "v1,abc"}, b"{}")
    key = b"k" * 32

    assert fingerprint(key, one) == fingerprint(key, replace(one, headers={}))
    others = [replace(one, body=b"{ }"), replace(one, method="PUT"), replace(one, url="https://a.example/")]
    assert len({fingerprint(key, other) for other in (one, *others)}) == 4
    assert fingerprint(key, one) != fingerprint(b"l" * 32, one)
    assert len(fingerprint(key, one)) == 16
