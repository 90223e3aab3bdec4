"""Who an event is about: found by identifier, or created; deterministic when many ask at once.

Table `people`: `i|{keyed hash}` binds an identifier to a person and is written insert-if-absent, so that the winner
of a race decides. `p|{person}` and, an identifier each, `p|{person}|{rank}|{keyed hash}` are the profile. A new person
lies in the partition of the identifier that made it, so that both are written in one transaction.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from shared import times
from shared.access.sections import Section
from shared.cached import Cached
from shared.exact import Json
from shared.people.identifiers import ADDRESSES, Identifier
from shared.ports import Clock, Operation, Row, RowExists, Tables, Value, Verb
from shared.storage import PEOPLE

MAX_IDENTIFIERS = 200
"""What a profile holds. A device that everybody shares, or an id that means nobody, grows no further."""
REMEMBERED_SECONDS = 5
"""How long an instance may go on with what it read of a person: whom an identifier means, which addresses there are."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The person of an event: how it was found, and every address that is known of it."""

    person: str
    created: bool
    by: str
    ambiguous: bool
    addresses: tuple[Identifier, ...]


class People:
    """Finds and creates people by their identifiers."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        # Whom nobody has yet is asked again each time: another instance may make it now.
        self._owners = Cached(self._read_owner, seconds=REMEMBERED_SECONDS, missing_seconds=0)
        self._profiles = Cached(self._read_listed, seconds=REMEMBERED_SECONDS, missing_seconds=0)

    async def resolve(
        self, section: Section, identifiers: Sequence[Identifier], *, create: bool = True
    ) -> Resolved | None:
        """The person that the strongest known identifier names, else a new one; None where there can be none.

        Identifiers that nobody has yet are bound to that person, unless `create` is off. Two people are never merged
        here: `ambiguous` says that a weaker identifier belongs to somebody else.
        """
        owners = await asyncio.gather(*(self._owner(section, one) for one in identifiers))
        known = [(one, owner) for one, owner in zip(identifiers, owners, strict=True) if owner]
        if not known and not (create and identifiers):
            return None
        by, person, created = (*known[0], False) if known else await self._make(section, identifiers[0])
        listed = (by,) if created else await self._listed(section, person)
        if create:
            decided = owners if known else [person, *owners[1:]]
            await self._add(section, person, list(zip(identifiers, decided, strict=True)), listed)
        return Resolved(
            person=person,
            created=created,
            by=by.kind,
            ambiguous=len({owner for _, owner in known}) > 1,
            addresses=tuple(dict.fromkeys(one for one in (*listed, *identifiers) if one.kind in ADDRESSES)),
        )

    async def read(self, section: Section, person: str) -> dict[str, Json] | None:
        """The profile: when it came to be and its identifiers in clear."""
        rows = [row async for row in self._profile(section.id, person)]
        if not rows:
            return None
        found = [_identifier(row) for row in rows if "value" in row.values]
        created = next((row.values["createdAt"] for row in rows if "createdAt" in row.values), None)
        identifiers = [{"kind": one.kind, "value": one.value} for one in found]
        return {"id": person, "createdAt": created, "identifiers": identifiers}

    async def addresses(self, section: Section, person: str) -> list[Identifier]:
        """The addresses of a profile: what consent is asked for beside those in an event."""
        return [one for one in await self._listed(section, person) if one.kind in ADDRESSES]

    async def _owner(self, section: Section, identifier: Identifier) -> str | None:
        return await self._owners.get(_binding_place(section, identifier))

    async def _read_owner(self, place: tuple[str, str]) -> str | None:
        row = await self._tables.get(PEOPLE.name, *place)
        return None if row is None else str(row.values["person"])

    async def _make(self, section: Section, identifier: Identifier) -> tuple[Identifier, str, bool]:
        """A new person with its identifier, unless somebody has that meanwhile; who has it now, and whether it is new."""
        pk, rk = _binding_place(section, identifier)
        person = rk[2:4] + secrets.token_hex(15)
        rows = [
            _binding(section, identifier, person),
            Row(pk, f"p|{person}", {"createdAt": times.text(self._clock.now()), "schema": 1}),
            _identifier_row(section, person, identifier),
        ]
        try:
            await self._tables.transact(PEOPLE.name, [Operation(Verb.INSERT, row) for row in rows])
        except RowExists:
            return identifier, await self._read_owner((pk, rk)) or person, False
        return identifier, person, True

    async def _bind(self, section: Section, identifier: Identifier, person: str) -> str:
        """Bind the identifier unless somebody has it; answers who has it now."""
        try:
            await self._tables.insert(PEOPLE.name, _binding(section, identifier, person))
        except RowExists:
            return await self._read_owner(_binding_place(section, identifier)) or person
        return person

    async def _add(
        self,
        section: Section,
        person: str,
        owned: Sequence[tuple[Identifier, str | None]],
        listed: Sequence[Identifier],
    ) -> None:
        """Bind and list what the profile lacks. Whatever a crash leaves out, the next event of the person adds."""
        own = [(one, owner) for one, owner in owned if owner in (None, person) and one not in listed]
        new = own[: max(MAX_IDENTIFIERS - len(listed), 0)]
        owners = await asyncio.gather(
            *(_known(owner) if owner else self._bind(section, one, person) for one, owner in new)
        )
        won = [one for (one, _), owner in zip(new, owners, strict=True) if owner == person]
        if not won:
            return
        rows = [_identifier_row(section, person, one) for one in won]
        await self._tables.transact(PEOPLE.name, [Operation(Verb.UPSERT, row) for row in rows])
        self._profiles.forget((section.id, person))

    async def _listed(self, section: Section, person: str) -> Sequence[Identifier]:
        return await self._profiles.get((section.id, person)) or ()

    async def _read_listed(self, place: tuple[str, str]) -> tuple[Identifier, ...] | None:
        """The identifiers of a profile; None when it has none, so that this is not remembered."""
        found = [_identifier(row) async for row in self._profile(*place) if "value" in row.values]
        return tuple(found) or None

    def _profile(self, section: str, person: str) -> AsyncIterator[Row]:
        place = _pk(section, person), f"p|{person}", f"p|{person}|~"
        return self._tables.range(PEOPLE.name, *place, limit=MAX_IDENTIFIERS + 1)


async def _known(owner: str) -> str:
    return owner


def _pk(section: str, person: str) -> str:
    return f"{section}|{person[:2]}"


def _binding_place(section: Section, identifier: Identifier) -> tuple[str, str]:
    hashed = identifier.hash(section.hash_key)
    return f"{section.id}|{hashed[:2]}", f"i|{hashed}"


def _binding(section: Section, identifier: Identifier, person: str) -> Row:
    values: dict[str, Value] = {"person": person, "kind": identifier.kind, "schema": 1}
    return Row(*_binding_place(section, identifier), values)


def _identifier_row(section: Section, person: str, identifier: Identifier) -> Row:
    # Addresses sort first, so that they are read however many devices follow.
    rank = 0 if identifier.kind in ADDRESSES else 1
    hashed = identifier.hash(section.hash_key)
    values: dict[str, Value] = {"kind": identifier.kind, "value": identifier.value, "schema": 1}
    return Row(_pk(section.id, person), f"p|{person}|{rank}|{hashed}", values)


def _identifier(row: Row) -> Identifier:
    return Identifier(str(row.values["kind"]), str(row.values["value"]))
