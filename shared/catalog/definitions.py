"""Definitions as people write them: create, list and read them, and add versions, which never change."""

import hashlib
from collections.abc import Mapping, Sequence

from shared import times
from shared.bodies import read_body
from shared.catalog import own
from shared.catalog.bodies import DefinitionBody, FieldBody, VersionBody, faults_of_definition, repeated_names
from shared.catalog.compiled import version_key
from shared.errors import Conflict, NotFound
from shared.event import is_event_name
from shared.exact import Json, Number
from shared.ports import Clock
from shared.registry import Kind, Record, Registry

MAX_VERSIONS = 1_000

Doc = dict[str, Json]
Docs = list[Doc]


class Definitions:
    """The catalog as it is edited. Event and category of a definition never change.

    A version is written before the definition that names it: a crash in between leaves a row that nothing
    reaches, and the same request works again.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def create(self, section: str, body: Json, default_days: int | None = None) -> Doc:
        """Define an event. Raises Invalid with every fault, Conflict when the name is taken or reserved, LimitReached.

        `default_days` is the section's own retention, for a body that names none.
        """
        if default_days is not None and isinstance(body, Mapping) and "retentionDays" not in body:
            body = {**body, "retentionDays": Number(str(default_days))}
        wanted = read_body(DefinitionBody, body, also=faults_of_definition)
        if own.is_own(wanted.event):
            raise Conflict(f"{wanted.event} is reserved for Signalbox itself. Choose another name.")
        if await self._registry.read(Kind.DEFINITION, section, wanted.event):
            raise Conflict(f"{wanted.event} is defined already. Add a version to it, or choose another name.")
        await self._registry.require_room(Kind.DEFINITION, section)
        version = await self._write_version(section, wanted.event, wanted.fields, first=1)
        doc = {
            "event": wanted.event,
            "category": wanted.event.partition(".")[0],
            **wanted.model_dump(by_alias=True, exclude={"event", "fields"}),
            "versions": [_entry(version)],
            "active": version["number"],
        }
        await self._registry.create(Record(Kind.DEFINITION, section, wanted.event, doc))
        return _shown(doc, version)

    async def add_version(self, section: str, event: str, body: Json) -> Doc:
        """Give an event new fields, active at once; the older versions stay accepted.

        Raises NotFound, Invalid with every fault, and Conflict when someone else changed the definition meanwhile
        or it has MAX_VERSIONS.
        """
        wanted = read_body(VersionBody, body, also=repeated_names)
        record = await self._record(section, event)
        listed = record.doc["versions"]
        version = await self._write_version(
            section, event, wanted.fields, first=int(listed[-1]["number"]) + 1
        )
        changed = record.with_doc(versions=[*listed, _entry(version)], active=version["number"])
        await self._registry.replace(changed)
        return _shown(changed.doc, version)

    async def read(self, section: str, event: str) -> Doc:
        """A definition with the fields of its active version. Raises NotFound."""
        record = await self._record(section, event)
        return _shown(record.doc, await self._version(record, int(record.doc["active"])))

    async def versions(self, section: str, event: str) -> Docs:
        """The versions of an event, oldest first, without their fields. Raises NotFound."""
        doc = (await self._record(section, event)).doc
        return [
            {**entry, "status": "active" if entry["number"] == doc["active"] else "accepted"}
            for entry in doc["versions"]
        ]

    async def read_version(self, section: str, event: str, version_id: str) -> Doc:
        """One version with its fields. Raises NotFound."""
        record = await self._record(section, event)
        for entry in record.doc["versions"]:
            if entry["id"] == version_id:
                return _version(await self._version(record, int(entry["number"])))
        raise NotFound(f"{event} has no such version. List its versions for their ids.")

    async def list(self, section: str) -> Docs:
        """Every definition of the section by name, its version without the fields."""
        return [_shown(record.doc, _active(record.doc)) for record in await self._records(section)]

    async def _records(self, section: str) -> Sequence[Record]:
        return await self._registry.list(Kind.DEFINITION, section)

    async def _record(self, section: str, event: str) -> Record:
        found = await self._registry.read(Kind.DEFINITION, section, event) if is_event_name(event) else None
        if found is None:
            raise NotFound(
                "No event of this name is defined in this section. List the definitions for their names."
            )
        return found

    async def _version(self, definition: Record, number: int) -> Mapping[str, Json]:
        key = version_key(definition.id, number)
        found = await self._registry.find(Kind.VERSION, definition.section, key)
        if found is None:
            raise NotFound(f"The document of {definition.id} version {number} is gone. Add a new version.")
        return found.doc

    async def _write_version(
        self, section: str, event: str, fields: Sequence[FieldBody], *, first: int
    ) -> Mapping[str, Json]:
        """Write the version under the first free number, or find it there from an attempt that did not end."""
        wanted = [field.model_dump(by_alias=True) for field in fields]
        for number in range(first, MAX_VERSIONS + 1):
            record = self._new_version(section, event, number, wanted)
            try:
                await self._registry.create(record)
                return record.doc
            except Conflict:
                left = await self._registry.read(Kind.VERSION, section, record.id)
                if left and left.doc["fields"] == wanted:
                    return left.doc
        raise Conflict(f"{event} has {MAX_VERSIONS} versions, which is the most. Define a new event.")

    def _new_version(self, section: str, event: str, number: int, fields: Docs) -> Record:
        doc: Doc = {
            "id": version_id(section, event, number),
            "number": number,
            "createdAt": times.text(self._clock.now()),
            "fields": fields,
        }
        return Record(Kind.VERSION, section, version_key(event, number), doc)


def version_id(section: str, event: str, number: int) -> str:
    """The id of a version: opaque to callers, derived so that an attempt that is repeated names the same."""
    return "ver_" + hashlib.sha256(f"{section}|{event}|{number}".encode()).hexdigest()[:16]


def _entry(version: Mapping[str, Json]) -> Doc:
    return {name: version[name] for name in ("id", "number", "createdAt")}


def _version(version: Mapping[str, Json]) -> Doc:
    return {name: value for name, value in version.items() if name != "schema"}


def _active(doc: Mapping[str, Json]) -> Doc:
    return next(entry for entry in reversed(doc["versions"]) if entry["number"] == doc["active"])


def _shown(doc: Mapping[str, Json], version: Mapping[str, Json]) -> Doc:
    hidden = ("schema", "versions", "active")
    return {
        "fromBrowsers": "store",
        "staleAfterHours": None,
        "unique": None,
        **{name: value for name, value in doc.items() if name not in hidden},
        "version": _version(version),
        "versions": len(doc["versions"]),
        "warnings": [*_retention_warnings(doc), *_field_warnings(version), *_unique_warnings(doc, version)],
    }


def _retention_warnings(doc: Mapping[str, Json]) -> list[str]:
    if doc["retentionDays"] is not None:
        return []
    return ["Events are kept forever: storage grows without end. Choose retentionDays if the volume is high."]


def _unique_warnings(doc: Mapping[str, Json], version: Mapping[str, Json]) -> list[str]:
    """A version may lack a field by which events are alike; then none of its events is."""
    if not doc.get("unique") or "fields" not in version:
        return []
    names = {field["name"] for field in version["fields"]}
    gone = [name for name in doc["unique"]["by"] if name not in names]
    return [f"Events of this version are never alike: unique names {', '.join(gone)}."] if gone else []


def _field_warnings(version: Mapping[str, Json]) -> list[str]:
    silent = [field["name"] for field in version.get("fields", ()) if not field["description"]]
    return [f"Describe what these fields mean: {', '.join(silent)}."] if silent else []
