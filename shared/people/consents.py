"""Consent, thin: an address can opt out of a purpose, and nothing with that purpose leaves for it.

Consent belongs to the address, not to the person: whoever changes address is asked again. Without a row an address
is unset, and every purpose but an opted-out one passes (the non-restrictive model).
"""

from typing import Literal

from pydantic import Field

from shared import times
from shared.access.sections import Section
from shared.acting import actor
from shared.bodies import Body, Slug, read_body
from shared.errors import Fault, Invalid
from shared.event import Person
from shared.exact import Json
from shared.people.directory import Directory
from shared.people.identifiers import addresses_of, faults
from shared.ports import Clock, Value

State = Literal["opted_in", "opted_out"]


class ConsentBody(Body):
    """What an address said about a purpose. Send either `email` or `mobile`."""

    email: str | None = Field(None, max_length=320)
    mobile: str | None = Field(None, max_length=32)
    purpose: Slug
    state: State
    reason: str | None = Field(None, max_length=200)


class Consents:
    """Writes down what addresses say."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory, self._clock = directory, clock

    async def set(self, section: Section, body: Json) -> dict[str, Json]:
        """Record what an address said about a purpose. Raises Invalid."""
        consent = read_body(ConsentBody, body)
        addresses = addresses_of(Person(email=consent.email, mobile=consent.mobile), section.country)
        if len(addresses) != 1:
            raise Invalid("Name one address.", faults=_address_faults(section, consent))
        now = times.text(self._clock.now())
        said: dict[str, Value] = {
            "state": consent.state,
            "at": now,
            "reason": consent.reason,
            "by": actor(),
            "schema": 1,
        }
        await self._directory.say(section, addresses[0], consent.purpose, said)
        return {"purpose": consent.purpose, "state": consent.state, "at": now}


def _address_faults(section: Section, consent: ConsentBody) -> list[Fault]:
    wrong = faults(Person(email=consent.email, mobile=consent.mobile), section.country)
    moved = [Fault(f.pointer.removeprefix("/person"), f.detail, f.expected, f.received) for f in wrong]
    return moved or [Fault("", "Send either email or mobile.", "one address", "none or two")]
