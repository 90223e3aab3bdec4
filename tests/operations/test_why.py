"""Why: of each event of a person the answer names the rule that stopped it, and what to do."""

from dataclasses import replace

import pytest

from shared.errors import Invalid, UnknownType
from shared.ids import keyed_hash
from shared.operations.why import MOST_EXPLAINED, why
from shared.ports import Answer, NoAnswer
from shared.sources import Received
from shared.stores.reasons import Reason
from tests.house import OK, ORDER, body, build, order

EVENT = ORDER["event"]
ADA = {"email": "ada@example.com"}
BAD, LATER = Answer(400, {}, b""), Answer(503, {}, b"")


async def asked(house, **wanted):
    return await why(house.line, house.caller, body({"person": ADA, **wanted}))


async def with_order(*answers, **changes):
    """A house in which somebody is known, and an order of theirs that has ended."""
    house = await build(OK, *answers).furnish()
    await house.accept(id="first")
    await house.work()
    house.clock.pass_(seconds=11)
    await house.accept(id="second", **changes)
    await house.work()
    return house


async def newest(house, **wanted):
    return (await asked(house, **wanted))["events"][0]


async def opt_out(house):
    said = {**ADA, "purpose": "marketing", "state": "opted_out", "reason": "asked"}
    await house.line.consents.set(await house.line.sections.read("demo"), body(said))


async def test_what_arrived_says_where_and_when():
    house = await with_order(OK)

    told = await newest(house)

    [way] = told["ways"]
    assert (told["rule"], way["reached"], way["rule"]) == (None, True, None)
    assert told["detail"] == way["detail"] == "Reached crm at 2026-11-22T09:15:11.000Z."


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (BAD, "dead.rejected"),
        (LATER, "retrying.server_error"),
        (NoAnswer("unresolved"), "retrying.unresolved"),
    ],
)
async def test_what_a_destination_did_not_take_names_its_cause(answer, rule):
    house = await with_order(answer)

    told = await newest(house)

    assert (told["rule"], told["ways"][0]["rule"]) == (rule, rule)
    assert "reached crm yet" in told["detail"] or told["detail"].startswith("Did not reach crm.")


async def test_a_test_event_started_nothing():
    told = await newest(await with_order(test=True))

    assert (told["rule"], told["ways"][0]["rule"]) == ("test", "test")
    assert told["detail"] == Reason.TEST.sentence


async def test_a_stale_event_started_nothing():
    house = await build(OK).furnish()
    await house.line.definitions.create("demo", body({**ORDER, "event": "old.news", "staleAfterHours": 1}))
    await house.line.routes.create("demo", body({"event": "old.news", "destination": "crm"}), "rt-old")
    await house.accept(id="first")
    await house.accept(id="late", event="old.news", occurredAt="2026-11-22T06:00:00Z")
    await house.work()

    told = await newest(house, event="old.news")

    assert (told["rule"], told["ways"][0]["rule"]) == ("stale", "stale")


async def test_who_opted_out_was_not_sent_to():
    house = await build(OK).furnish()
    await house.accept(id="first")
    await house.work()
    await opt_out(house)
    house.clock.pass_(seconds=11)
    await house.accept(id="second")
    await house.work()

    told = await newest(house)

    assert told["rule"] == "opted_out"
    assert told["detail"] == "Not sent to crm: the person has opted out of marketing."


async def test_a_condition_that_is_not_met_is_named_with_what_it_asks_for():
    large = {"field": "properties.totalValue", "is": "at-least", "value": 100}
    euro = {"field": "properties.currency", "is": "equals", "value": "EUR"}
    house = await build(OK).furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    await house.add_destination("erp")
    await house.add_route("erp", condition={"all": [large, euro]})
    await house.accept()
    await house.work()

    told = await newest(house, destination="erp")

    [way] = told["ways"]
    assert (told["rule"], way["rule"]) == ("no_condition_met", "no_condition_met")
    assert [one["field"] for one in way["unmet"]] == ["properties.totalValue"]
    assert "asks for properties.totalValue at-least" in told["detail"]
    assert "100" not in told["detail"]


async def test_of_a_condition_s_alternatives_each_is_named_and_of_a_negation_what_it_negates():
    one = {"field": "source", "is": "equals", "value": "erp"}
    other = {"not": {"field": "properties.currency", "is": "equals", "value": "EUR"}}
    house = await build(OK).furnish()
    await house.add_destination("erp")
    await house.add_route("erp", condition={"any": [one, other]})
    await house.accept()
    await house.work()

    [way] = (await newest(house, destination="erp"))["ways"]

    assert way["unmet"] == body([one, other])


async def test_a_paused_route_one_for_other_versions_and_a_later_one_are_told_apart():
    house = await build(OK, OK).furnish()
    await house.add_destination("erp")
    await house.line.routes.set_status("demo", await house.add_route("erp", "rt-paused"), "paused")
    definition = await house.line.definitions.read("demo", EVENT)
    added = await house.line.definitions.add_version("demo", EVENT, body({"fields": ORDER["fields"]}))
    await house.accept(version=definition["version"]["id"])
    await house.work()
    house.clock.pass_(seconds=11)
    await house.add_route("erp", "rt-other", versions=[added["version"]["id"]])
    await house.add_route("erp", "rt-later")

    told = await newest(house)

    assert {one["route"]: one["rule"] for one in told["ways"]} == {
        "rt-crm": None,
        "rt-paused": "route_paused",
        "rt-other": "other_version",
        "rt-later": "route_later",
    }
    assert told["rule"] is None


async def test_without_a_way_there_no_route_is_the_rule():
    house = await with_order(OK)
    await house.add_destination("erp")

    told = await newest(house, destination="erp")

    assert (told["rule"], told["ways"], told["detail"]) == ("no_route", [], Reason.NO_ROUTE.sentence)


async def test_what_waits_for_a_paused_destination_or_section_says_for_which():
    house = await build(OK).furnish()
    await house.accept(id="first")
    await house.work()
    await house.line.destinations.set_status("demo", "crm", "paused")
    house.clock.pass_(seconds=11)
    await house.accept(id="second")
    await house.work()
    assert (await newest(house))["rule"] == "destination_paused"

    await house.line.sections.set_status("demo", "paused")

    assert (await newest(house))["rule"] == "section_paused"


async def test_where_no_event_came_it_says_so():
    house = await with_order(OK)

    told = await asked(house, since="2026-11-22T10:00:00Z", until="2026-11-22T11:00:00Z")

    assert (told["events"], told["rule"], told["detail"]) == ([], "no_event", Reason.NO_EVENT.sentence)
    assert told["personId"]


async def test_who_is_not_known_is_nobody():
    house = await build().furnish()
    await house.accept(test=True)
    await house.work()

    told = await asked(house)

    assert (told["personId"], told["rule"], told["detail"]) == (None, "nobody", Reason.NOBODY.sentence)
    assert house.rows("people") == []


async def test_only_the_events_asked_about_are_told_newest_first():
    house = await build(*[OK] * 30).furnish()
    await house.line.definitions.create("demo", body({**ORDER, "event": "other.thing"}))
    await house.accept(id="other", event="other.thing")
    ids = []
    for n in range(MOST_EXPLAINED + 2):
        house.clock.pass_(minutes=1)
        ids.append(await house.accept(id=f"order-{n}"))
    await house.work()

    told = await asked(house, event=EVENT)
    some = await asked(house, event=EVENT, since="2026-11-22T09:17:00Z", until="2026-11-22T09:18:00Z")

    assert [one["id"] for one in told["events"]] == ids[::-1][:MOST_EXPLAINED]
    assert told["more"] is True
    assert ([one["id"] for one in some["events"]], some["more"]) == (ids[1:3][::-1], False)


async def test_a_caller_sees_only_the_events_that_are_its_own():
    house = await with_order(OK)
    house.caller = replace(house.caller, events=frozenset({"other.thing"}))

    assert (await asked(house))["events"] == []


async def test_a_webhook_in_quarantine_that_mentions_the_person_is_told():
    house = await with_order(OK)
    section = await house.line.sections.read("demo")
    request = Received("POST", "/v1/hooks/x", {}, b"{}")
    mention = keyed_hash(section.hash_key, "identifier", "email", "ada@example.com")
    for events in ({}, {EVENT: 1}, {"other.thing": 1}):
        refusal = UnknownType("No such type.")
        item = house.line.quarantine.item("0" * 32, request, refusal, [], [mention], events)
        await house.line.quarantine.keep("demo", item)

    assert len((await asked(house, event=EVENT))["quarantine"]) == 2
    assert len((await asked(house))["quarantine"]) == 3
    assert (await asked(house, since="2026-11-21T00:00:00Z", until="2026-11-22T00:00:00Z"))[
        "quarantine"
    ] == []


async def test_what_the_api_refused_of_the_definition_meanwhile_is_counted():
    house = await with_order(OK)
    await house.post(id="wrong", properties={})
    await house.line.checker.refusals.idle()
    await house.pass_(hours=1)
    await house.post(id="wrong too", properties={})
    await house.line.checker.refusals.idle()

    assert (await asked(house, event=EVENT))["refused"]["count"] == 2
    assert (await asked(house, event=EVENT, until="2026-11-22T09:59:00Z"))["refused"]["count"] == 1
    assert (await asked(house))["refused"] is None


async def test_an_event_past_its_retention_is_left_out():
    house = await with_order(OK)
    house.tables.tables["events"] = {}

    told = await asked(house)

    assert (told["events"], told["rule"]) == ([], "no_event")


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ({"person": {}}, "/person"),
        ({"person": {"email": "nobody"}}, "/person/email"),
        ({"event": "no.such"}, "/event"),
        ({"destination": "nowhere"}, "/destination"),
        ({"since": "2026-11-22T10:00:00Z", "until": "2026-11-22T09:00:00Z"}, "/since"),
        ({"since": "yesterday"}, "/since"),
    ],
)
async def test_what_cannot_be_looked_for_is_refused_with_its_place(wanted, where):
    house = await build().furnish()

    with pytest.raises(Invalid) as refusal:
        await asked(house, **wanted)

    assert [fault.pointer for fault in refusal.value.faults] == [where]


@pytest.mark.parametrize(
    "span",
    [
        {"since": "0001-01-01T00:00:00Z"},
        {"until": "9999-12-31T23:59:59Z"},
        {"until": "0001-01-01T00:00:00Z"},
        {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"},
    ],
)
async def test_any_time_can_be_asked_about(span):
    house = await with_order(OK)

    told = await asked(house, **span)

    assert len(told["events"]) == (0 if span.get("until", "").startswith("0001") else 2)


async def test_nothing_of_the_person_stands_in_a_sentence():
    house = await with_order(BAD, person={**ADA, "mobile": "+46701740605"})

    told = await asked(house)

    assert order()["person"]["email"] not in str(told)
    assert "46701740605" not in str(told)
