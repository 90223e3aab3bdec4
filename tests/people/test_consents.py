"""Consent belongs to an address: what it opted out of does not leave for it, whoever it is about."""

from dataclasses import dataclass

import pytest

from shared.access.sections import Section
from shared.errors import Invalid
from shared.event import Person
from tests.house import House, body, build


@dataclass
class Desk:
    """The consents of a furnished section."""

    house: House
    section: Section

    @classmethod
    async def open(cls):
        house = await build().furnish()
        return cls(house, await house.line.sections.read("demo"))

    async def say(self, state="opted_out", purpose="marketing", **address):
        doc = {**(address or {"email": "ada@example.com"}), "purpose": purpose, "state": state}
        return await self.house.line.consents.set(self.section, body(doc))

    async def refused(self, *purposes, **person):
        sent = Person(**(person or {"email": "ada@example.com"}))
        return (await self.house.line.people.refused(self.section, None, sent)) & set(
            purposes or ["marketing"]
        )

    def said(self):
        """What lies in storage of what was said, then and now."""
        return [row for row in self.house.rows("people") if "state" in row.values]


async def test_an_address_that_said_nothing_refuses_nothing():
    assert await (await Desk.open()).refused() == frozenset()


async def test_an_opt_out_refuses_its_purpose_and_no_other():
    desk = await Desk.open()
    await desk.say()

    assert await desk.refused("marketing", "service") == {"marketing"}


async def test_an_opt_in_takes_an_opt_out_back():
    desk = await Desk.open()
    await desk.say()
    desk.house.clock.pass_(minutes=1)

    await desk.say("opted_in")

    assert await desk.refused() == frozenset()


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"email": " ADA@Example.com"}, {"email": "ada@example.com"}),
        ({"mobile": "070-123 45 67"}, {"mobile": "+46701234567"}),
    ],
)
async def test_an_address_is_the_same_however_it_is_written(said, asked):
    desk = await Desk.open()
    await desk.say(**said)

    assert await desk.refused(**asked) == {"marketing"}


async def test_one_refusing_address_of_several_is_enough():
    desk = await Desk.open()
    await desk.say(mobile="+46701234567")

    assert await desk.refused(email="ada@example.com", mobile="+46701234567") == {"marketing"}
    assert await desk.refused(email="ada@example.com") == frozenset()


async def test_an_identifier_that_is_no_address_has_no_consent():
    desk = await Desk.open()

    assert await desk.refused(crm_id="c-1", device_id="d-1") == frozenset()


async def test_storage_holds_no_address():
    desk = await Desk.open()
    await desk.say()

    assert desk.said()
    assert "ada" not in str(desk.house.rows("people"))


async def test_what_was_said_before_is_kept_as_proof():
    desk = await Desk.open()
    for state in ("opted_out", "opted_in"):
        await desk.say(state)
        desk.house.clock.pass_(minutes=1)

    said = [(row.values["at"], row.values["state"]) for row in desk.house.rows("people", "s|")]
    assert [state for _, state in sorted(said)] == ["opted_out", "opted_in"]


@pytest.mark.parametrize(
    ("doc", "pointers"),
    [
        ({}, [""]),
        ({"email": "ada@example.com", "mobile": "+46701234567"}, [""]),
        ({"email": "ada"}, ["/email"]),
        ({"mobile": "12"}, ["/mobile"]),
    ],
)
async def test_anything_but_one_address_is_refused(doc, pointers):
    desk = await Desk.open()

    with pytest.raises(Invalid) as refusal:
        await desk.house.line.consents.set(
            desk.section, body({**doc, "purpose": "marketing", "state": "opted_out"})
        )

    assert [fault.pointer for fault in refusal.value.faults] == pointers
    assert desk.said() == []


async def test_a_refusal_is_asked_for_by_every_address_that_is_known_of_the_person():
    desk = await Desk.open()
    await desk.house.accept(id="a", person={"crmId": "c-1", "email": "ada@example.com"})
    await desk.house.work("events")
    await desk.say()

    id = await desk.house.accept(id="b", person={"crmId": "c-1"})
    await desk.house.work("events")

    assert (await desk.house.delivery(id)).status == "refused"
