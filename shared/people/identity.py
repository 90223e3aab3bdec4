"""Who an event is about: found by identifier, or created; deterministic when many ask at once."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.access.sections import Section
from shared.errors import Unavailable
from shared.event import Person
from shared.exact import Json
from shared.people.directory import Directory, Known
from shared.people.identifiers import ADDRESSES, DEVICE, Identifier, addresses_of, identifiers

MAX_IDENTIFIERS = 200
"""What a profile holds. A device that everybody shares, or an id that means nobody, grows no further."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The person of an event: how it was found, and what it has refused by any address that is known of it."""

    person: str
    created: bool
    by: str
    ambiguous: bool
    refused: frozenset[str]


class People:
    """Finds and creates people by their identifiers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def resolve(
        self, section: Section, identifiers: Sequence[Identifier], *, create: bool = True
    ) -> Resolved | None:
        """The person that the strongest known identifier names, else a new one; None where there can be none.

        Identifiers that nobody has yet are bound to that person, unless `create` is off. Two people are never merged
        here: `ambiguous` says that another identifier belongs to somebody else.
        """
        known = await self._all_known(section, identifiers)
        owners = {one.person for one in known if one.person}
        deciding = await self._deciding(section, identifiers, known)
        if deciding is None and not (create and identifiers):
            return None
        number = deciding or 0
        by, found = identifiers[number], known[number]
        made = None if found.person else await self._directory.make(section, by, found)
        known[number] = found = made or await self._directory.known(section, by)
        if found.person is None or found.maker is None:
            raise Unavailable("Somebody is being made or erased right now.")
        profile = found.profile or (await self._directory.at(section.id, found.maker)).profile
        if create:
            await self._add(
                section, found.person, found.maker, list(zip(identifiers, known, strict=True)), profile
            )
        others = [one for one in profile if one.kind in ADDRESSES and one not in identifiers]
        known += await self._all_known(section, others)
        return Resolved(
            person=found.person,
            created=made is not None,
            by=by.kind,
            ambiguous=bool(owners - {found.person}),
            refused=frozenset().union(*(one.refused for one in known)),
        )

    async def _deciding(
        self, section: Section, identifiers: Sequence[Identifier], known: Sequence[Known]
    ) -> int | None:
        """The number of the identifier that says who it is, the strongest first; None where it is somebody new.

        A device says so of what came along with something stronger only while nobody is known there by more than devices:
        several people may use it, and whoever comes second must not be taken for the first.
        """
        for number, (one, found) in enumerate(zip(identifiers, known, strict=True)):
            if found.person is None:
                continue
            is_shared = number and one.kind == DEVICE and await self._is_identified(section, found)
            if not is_shared:
                return number
        return None

    async def _is_identified(self, section: Section, found: Known) -> bool:
        """Whether somebody is known by more than devices."""
        profile = (await self._directory.at(section.id, found.maker)).profile if found.maker else ()
        return any(one.kind != DEVICE for one in profile)

    async def read(self, section: Section, person: str) -> dict[str, Json] | None:
        """The profile: when it came to be and its identifiers in clear."""
        maker = await self._directory.maker_of(section.id, person)
        if maker is None:
            return None
        found = await self._directory.at(section.id, maker[0])
        identifiers = [{"kind": one.kind, "value": one.value} for one in found.profile]
        return {"id": person, "createdAt": maker[1], "identifiers": identifiers}

    async def refused(self, section: Section, person: str | None, sent: Person) -> frozenset[str]:
        """The purposes that any address of an event or of its person has opted out of, as far as is known now."""
        came = addresses_of(sent, section.country)
        known = await self._all_known(section, came)
        profile = await self._profile(section, person, known) if person else ()
        others = [one for one in profile if one.kind in ADDRESSES and one not in came]
        known += await self._all_known(section, others)
        return frozenset().union(*(one.refused for one in known))

    async def known(self, section: Section, person: str | None, sent: Person) -> dict[str, str]:
        """Identifiers in clear, one of each kind: those that came with an event, then those of its person."""
        came = identifiers(sent, section.country)
        known = await self._all_known(section, came)
        profile = await self._profile(section, person, known) if person else ()
        return {one.kind: one.value for one in reversed((*came, *profile))}

    async def _profile(self, section: Section, person: str, known: Sequence[Known]) -> Sequence[Identifier]:
        """A person's identifiers. One that came along mostly says where they lie, or has them."""
        maker = next((one.maker for one in known if one.person == person), None)
        if maker is None:
            found = await self._directory.maker_of(section.id, person)
            if found is None:
                return ()
            maker = found[0]
        return (await self._directory.at(section.id, maker)).profile

    async def _all_known(self, section: Section, identifiers: Iterable[Identifier]) -> list[Known]:
        return await asyncio.gather(*(self._directory.known(section, one) for one in identifiers))

    async def _add(
        self,
        section: Section,
        person: str,
        maker: str,
        known: Sequence[tuple[Identifier, Known]],
        profile: Sequence[Identifier],
    ) -> None:
        """Bind and list what the profile lacks. Whatever a crash leaves out, the next event of the person adds."""
        own = [(one, found) for one, found in known if found.person in (None, person) and one not in profile]
        new = own[: max(MAX_IDENTIFIERS - len(profile), 0)]
        free = [one for one, found in new if found.person is None]
        won = await asyncio.gather(*(self._directory.bind(section, one, person, maker) for one in free))
        lost = {one for one, is_own in zip(free, won, strict=True) if not is_own}
        if listed := [one for one, _ in new if one not in lost]:
            await self._directory.list(section, maker, listed)
