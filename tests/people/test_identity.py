"""Who an event is about: the strongest known identifier decides, new ones are bound, and nobody is merged."""

from dataclasses import dataclass, replace

import pytest

from shared.access.sections import Section
from shared.event import Person
from shared.people.directory import REMEMBERED_SECONDS
from shared.people.identifiers import identifiers
from shared.people.identity import MAX_IDENTIFIERS
from shared.ports import Operation
from tests.failing import FailingTables
from tests.house import House, body, build

EMAIL = {"email": "ada@example.com"}
BOTH = {"crm_id": "c-1", **EMAIL}


@dataclass
class Register:
    """The people of a furnished section."""

    house: House
    section: Section

    @classmethod
    async def open(cls, tables=None):
        house = await build(tables=tables).furnish()
        return cls(house, await house.line.sections.read("demo"))

    async def resolve(self, *, create=True, **person):
        found = identifiers(Person(**person), "SE")
        return await self.house.line.people.resolve(self.section, found, create=create)

    async def refuse(self, email):
        said = {"email": email, "purpose": "marketing", "state": "opted_out"}
        await self.house.line.consents.set(self.section, body(said))

    async def profile(self, person):
        found = await self.house.line.people.read(self.section, person)
        assert found is not None
        return {(one["kind"], one["value"]) for one in found["identifiers"]}


async def test_without_an_identifier_there_is_nobody():
    assert await (await Register.open()).resolve() is None
    assert await (await Register.open()).resolve(crm_id="null") is None


async def test_a_new_identifier_makes_a_person_and_finds_it_again():
    register = await Register.open()

    first, again = [await register.resolve(**EMAIL) for _ in range(2)]

    assert (first.person, first.created, again.created) == (again.person, True, False)
    assert (first.by, first.ambiguous) == ("email", False)
    assert await register.profile(first.person) == {("email", "ada@example.com")}


async def test_an_identifier_that_comes_later_is_bound_to_the_same_person():
    register = await Register.open()
    first = await register.resolve(**EMAIL)

    await register.resolve(**BOTH)

    found = await register.resolve(crm_id="c-1")
    assert (found.person, found.by) == (first.person, "crmId")
    assert await register.profile(first.person) == {("crmId", "c-1"), ("email", "ada@example.com")}


async def test_the_strongest_known_identifier_decides_and_others_are_not_taken_over():
    register = await Register.open()
    by_crm, by_email = await register.resolve(crm_id="c-1"), await register.resolve(**EMAIL)
    assert by_crm.person != by_email.person

    found = await register.resolve(**BOTH)

    assert (found.person, found.by, found.ambiguous) == (by_crm.person, "crmId", True)
    assert (await register.resolve(**EMAIL)).person == by_email.person
    assert await register.profile(by_crm.person) == {("crmId", "c-1")}


@pytest.mark.parametrize("refusing", ["ada@example.com", "ada@work.example"])
async def test_what_any_address_that_is_known_of_a_person_has_refused_is_told(refusing):
    register = await Register.open()
    await register.resolve(**BOTH)
    await register.refuse(refusing)

    found = await register.resolve(crm_id="c-1", email="ada@work.example")

    assert found.refused == {"marketing"}


async def test_what_another_instance_has_bound_is_found_within_seconds():
    tables = FailingTables()
    here, there = await Register.open(tables), Register(build(tables=tables), None)
    there.section = await there.house.line.sections.read("demo")
    nobody = await there.resolve(create=False, **EMAIL)
    ada = await here.resolve(**EMAIL)

    remembered = await there.resolve(create=False, **EMAIL)
    there.house.clock.pass_(seconds=REMEMBERED_SECONDS + 1)
    found = await there.resolve(create=False, **EMAIL)

    assert (nobody, remembered, found.person) == (None, None, ada.person)


async def test_two_instances_that_remember_nobody_make_one_person():
    tables = FailingTables()
    here, there = await Register.open(tables), Register(build(tables=tables), None)
    there.section = await there.house.line.sections.read("demo")
    for register in (here, there):
        await register.resolve(create=False, **EMAIL)

    first, second = await here.resolve(**EMAIL), await there.resolve(**EMAIL)

    assert (first.person, first.created, second.created) == (second.person, True, False)


async def test_a_known_person_is_found_in_one_read_an_identifier():
    register = await Register.open()
    await register.resolve(**BOTH)
    register.house.clock.pass_(seconds=REMEMBERED_SECONDS + 1)
    before = register.house.tables.requests

    await register.resolve(**BOTH)

    assert register.house.tables.requests - before == 2


async def test_another_section_knows_nobody_of_this_one():
    register = await Register.open()
    here = await register.resolve(**EMAIL)
    register.section = replace(register.section, id="other", hash_key=b"x" * 32)

    there = await register.resolve(**EMAIL)

    assert there.created
    assert there.person != here.person


async def test_a_test_event_makes_nobody_up():
    register = await Register.open()

    assert await register.resolve(create=False, **EMAIL) is None
    assert register.house.rows("people") == []


async def test_a_test_event_finds_who_is_there_and_binds_nothing():
    register = await Register.open()
    ada = await register.resolve(**EMAIL)

    assert (await register.resolve(create=False, **BOTH)).person == ada.person
    assert await register.profile(ada.person) == {("email", "ada@example.com")}


async def test_somebody_new_on_a_device_of_somebody_who_is_known_is_somebody_else():
    register = await Register.open()
    ada = await register.resolve(**EMAIL, device_id="d-1")

    bob = await register.resolve(email="bob@example.com", device_id="d-1")
    alone = await register.resolve(device_id="d-1")

    assert (bob.person != ada.person, bob.created, bob.by, bob.ambiguous) == (True, True, "email", True)
    assert await register.profile(ada.person) == {("email", "ada@example.com"), ("deviceId", "d-1")}
    assert await register.profile(bob.person) == {("email", "bob@example.com")}
    assert (alone.person, alone.ambiguous) == (ada.person, False)


async def test_who_was_known_by_a_device_only_is_who_says_a_name_there_first():
    register = await Register.open()
    visitor = await register.resolve(device_id="d-1")
    await register.resolve(device_id="d-1")

    ada = await register.resolve(**EMAIL, device_id="d-1")

    assert (ada.person, ada.created, ada.by, ada.ambiguous) == (visitor.person, False, "deviceId", False)
    assert await register.profile(ada.person) == {("email", "ada@example.com"), ("deviceId", "d-1")}


async def test_a_claim_about_somebody_new_on_a_known_device_finds_nobody():
    register = await Register.open()
    await register.resolve(**EMAIL, device_id="d-1")

    assert await register.resolve(create=False, email="bob@example.com", device_id="d-1") is None


async def test_a_profile_grows_no_further_than_its_bound():
    register = await Register.open()

    for n in range(MAX_IDENTIFIERS + 5):
        ada = await register.resolve(crm_id="c-1", device_id=f"d-{n}")

    assert len(await register.profile(ada.person)) == MAX_IDENTIFIERS
    assert await register.resolve(create=False, device_id=f"d-{MAX_IDENTIFIERS + 3}") is None


@pytest.mark.parametrize("number", range(1, 6))
async def test_what_a_crash_left_out_of_a_profile_the_next_event_adds(number):
    tables = FailingTables()
    register = await Register.open(tables)
    writes: list[Operation] = []

    def fails(table, operations):
        writes.extend(operations if table == "people" else [])
        return OSError("ends here") if len(writes) >= number else None

    tables.before = fails
    for _ in range(2):
        try:
            await register.resolve(**BOTH)
        except OSError:
            tables.come_back()

    bound = {row.rk[2:] for row in register.house.rows("people", "i|") if "person" in row.values}
    listed = {row.rk.split("|")[4] for row in register.house.rows("people", "i|") if "|p|" in row.rk}
    assert bound == listed
    assert len(bound) == 2


async def test_a_person_that_is_not_there_is_none():
    register = await Register.open()

    assert await register.house.line.people.read(register.section, "0" * 32) is None
    assert await register.house.line.people.read(register.section, "") is None


async def test_storage_keys_hold_no_identifier():
    register = await Register.open()
    await register.resolve(**BOTH)

    assert not [row.rk for row in register.house.rows("people") if "ada" in row.rk or "c-1" in row.rk]


async def test_of_whoever_else_is_known_by_an_address_it_is_the_persons_own_refusals_that_count():
    register = await Register.open()
    ada = await register.resolve(email="ada@example.com", crm_id="c-1")
    await register.resolve(email="ben@example.com")
    await register.refuse("ada@example.com")
    sent = Person(email="ben@example.com", crm_id="c-1")

    refused = register.house.line.people.refused
    assert await refused(register.section, ada.person, sent) == {"marketing"}
    assert await refused(register.section, None, sent) == frozenset()


async def test_a_refusal_by_another_address_of_the_person_counts_when_it_is_asked_again():
    register = await Register.open()
    known = await register.resolve(email="ada@example.com", mobile="+46701740605")
    said = {"mobile": "+46701740605", "purpose": "marketing", "state": "opted_out"}
    await register.house.line.consents.set(register.section, body(said))

    asked = register.house.line.people.refused
    assert await asked(register.section, known.person, Person(email="ada@example.com")) == {"marketing"}
    assert await asked(register.section, None, Person(email="ada@example.com")) == frozenset()
