"""Routes: which definition goes to which destination, for what purpose, with which fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from shared import mapping, times
from shared.bodies import Body, Discriminator, Slug, read_body
from shared.catalog import own
from shared.catalog.compiled import version_key
from shared.errors import Fault, Invalid, NotFound
from shared.event import Stored
from shared.exact import Json
from shared.ports import Clock
from shared.registry import Kind, Record, Registry
from shared.routing import conditions, subscribed
from shared.routing.conditions import Condition, Types

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
    versions: tuple[str, ...] | None = None
    """Of the definition: the ids of those whose events take it, or all."""
    condition: Condition | None = None
    types: Types = field(default_factory=dict)
    """Of what the condition looks at."""

    def takes(self, stored: Stored) -> bool:
        """Whether an event of its definition takes it."""
        if self.versions is not None and stored.event.version not in self.versions:
            return False
        return self.condition is None or conditions.holds(self.condition, self.types, stored)


MAX_ROUTE_VERSIONS = 50


class RouteChange(Body):
    """What a route is changed to: without a mapping the properties go as they are, without a condition all events do."""

    purpose: Slug | None = None
    mapping: dict[str, Json] | None = None
    versions: (
        Annotated[
            list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=MAX_ROUTE_VERSIONS)
        ]
        | None
    ) = None
    condition: dict[str, Json] | None = None


class RouteBody(RouteChange):
    """A route to create: from an event to a destination, and what it is changed to later."""

    event: Discriminator
    destination: str = Field(max_length=64)


class Routes:
    """Creates, changes, lists, reads and pauses routes."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def create(self, section: str, body: Json, id: str) -> dict[str, Json]:
        """Connect a definition with a destination; `id` is random. Raises Invalid."""
        record = await self._made(section, read_body(RouteBody, body), id)
        await self._registry.create(record)
        return _shown(record)

    async def change(self, section: str, id: str, body: Json) -> dict[str, Json]:
        """Replace what it sends of which events, whole; what waits goes on by the new one, within CACHE_SECONDS.

        From where to where it leads stays. Raises NotFound, Invalid, Conflict.
        """
        wanted = read_body(RouteChange, body)
        record = await self._record(section, id)
        ends = {"event": record.doc["event"], "destination": record.doc["destination"]}
        said = {name: getattr(wanted, name) for name in RouteChange.model_fields}
        whole = RouteBody.model_construct(**ends, **said)
        made = (await self._made(section, whole, id)).doc
        kept = {"status": record.doc["status"], "createdAt": record.doc["createdAt"]}
        changed = record.with_doc(**{**made, **kept})
        await self._registry.replace(changed)
        return _shown(changed)

    async def draft(self, section: str, wanted: RouteBody) -> Route:
        """The route that `create` would make. Nothing is stored. Raises Invalid."""
        return _route(await self._made(section, wanted, "draft"))

    async def _made(self, section: str, wanted: RouteBody, id: str) -> Record:
        if wanted.mapping is not None:
            mapping.compile_mapping(wanted.mapping, "/mapping")
        definition = await self._definition(section, wanted)
        types = await self._types(section, definition)
        _check(wanted, definition, types)
        doc = {
            "event": wanted.event,
            "destination": wanted.destination,
            "purpose": wanted.purpose or definition.doc["purpose"],
            "mapping": wanted.mapping,
            "versions": wanted.versions,
            "condition": wanted.condition,
            "fieldTypes": conditions.types_used(wanted.condition, types) if wanted.condition else {},
            "status": "active",
            "createdAt": times.text(self._clock.now()),
        }
        return Record(Kind.ROUTE, section, id, doc)

    async def list(self, section: str) -> list[dict[str, Json]]:
        return [_shown(record) for record in await self._registry.list(Kind.ROUTE, section)]

    async def read(self, section: str, id: str) -> dict[str, Json]:
        return _shown(await self._record(section, id))

    async def set_status(self, section: str, id: str, status: Status) -> dict[str, Json]:
        """Pause or resume; events that arrive while a route is paused do not take it later."""
        record = (await self._record(section, id)).with_doc(status=status)
        await self._registry.replace(record)
        return _shown(record)

    async def of_event(self, section: str, event: str, *, paused_too: bool = False) -> Sequence[Route]:
        """The active routes of a definition, and its subscriptions, which are routes as well."""
        routes = await self._registry.listed(Kind.ROUTE, section)
        subscriptions = await self._registry.listed(Kind.SUBSCRIPTION, section)
        runs = ("active", "paused") if paused_too else ("active",)
        return [
            *(_route(one) for one in routes if one.doc["event"] == event and one.doc["status"] in runs),
            *(_subscribed(one, event) for one in subscriptions if event in one.doc["events"]),
        ]

    async def find(self, section: str, id: str) -> Route | None:
        if subscribed.is_subscription(id):
            found = await self._registry.find(Kind.SUBSCRIPTION, section, id)
            return None if found is None else _subscribed(found, found.doc["events"][0])
        record = await self._registry.find(Kind.ROUTE, section, id)
        return None if record is None else _route(record)

    async def _definition(self, section: str, wanted: RouteBody) -> Record:
        definition = own.definition(wanted.event)
        definition = definition or await self._registry.read(Kind.DEFINITION, section, wanted.event)
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

    async def _types(self, section: str, definition: Record) -> Types:
        """What a condition may look at: the fields of the definition's active version, beside the envelope."""
        place = version_key(definition.id, int(definition.doc["active"]))
        if own.is_own(definition.id):
            fields: Sequence[Mapping[str, Json]] = own.fields(definition.id)
        else:
            version = await self._registry.read(Kind.VERSION, section, place)
            fields = version.doc["fields"] if version else ()
        return conditions.types_of({one["name"]: one["type"] for one in fields})

    async def _record(self, section: str, id: str) -> Record:
        record = await self._registry.read(Kind.ROUTE, section, id)
        if record is None:
            raise NotFound("There is no such route in this section.")
        return record


def _route(record: Record) -> Route:
    doc = record.doc
    versions = doc.get("versions")
    return Route(
        id=record.id,
        event=doc["event"],
        destination=doc["destination"],
        purpose=doc["purpose"],
        mapping=doc["mapping"],
        status=doc["status"],
        versions=None if versions is None else tuple(versions),
        condition=doc.get("condition"),
        types=doc.get("fieldTypes", {}),
    )


def _subscribed(record: Record, event: str) -> Route:
    """The route of a subscription for one of its events."""
    return Route(
        id=record.id,
        event=event,
        destination=record.id,
        purpose=record.doc["purposes"][event],
        mapping=None,
        status="active",
        condition=subscribed.condition(record, event),
        types=subscribed.types(),
    )


def _check(wanted: RouteBody, definition: Record, types: Types) -> None:
    """Raises Invalid for a version that the definition does not have, and for a condition that cannot hold."""
    known = {entry["id"] for entry in definition.doc["versions"]}
    faults = [
        Fault(f"/versions/{number}", "Name a version of the definition.", "the id of a version", "unknown")
        for number, id in enumerate(wanted.versions or ())
        if id not in known
    ]
    if wanted.condition is not None:
        faults += conditions.faults_in(wanted.condition, types, "/condition")
    if faults:
        raise Invalid("The route has errors. Correct each member that is listed.", faults=faults)


def _shown(record: Record) -> dict[str, Json]:
    """Routes that were made before there were conditions have none."""
    hidden = ("schema", "fieldTypes")
    shown = {name: value for name, value in record.doc.items() if name not in hidden}
    return {"id": record.id, "versions": None, "condition": None, **shown}
