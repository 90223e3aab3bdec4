"""Consent, thin: an address can opt out of a purpose, and nothing with that purpose leaves for it.

Consent belongs to the address, not to the person: whoever changes address is asked again. Without a row an address
is unset, and every purpose but an opted-out one passes (the non-restrictive model).
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from pydantic import Field

from shared import times
from shared.access.sections import Section
from shared.bodies import Body, Slug, read_body
from shared.cached import Cached
from shared.errors import Fault, Invalid
from shared.event import Person
from shared.exact import Json
from shared.people.identifiers import ADDRESSES, Identifier, faults, identifiers
from shared.ports import Clock, Operation, Row, Tables, Value, Verb
from shared.storage import CONSENTS

State = Literal["opted_in", "opted_out"]
REMEMBERED_SECONDS = 5
"""How long an instance may go on with what it read of an address and a purpose."""
ASKED_AGAIN_AFTER = timedelta(seconds=5)
"""What was asked when an event was processed holds for so long; whatever is sent later is asked for again."""


class ConsentBody(Body):
    """`{"email" or "mobile", "purpose", "state", "reason"}`"""

    email: str | None = Field(None, max_length=320)
    mobile: str | None = Field(None, max_length=32)
    purpose: Slug
    state: State
    reason: str | None = Field(None, max_length=200)


class Consents:
    """Writes and checks the opted-out list."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._states = Cached(
            self._is_refusal, seconds=REMEMBERED_SECONDS, missing_seconds=REMEMBERED_SECONDS
        )

    async def set(self, section: Section, body: Json) -> dict[str, Json]:
        """Record what an address said about a purpose. Raises Invalid."""
        consent = read_body(ConsentBody, body)
        addresses = addresses_of(section, Person(email=consent.email, mobile=consent.mobile))
        if len(addresses) != 1:
            raise Invalid("Name one address.", faults=_address_faults(section, consent))
        now = times.text(self._clock.now())
        values: dict[str, Value] = {"state": consent.state, "at": now, "reason": consent.reason, "schema": 1}
        pk, rk = _place(section, addresses[0], consent.purpose)
        # What was said before is kept beside what holds now: it is the proof.
        said = [Row(pk, rk, values), Row(pk, f"{rk}|{now}", values)]
        await self._tables.transact(CONSENTS.name, [Operation(Verb.UPSERT, row) for row in said])
        self._states.forget((pk, rk))
        return {"purpose": consent.purpose, "state": consent.state, "at": now}

    async def refused(
        self, section: Section, addresses: Iterable[Identifier], purposes: Iterable[str]
    ) -> frozenset[str]:
        """Those purposes that any of the addresses has opted out of."""
        asked = [(purpose, one) for one in dict.fromkeys(addresses) for purpose in dict.fromkeys(purposes)]
        out = await asyncio.gather(
            *(self._opted_out(section, address, purpose) for purpose, address in asked)
        )
        return frozenset(purpose for (purpose, _), refused in zip(asked, out, strict=True) if refused)

    async def _opted_out(self, section: Section, address: Identifier, purpose: str) -> bool:
        return bool(await self._states.get(_place(section, address, purpose)))

    async def _is_refusal(self, place: tuple[str, str]) -> bool:
        row = await self._tables.get(CONSENTS.name, *place)
        return row is not None and row.values["state"] == "opted_out"


def addresses_of(section: Section, person: Person) -> list[Identifier]:
    """The addresses that came with an event, normalised."""
    return [one for one in identifiers(person, section.country) if one.kind in ADDRESSES]


def _place(section: Section, address: Identifier, purpose: str) -> tuple[str, str]:
    hashed = address.hash(section.hash_key)
    return f"{section.id}|{hashed[:2]}", f"{hashed}|{purpose}"


def _address_faults(section: Section, consent: ConsentBody) -> list[Fault]:
    wrong = faults(Person(email=consent.email, mobile=consent.mobile), section.country)
    moved = [Fault(f.pointer.removeprefix("/person"), f.detail, f.expected, f.received) for f in wrong]
    return moved or [Fault("", "Send either email or mobile.", "one address", "none or two")]
