"""What a browser sends can be forged: it is stored and counted, and starts only what its definition lets it."""

from dataclasses import replace

from tests.house import OK, ORDER, body, build

EVENT = "web.page-viewed"
PERSON = {"email": "ada@example.com"}


async def furnished(from_browsers):
    house = await build(OK, OK, OK).furnish()
    definition = {**ORDER, "event": EVENT, "fromBrowsers": from_browsers}
    await house.line.definitions.create("demo", body(definition))
    await house.add_route("crm", id="rt-web", event=EVENT)
    return house, replace(house.caller, trust="browser", key_id="page", source_id="page")


async def posted(house, caller, **changes):
    house.caller = caller
    accepted = await house.accept(**{"event": EVENT, "person": PERSON, **changes})
    await house.work()
    return await house.line.receipts.trail("demo", accepted)


def routed(trail):
    [step] = [one for one in trail.steps if one.name == "route"]
    return step.outcome, step.reason


async def test_it_is_stored_and_starts_nothing():
    house, browser = await furnished("store")

    trail = await posted(house, browser)

    assert routed(trail) == ("skipped", "untrusted")
    assert (trail.deliveries, house.http.requests) == ((), [])


async def test_where_the_definition_lets_it_it_is_delivered():
    house, browser = await furnished("start")

    trail = await posted(house, browser)

    assert [one.status for one in trail.deliveries] == ["delivered"]


async def test_the_same_event_of_a_server_is_delivered_in_any_case():
    house, _ = await furnished("store")

    trail = await posted(house, house.caller)

    assert [one.status for one in trail.deliveries] == ["delivered"]


async def test_it_makes_nobody_up_and_adds_nothing_to_anybody():
    house, browser = await furnished("start")
    server = house.caller
    known = await posted(house, server)

    found = await posted(house, browser, id="2", person={**PERSON, "deviceId": "a device of somebody else"})
    nobody = await posted(house, browser, id="3", person={"email": "new@example.com"})

    section = await house.line.sections.read("demo")
    assert found.person == known.person
    assert nobody.person is None
    assert (await house.line.people.read(section, known.person))["identifiers"] == [
        {"kind": "email", "value": "ada@example.com"}
    ]


async def test_an_address_that_has_opted_out_is_sent_nothing_though_nobody_is_known_by_it():
    house, browser = await furnished("start")
    section = await house.line.sections.read("demo")
    refusal = {**PERSON, "purpose": ORDER["purpose"], "state": "opted_out"}
    await house.line.consents.set(section, body(refusal))

    trail = await posted(house, browser)

    assert [one.status for one in trail.deliveries] == ["refused"]
    assert house.http.requests == []
