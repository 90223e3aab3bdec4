"""Who an event is about: found by identifier, or created; deterministic when many ask at once.

Table `people`: `i|{keyed hash}` binds an identifier to a person and is written first, insert-if-absent, so that the
winner of a race decides; `p|{person}` is the profile.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from shared import exact, times
from shared.access.sections import Section
from shared.errors import Unavailable
from shared.exact import Json
from shared.people.identifiers import Identifier
from shared.ports import Clock, Row, RowChanged, RowExists, Tables, bytes_of
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
        says that a weaker identifier belongs to somebody else.
        """
        if not identifiers:
            return None
        owners = await asyncio.gather(*(self._owner(section, one) for one in identifiers))
        known = [(one, owner) for one, owner in zip(identifiers, owners, strict=True) if owner]
        made = secrets.token_hex(16)
        by, person = known[0] if known else (identifiers[0], await self._bind(section, identifiers[0], made))
        free = [one for one, owner in zip(identifiers, owners, strict=True) if owner is None]
        await asyncio.gather(*(self._bind(section, one, person) for one in free))
        if free:
            await self._profile(section, person, identifiers)
        ambiguous = len({owner for _, owner in known}) > 1
        return Resolved(person, created=person == made, by=by.kind, ambiguous=ambiguous)

    async def read(self, section: Section, person: str) -> dict[str, Json] | None:
        """The profile: when it came to be and its identifiers in clear."""
        row = await self._tables.get(PEOPLE.name, *_place(section, person))
        return None if row is None else {"id": person, **_doc(row)}

    async def _owner(self, section: Section, identifier: Identifier) -> str | None:
        hashed = identifier.hash(section.hash_key)
        row = await self._tables.get(PEOPLE.name, f"{section.id}|{hashed[:2]}", f"i|{hashed}")
        return None if row is None else str(row.values["person"])

    async def _bind(self, section: Section, identifier: Identifier, person: str) -> str:
        """Bind the identifier unless somebody has it; answers who has it now."""
        hashed = identifier.hash(section.hash_key)
        row = Row(
            f"{section.id}|{hashed[:2]}",
            f"i|{hashed}",
            {"person": person, "kind": identifier.kind, "schema": 1},
        )
        try:
            await self._tables.insert(PEOPLE.name, row)
        except RowExists:
            return await self._owner(section, identifier) or person
        return person

    async def _profile(self, section: Section, person: str, identifiers: Sequence[Identifier]) -> None:
        """Add identifiers to the profile, which is what erasure and export go by."""
        new = [{"kind": one.kind, "value": one.value} for one in identifiers]
        for _ in range(_TRIES):
            row = await self._tables.get(PEOPLE.name, *_place(section, person))
            there: dict[str, Json] = _doc(row) if row else {"createdAt": times.text(self._clock.now())}
            known: list[Json] = there.get("identifiers", [])
            listed = [*known, *(one for one in new if one not in known)]
            doc = exact.dumps({**there, "identifiers": listed}).encode()
            written = Row(*_place(section, person), {"doc": doc, "schema": 1}, row.etag if row else None)
            try:
                await (self._tables.replace if row else self._tables.insert)(PEOPLE.name, written)
            except (RowExists, RowChanged):
                continue
            return
        raise Unavailable("Many writers change this person at once. Try again.")


def _place(section: Section, person: str) -> tuple[str, str]:
    return f"{section.id}|{person[:2]}", f"p|{person}"


def _doc(row: Row) -> dict[str, Json]:
    doc: dict[str, Json] = exact.loads(bytes_of(row, "doc"))
    return doc
