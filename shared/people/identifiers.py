"""Identifiers of a person: normalised, hashed, in the order in which they decide who it is."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import idna

from shared.errors import Fault
from shared.event import Person
from shared.ids import keyed_hash

MAX_LENGTH = 320
_BLOCKED = frozenset(
    [
        "anonymous",
        "guest",
        "distinctid",
        "distinct_id",
        "id",
        "not_authenticated",
        "email",
        "undefined",
        "true",
        "false",
        "[object",
        "object]",
        "nan",
        "none",
        "null",
        "-1",
        "0",
    ]
) | {"[object object]"}
"""Values that stand for nobody (the lists that Segment and PostHog publish): never an identifier."""
_ZEROS = re.compile(r"[0-]*")


@dataclass(frozen=True, slots=True)
class Identifier:
    """One normalised identifier: its kind (`email`, `external:erp`, ...) and its value."""

    kind: str
    value: str

    def hash(self, key: bytes) -> str:
        """Its keyed hash: what storage keys hold instead of the value."""
        return keyed_hash(key, "identifier", self.kind, self.value)


DEVICE = "deviceId"
"""The weakest kind: several people may use one."""
ADDRESSES = ("email", "mobile")
"""The kinds that a message can be sent to: consent is given per address."""


def identifiers(person: Person, country: str) -> list[Identifier]:
    """Those that identify, strongest first. `country` (ISO 3166-1) completes national phone numbers."""
    found = [*_candidates(person, country)]
    return [identifier for identifier in found if not _blocked(identifier.value)]


def addresses_of(person: Person, country: str) -> list[Identifier]:
    """Those that a message can be sent to."""
    return [one for one in identifiers(person, country) if one.kind in ADDRESSES]


def faults(person: Person, country: str) -> list[Fault]:
    """What is wrong with the identifiers that were sent."""
    found = []
    if person.email is not None and _email(person.email) is None:
        found.append(
            Fault("/person/email", "Send an address such as name@example.com.", "email address", "text")
        )
    if person.mobile is not None and _mobile(person.mobile, country) is None:
        found.append(
            Fault(
                "/person/mobile",
                "Send it in international form, such as +46701234567.",
                "phone number",
                "text",
            )
        )
    return found


def _candidates(person: Person, country: str) -> Iterator[Identifier]:
    if person.crm_id:
        yield Identifier("crmId", person.crm_id)
    for source, value in sorted(person.external_ids.items()):
        yield Identifier(f"external:{source}", value)
    if person.email and (email := _email(person.email)):
        yield Identifier("email", email)
    if person.mobile and (mobile := _mobile(person.mobile, country)):
        yield Identifier("mobile", mobile)
    if person.device_id:
        yield Identifier(DEVICE, person.device_id)


def _blocked(value: str) -> bool:
    bare = value.strip("'\" ").lower()
    return bare in _BLOCKED or _ZEROS.fullmatch(bare) is not None


def _email(text: str) -> str | None:
    """Trimmed, NFKC, lower case, the domain in ASCII; dots and plus tags are kept."""
    local, at, domain = unicodedata.normalize("NFKC", text).strip().lower().rpartition("@")
    if not (local and at and domain) or any(character.isspace() for character in local + domain):
        return None
    in_ascii = _domain(domain)
    return in_ascii and f"{local}@{in_ascii}"


@lru_cache(maxsize=4_096)
def _domain(text: str) -> str | None:
    """In ASCII. Remembered, since a few domains are those of most people, and the rules are many."""
    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        return None


def _mobile(text: str, country: str) -> str | None:
    """E.164, national numbers completed by the section's country."""
    import phonenumbers  # noqa: PLC0415  (its metadata is large: only who sends a number pays for it)

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
