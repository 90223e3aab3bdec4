"""The directory: what is known of each identifier, in one range read.

Table `people`, partition `{section}|{first hex of the hash}`. `i|{hash}` is whom an identifier means,
`i|{hash}|c|{purpose}` what it said of a purpose, and `i|{hash}|p|{rank}|{hash}` are, at the identifier that made a
person, that person's identifiers. `p|{person}` leads from a person to its maker, whose partition it shares, so that
a person comes into being in one transaction. `s|{hash}|{purpose}|{time}` is what was said then, and by whom it was
taken down: the proof. The partitions are few, so that what many events add at the same time is few transactions.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared import times
from shared.access.sections import Section
from shared.cached import Cached
from shared.joined import Joined
from shared.killpoints import reached
from shared.people.identifiers import ADDRESSES, Identifier
from shared.ports import Clock, Operation, Row, RowExists, Tables, Value, Verb
from shared.storage import PEOPLE

REMEMBERED_SECONDS = 5
"""How long an instance may go on with what it read of an identifier."""
_OPERATIONS = 3
"""What makes a person, and most of what is added to one."""
_AFTER = "~"
"""Sorts after every character of a row key."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one identifier.

    `person` is whom it means, `maker` the hash of the identifier that made that person, where `profile`, the
    identifiers of the person, lies; `refused` are the purposes that it has opted out of.
    """

    person: str | None = None
    maker: str | None = None
    profile: tuple[Identifier, ...] = ()
    refused: frozenset[str] = frozenset()


class Directory:
    """Reads and writes what is known of identifiers."""

    def __init__(self, tables: Tables, clock: Clock, join_pause: float = 0) -> None:
        """What is written within `join_pause` seconds of each other is written together."""
        self._tables, self._clock = tables, clock
        self._writes = Joined(tables, PEOPLE.name, operations=_OPERATIONS, pause_seconds=join_pause)
        # That nobody has an identifier may be remembered too: binding it is insert-if-absent.
        self._known = Cached(
            self._read,
            seconds=REMEMBERED_SECONDS,
            missing_seconds=REMEMBERED_SECONDS,
            clock=clock.seconds,
        )

    async def known(self, section: Section, identifier: Identifier) -> Known:
        """At most REMEMBERED_SECONDS old. One request, shared by all who ask at the same time."""
        return await self.at(section.id, identifier.hash(section.hash_key))

    async def at(self, section: str, hashed: str) -> Known:
        """The same by an identifier's hash."""
        return await self._known.get((section, hashed)) or Known()

    async def maker_of(self, section: str, person: str) -> tuple[str, str] | None:
        """The hash of the identifier that made a person, and when that was."""
        row = await self._tables.get(PEOPLE.name, _pk(section, person), f"p|{person}")
        return None if row is None else (str(row.values["maker"]), str(row.values["createdAt"]))

    async def make(self, section: Section, identifier: Identifier, before: Known) -> Known | None:
        """A new person of this identifier, of which `before` was known; None when somebody has it by now."""
        hashed = identifier.hash(section.hash_key)
        person, pk = hashed[:1] + secrets.token_hex(16)[1:], _pk(section.id, hashed)
        created: dict[str, Value] = {"maker": hashed, "createdAt": times.text(self._clock.now()), "schema": 1}
        rows = [
            _binding(section.id, hashed, identifier, person, hashed),
            Row(pk, f"p|{person}", created),
            _listed(section, hashed, identifier),
        ]
        try:
            await self._writes.transact(*(Operation(Verb.INSERT, row) for row in rows))
        except RowExists:
            return None
        finally:
            self._known.forget((section.id, hashed))
        reached("directory.made")
        return replace(before, person=person, maker=hashed, profile=(identifier,))

    async def bind(self, section: Section, identifier: Identifier, person: str, maker: str) -> bool:
        """Let an identifier mean a person, unless it means somebody already; whether it means this one now."""
        hashed = identifier.hash(section.hash_key)
        try:
            binding = _binding(section.id, hashed, identifier, person, maker)
            await self._writes.transact(Operation(Verb.INSERT, binding))
        except RowExists:
            pass
        finally:
            self._known.forget((section.id, hashed))
        reached("directory.bound")
        return (await self.at(section.id, hashed)).person == person

    async def list(self, section: Section, maker: str, identifiers: Sequence[Identifier]) -> None:
        """Add identifiers to the profile that lies at its maker; what is there already stays."""
        rows = [_listed(section, maker, one) for one in identifiers]
        await self._writes.transact(*(Operation(Verb.UPSERT, row) for row in rows))
        self._known.forget((section.id, maker))
        reached("directory.listed")

    async def say(self, section: Section, address: Identifier, purpose: str, said: dict[str, Value]) -> None:
        """Write what an address said of a purpose, and keep what it said before."""
        hashed = address.hash(section.hash_key)
        pk = _pk(section.id, hashed)
        rows = [
            Row(pk, f"i|{hashed}|c|{purpose}", said),
            Row(pk, f"s|{hashed}|{purpose}|{said['at']!s}", said),
        ]
        await self._tables.transact(PEOPLE.name, [Operation(Verb.UPSERT, row) for row in rows])
        self._known.forget((section.id, hashed))

    async def _read(self, place: tuple[str, str]) -> Known | None:
        section, hashed = place
        low = f"i|{hashed}"
        rows = self._tables.range(PEOPLE.name, _pk(section, hashed), low, f"{low}|{_AFTER}")
        found = {row.rk.removeprefix(low): row async for row in rows}
        if not found:
            return None
        whom = found.get("")
        return Known(
            person=str(whom.values["person"]) if whom else None,
            maker=str(whom.values["maker"]) if whom else None,
            profile=tuple(_identifier(row) for rest, row in found.items() if rest.startswith("|p|")),
            refused=frozenset(rest[3:] for rest, row in found.items() if _is_refusal(rest, row)),
        )


def _pk(section: str, hashed: str) -> str:
    return f"{section}|{hashed[:1]}"


def _binding(section: str, hashed: str, identifier: Identifier, person: str, maker: str) -> Row:
    values: dict[str, Value] = {"person": person, "maker": maker, "kind": identifier.kind, "schema": 1}
    return Row(_pk(section, hashed), f"i|{hashed}", values)


def _listed(section: Section, maker: str, identifier: Identifier) -> Row:
    # Addresses sort first, so that they are read however many devices follow.
    rank = 0 if identifier.kind in ADDRESSES else 1
    hashed = identifier.hash(section.hash_key)
    values: dict[str, Value] = {"kind": identifier.kind, "value": identifier.value, "schema": 1}
    return Row(_pk(section.id, maker), f"i|{maker}|p|{rank}|{hashed}", values)


def _identifier(row: Row) -> Identifier:
    return Identifier(str(row.values["kind"]), str(row.values["value"]))


def _is_refusal(rest: str, row: Row) -> bool:
    return rest.startswith("|c|") and row.values["state"] == "opted_out"
