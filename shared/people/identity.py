"""Who an event is about: found by identifier, or created; deterministic when many ask at once.

Table `people`: `i|{keyed hash}` binds an identifier to a person and is written first, insert-if-absent, so that the
winner of a race decides; `p|{person}` is the profile, and `listed` says that the identifier stands in it.
"""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from shared import exact, times
from shared.access.sections import Section
from shared.errors import Unavailable
from shared.exact import Json
from shared.people.identifiers import Identifier
from shared.ports import Clock, Row, RowChanged, RowExists, Tables, Value, bytes_of
from shared.storage import PEOPLE

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Resolved:
    """The person of an event: how it was found, and whether other identifiers point to other people."""

    person: str
    created: bool
    by: str
    ambiguous: bool


class People:
    """Finds and creates people by their identifiers."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def resolve(self, section: Section, identifiers: Sequence[Identifier]) -> Resolved | None:
        """The person that the strongest known identifier names, else a new one; None without any identifier.

        Identifiers that nobody has yet are bound to that person. Two people are never merged here: `ambiguous`
        says that a weaker identifier belongs to somebody else. Raises Unavailable.
        """
        if not identifiers:
            return None
        found = await asyncio.gather(*(self._owner(section, one) for one in identifiers))
        owners = {one: owner for one, owner in zip(identifiers, found, strict=True) if owner}
        made = secrets.token_hex(16)
        by = next(iter(owners), identifiers[0])
        # Who takes the strongest one decides, so it is bound before the others.
        owners[by] = owners.get(by) or await self._bind(section, by, made)
        person = owners[by].person
        free = [one for one in identifiers if one not in owners]
        bound = await asyncio.gather(*(self._bind(section, one, person) for one in free))
        owners |= zip(free, bound, strict=True)
        own = _Owner(person, listed=False)
        await self._list(section, person, [one for one in identifiers if owners[one] == own])
        ambiguous = any(owner.person != person for owner in owners.values())
        return Resolved(person, created=person == made, by=by.kind, ambiguous=ambiguous)

    async def read(self, section: Section, person: str) -> dict[str, Json] | None:
        """The profile: when it came to be and its identifiers in clear."""
        row = await self._tables.get(PEOPLE.name, *_place(section, person))
        return None if row is None else {"id": person, **_doc(row)}

    async def _owner(self, section: Section, identifier: Identifier) -> "_Owner | None":
        row = await self._tables.get(PEOPLE.name, *_bound_at(section, identifier))
        return None if row is None else _Owner(str(row.values["person"]), row.values.get("listed") is True)

    async def _bind(self, section: Section, identifier: Identifier, person: str) -> "_Owner":
        """Bind the identifier unless somebody has it; answers who has it now."""
        values: dict[str, Value] = {"person": person, "kind": identifier.kind, "schema": 1}
        try:
            await self._tables.insert(PEOPLE.name, Row(*_bound_at(section, identifier), values))
        except RowExists:
            return await self._owner(section, identifier) or _Owner(person, listed=False)
        return _Owner(person, listed=False)

    async def _list(self, section: Section, person: str, identifiers: Sequence[Identifier]) -> None:
        """Put identifiers on the profile, then mark them: what is not marked is listed by the next event."""
        if not identifiers:
            return
        await self._profile(section, person, identifiers)
        await asyncio.gather(*(self._mark_listed(section, one) for one in identifiers))

    async def _mark_listed(self, section: Section, identifier: Identifier) -> None:
        # Gone means that the person is being erased.
        with suppress(RowChanged):
            await self._tables.merge(PEOPLE.name, Row(*_bound_at(section, identifier), {"listed": True}))

    async def _profile(self, section: Section, person: str, identifiers: Sequence[Identifier]) -> None:
        """Add identifiers to the profile, which is what erasure and export go by."""
        wanted = [{"kind": one.kind, "value": one.value} for one in identifiers]
        for _ in range(_TRIES):
            row = await self._tables.get(PEOPLE.name, *_place(section, person))
            there: dict[str, Json] = _doc(row) if row else {"createdAt": times.text(self._clock.now())}
            known: list[Json] = there.get("identifiers", [])
            new = [one for one in wanted if one not in known]
            if not new:
                return
            doc = exact.dumps({**there, "identifiers": [*known, *new]}).encode()
            written = Row(*_place(section, person), {"doc": doc, "schema": 1}, row.etag if row else None)
            try:
                await (self._tables.replace if row else self._tables.insert)(PEOPLE.name, written)
            except (RowExists, RowChanged):
                continue
            return
        raise Unavailable("Many writers change this person at once. Try again.")


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who has an identifier, and whether that person's profile is known to list it."""

    person: str
    listed: bool


def _bound_at(section: Section, identifier: Identifier) -> tuple[str, str]:
    hashed = identifier.hash(section.hash_key)
    return f"{section.id}|{hashed[:2]}", f"i|{hashed}"


def _place(section: Section, person: str) -> tuple[str, str]:
    return f"{section.id}|{person[:2]}", f"p|{person}"


def _doc(row: Row) -> dict[str, Json]:
    doc: dict[str, Json] = exact.loads(bytes_of(row, "doc"))
    return doc
