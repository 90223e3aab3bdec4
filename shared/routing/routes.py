"""Routes: which definition goes to which destination, for what purpose, with which fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from shared import mapping, times
from shared.bodies import Body, Discriminator, Slug, read_body
from shared.errors import Fault, Invalid, NotFound
from shared.exact import Json
from shared.ports import Clock
from shared.registry import Kind, Record, Registry

Status = Literal["active", "paused"]


@dataclass(frozen=True, slots=True)
class Route:
    """One way out for one definition's events."""

    id: str
    event: str
    destination: str
    purpose: str
    mapping: Mapping[str, Json] | None
    status: Status


class RouteBody(Body):
    """A route to create; without a mapping the properties go as they are."""

    event: Discriminator
    destination: str = Field(max_length=64)
    purpose: Slug | None = None
    mapping: dict[str, Json] | None = None


class Routes:
    """Creates, lists, reads and pauses routes."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def create(self, section: str, body: Json, id: str) -> dict[str, Json]:
        """Connect a definition with a destination; `id` is random. Raises Invalid."""
        wanted = read_body(RouteBody, body)
        if wanted.mapping is not None:
            mapping.compile_mapping(wanted.mapping, "/mapping")
        definition = await self._definition(section, wanted)
        doc = {
            "event": wanted.event,
            "destination": wanted.destination,
            "purpose": wanted.purpose or definition.doc["purpose"],
            "mapping": wanted.mapping,
            "status": "active",
            "createdAt": times.text(self._clock.now()),
        }
        await self._registry.create(Record(Kind.ROUTE, section, id, doc))
        return _shown(Record(Kind.ROUTE, section, id, doc))

    async def list(self, section: str) -> list[dict[str, Json]]:
        return [_shown(record) for record in await self._registry.list(Kind.ROUTE, section)]

    async def read(self, section: str, id: str) -> dict[str, Json]:
        return _shown(await self._record(section, id))

    async def set_status(self, section: str, id: str, status: Status) -> dict[str, Json]:
        """Pause or resume; events that arrive while a route is paused do not take it later."""
        record = (await self._record(section, id)).with_doc(status=status)
        await self._registry.replace(record)
        return _shown(record)

    async def of_event(self, section: str, event: str) -> Sequence[Route]:
        """The active routes of a definition."""
        records = await self._registry.listed(Kind.ROUTE, section)
        return [
            _route(record)
            for record in records
            if record.doc["event"] == event and record.doc["status"] == "active"
        ]

    async def find(self, section: str, id: str) -> Route | None:
        record = await self._registry.find(Kind.ROUTE, section, id)
        return None if record is None else _route(record)

    async def _definition(self, section: str, wanted: RouteBody) -> Record:
        definition = await self._registry.read(Kind.DEFINITION, section, wanted.event)
        destination = await self._registry.read(Kind.DESTINATION, section, wanted.destination)
        missing = []
        if definition is None:
            missing.append(Fault("/event", "Define the event first.", "an event of this section", "unknown"))
        if destination is None:
            missing.append(
                Fault(
                    "/destination",
                    "Create the destination first.",
                    "a destination of this section",
                    "unknown",
                )
            )
        if definition is None or missing:
            raise Invalid("The route points to what does not exist.", faults=missing)
        return definition

    async def _record(self, section: str, id: str) -> Record:
        record = await self._registry.read(Kind.ROUTE, section, id)
        if record is None:
            raise NotFound("There is no such route in this section.")
        return record


def _route(record: Record) -> Route:
    doc = record.doc
    return Route(record.id, doc["event"], doc["destination"], doc["purpose"], doc["mapping"], doc["status"])


def _shown(record: Record) -> dict[str, Json]:
    return {"id": record.id, **{name: value for name, value in record.doc.items() if name != "schema"}}
