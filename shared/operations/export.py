"""Export: everything of a section as records, page after page: configuration, its audit, people, consent, events."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from shared import exact
from shared.access.sections import Section
from shared.errors import Fault, Invalid
from shared.exact import Json
from shared.line import Line
from shared.operations.listing import told_of
from shared.people.identifiers import Identifier
from shared.registry import Kind
from shared.stores.contents import MOST, PARTS, Part

MAX_BYTES = 2 * 1024 * 1024
"""A page of events ends with the one that reaches this."""
_DOCUMENTS = (
    *(Kind.KEY, Kind.CLIENT, Kind.DEFINITION, Kind.VERSION),
    *(Kind.SOURCE, Kind.DESTINATION, Kind.ROUTE, Kind.SUBSCRIPTION),
)
_AUDITED = (Kind.SECTION, *_DOCUMENTS, Kind.ACT)


@dataclass(frozen=True, slots=True)
class _Step:
    """Where an export is: what its records are called there, and how what comes after a key is read."""

    name: str
    record: str
    read: Callable[[str], Awaitable[Part]]


async def page(line: Line, id: str, after: str | None) -> dict[str, Json]:
    """Some records of a section, and `next`, from where to go on: None at the end.

    `after` is the `next` of the page before. What changes meanwhile is told as it was or as it is. Raises NotFound,
    Invalid.
    """
    section = await line.sections.read(id)
    steps = [*_steps(line, section)]
    number, last = (0, "") if after is None else _place(after, steps)
    while True:
        step = steps[number]
        found = await step.read(last)
        number, last = (number + 1, "") if found.last is None else (number, found.last)
        is_end = number == len(steps)
        if found.told or is_end:
            records = [{"record": step.record, **one} for one in found.told]
            return {"records": records, "next": None if is_end else _cursor(steps[number].name, last)}


def _steps(line: Line, section: Section) -> Iterator[_Step]:
    contents, id = line.contents, section.id
    yield _Step("section", "section", partial(_settings, line, id))
    for kind in _DOCUMENTS:
        yield _Step(kind, kind, partial(contents.documents, id, kind))
    for kind in _AUDITED:
        yield _Step(f"change-{kind}", "change", partial(contents.changes, id, kind))
    for part in PARTS:
        yield _Step(f"person-{part}", "person", partial(_people, line, section, part))
    for part in PARTS:
        yield _Step(f"consent-{part}", "consent", partial(contents.said, id, part))
    for bucket in range(section.buckets):
        yield _Step(f"event-{bucket}", "event", partial(_events, line, section, bucket))


async def _settings(line: Line, id: str, _: str) -> Part:
    return Part([await line.sections.show(id)], None)


async def _people(line: Line, section: Section, part: str, after: str) -> Part:
    """Profiles, each identifier with the keyed hash under which its consents are told."""
    found = await line.contents.people(section.id, part, after)
    profiles = await asyncio.gather(*(line.people.read(section, str(one["id"])) for one in found.told))
    return Part([_with_hashes(section, one) for one in profiles if one], found.last)


def _with_hashes(section: Section, profile: dict[str, Json]) -> dict[str, Json]:
    identifiers = [
        {**one, "hash": Identifier(one["kind"], one["value"]).hash(section.hash_key)}
        for one in profile["identifiers"]
    ]
    return {**profile, "identifiers": identifiers}


async def _events(line: Line, section: Section, bucket: int, after: str) -> Part:
    """Events as their receipts tell them, with what the sender's key and the definition said."""
    told: list[dict[str, Json]] = []
    size = 0
    async for stored in line.ledger.after(section.id, bucket, after, MOST):
        trail = await line.receipts.trail(section.id, stored.id)
        told.append({**told_of(section, stored, trail), "key": stored.event.key})
        size += len(exact.dumps(told[-1]))
        if size >= MAX_BYTES or len(told) == MOST:
            return Part(told, stored.id)
    return Part(told, None)


def _cursor(step: str, last: str) -> str:
    return base64.urlsafe_b64encode(f"{step} {last}".encode()).decode().rstrip("=")


def _place(cursor: str, steps: Sequence[_Step]) -> tuple[int, str]:
    """The number of a step, and the key to go on after. Raises Invalid for what is no cursor of ours."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        name, space, last = text.partition(" ")
        if space and last.isprintable():
            return [step.name for step in steps].index(name), last
    except (binascii.Error, ValueError):
        pass
    fault = Fault("/after", "Send the `next` of an earlier answer.", "a cursor")
    raise Invalid("The query cannot be used.", faults=[fault])
