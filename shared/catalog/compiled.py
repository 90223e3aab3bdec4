"""Definitions made fast: a version's fields compiled to one pydantic validator, found by name for the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, core_schema

from shared.cached import Cached
from shared.catalog import own
from shared.catalog.fields import FIELD_TYPES
from shared.documents import read_unique
from shared.errors import Fault, SignalboxError, UnknownEvent, UnknownVersion
from shared.event import Unique, is_event_name
from shared.exact import Json
from shared.faults import faults_of
from shared.registry import Kind, Record, Registry

MAX_COMPILED = 1_000
"""How many compiled versions an instance keeps; they never change, so age does not matter."""

_SCHEMAS = {name: TypeAdapter(type_.annotation).core_schema for name, type_ in FIELD_TYPES.items()}


def version_key(event: str, number: int) -> str:
    """The id of a version's document; a definition's versions sort by number."""
    return f"{event}|{number:06d}"


class Check(Protocol):
    def __call__(self, properties: Json, prefix: str = "/properties") -> list[Fault]: ...


@dataclass(frozen=True, slots=True)
class CompiledVersion:
    """The fields of one version, ready to check properties."""

    fields: Mapping[str, Mapping[str, Json]]
    validator: SchemaValidator

    def check(self, properties: Json, prefix: str = "/properties") -> list[Fault]:
        """All that is wrong with the properties; the properties are left as they are."""
        try:
            self.validator.validate_python(properties)
        except ValidationError as error:
            return [self._explained(fault, prefix) for fault in faults_of(error, prefix)]
        return []

    def _explained(self, fault: Fault, prefix: str) -> Fault:
        name = fault.pointer.removeprefix(prefix + "/")
        field = self.fields.get(name)
        if field is None:
            return self._unknown(fault, name) if fault.pointer != prefix else fault
        return replace(fault, detail=_detail(fault, field), expected=FIELD_TYPES[field["type"]].expected)

    def _unknown(self, fault: Fault, name: str) -> Fault:
        meant = next((known for known in self.fields if known.lower() == name.lower()), None)
        advice = f"Rename it to {meant}." if meant else "Remove it, or add it in a new version."
        return replace(fault, detail=f"This version has no such field. {advice}")


def compile_fields(fields: Sequence[Mapping[str, Json]]) -> CompiledVersion:
    """Compile fields as a version's document holds them (name, type, required)."""
    schema = core_schema.typed_dict_schema(
        {
            field["name"]: core_schema.typed_dict_field(_SCHEMAS[field["type"]], required=field["required"])
            for field in fields
        },
        extra_behavior="forbid",
    )
    return CompiledVersion({field["name"]: field for field in fields}, SchemaValidator(schema))


@dataclass(frozen=True, slots=True)
class Usable:
    """A version that an event can be checked against, and what its definition says of such events."""

    event: str
    version: str
    number: int
    purpose: str
    retention_days: int | None
    browsers_start: bool
    stale_after_hours: int | None
    unique: Unique | None
    check: Check


class Catalog:
    """Finds definitions for the line, which only reads them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._compiled: Cached[tuple[str, str, int], CompiledVersion] = Cached(
            self._compile, seconds=3600, most=MAX_COMPILED
        )

    async def find(self, section: str, event: str, version_id: str | None) -> Usable:
        """The version asked for, or the active one; a definition may be CACHE_SECONDS old.

        Raises UnknownEvent or UnknownVersion.
        """
        found = await self._definition(section, event) if is_event_name(event) else None
        if found is None:
            raise _unknown_event()
        version = _choose(found, version_id)
        number = int(version["number"])
        compiled = await self._compiled.get((section, event, number))
        if compiled is None:
            raise SignalboxError(f"The document of {event} version {number} is gone. Add a new version.")
        return Usable(event, version["id"], number, *_terms(found), compiled.check)

    async def _definition(self, section: str, event: str) -> Record | None:
        return own.definition(event) or await self._registry.find(Kind.DEFINITION, section, event)

    async def _compile(self, place: tuple[str, str, int]) -> CompiledVersion | None:
        section, event, number = place
        if own.definition(event):
            return compile_fields(own.fields(event))
        version = await self._registry.read(Kind.VERSION, section, version_key(event, number))
        return None if version is None else compile_fields(version.doc["fields"])


def _choose(definition: Record, version_id: str | None) -> Mapping[str, Json]:
    doc = definition.doc
    # newest first: that is the one nearly everybody means
    versions: list[Mapping[str, Json]] = doc["versions"][::-1]
    active = next(version for version in versions if version["number"] == doc["active"])
    if version_id is None:
        return active
    for version in versions:
        if version["id"] == version_id:
            return version
    raise _unknown_version(definition.id, active["id"])


def _terms(definition: Record) -> tuple[str, int | None, bool, int | None, Unique | None]:
    doc = definition.doc
    days, hours = doc["retentionDays"], doc.get("staleAfterHours")
    starts = doc.get("fromBrowsers") == "start"
    return doc["purpose"], _whole(days), starts, _whole(hours), read_unique(doc.get("unique"))


def _whole(number: Json) -> int | None:
    return None if number is None else int(number)


def _unknown_event() -> UnknownEvent:
    detail = "No event of this name is defined in this section. Define it, or send a name from the catalog."
    return UnknownEvent(detail, faults=[Fault("/event", detail, "the name of a defined event")])


def _unknown_version(event: str, active: str) -> UnknownVersion:
    detail = f"{event} has no such version. Leave `version` out, or send the active one: {active}."
    return UnknownVersion(detail, faults=[Fault("/version", detail, active)])


def _detail(fault: Fault, field: Mapping[str, Json]) -> str:
    if fault.received == "nothing":
        return "Add this field: it is required."
    if fault.received == "null":
        return (
            "Send a value: it is required." if field["required"] else "Leave it out instead of sending null."
        )
    return fault.detail
