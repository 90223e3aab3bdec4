"""Reads a connector's files as the platform does: its operations, and every schema with where it stands."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Doc = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "connectors/power-automate"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `item` is what stands around it."""

    id: str
    method: str
    path: str
    doc: Doc
    item: Doc

    @property
    def parameters(self) -> Mapping[str, Doc]:
        return {one["name"]: one for one in self.doc.get("parameters", [])}

    @property
    def body(self) -> Doc:
        """The schema of its body, or an empty one."""
        found: Doc = self.parameters.get("body", {}).get("schema", {})
        return found

    @property
    def good(self) -> tuple[str, Doc]:
        """The status and the description of its good answer."""
        return next((status, one) for status, one in self.doc["responses"].items() if status[0] == "2")

    @property
    def is_trigger(self) -> bool:
        return "x-ms-trigger" in self.doc

    @property
    def is_internal(self) -> bool:
        return self.doc.get("x-ms-visibility") == "internal"


@dataclass(frozen=True, slots=True)
class Place:
    """A schema, and where: what it belongs to, and whether it may be a dynamic one there."""

    at: str
    schema: Doc
    top: bool


class Swagger:
    """A definition of Swagger 2.0."""

    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.list = [
            Operation(one["operationId"], method, path, one, item)
            for path, item in doc["paths"].items()
            for method, one in item.items()
            if method in METHODS
        ]
        self.operations = {one.id: one for one in self.list}

    def resolved(self, schema: Doc) -> Doc:
        """The schema itself where it is only referred to."""
        name = schema.get("$ref", "").rpartition("/")[2]
        found: Doc = self.doc["definitions"][name] if name else schema
        return found

    def members(self, schema: Doc) -> Mapping[str, Doc]:
        """The properties of an object, or of a list's items."""
        whole = self.resolved(schema)
        found: Doc = whole.get("properties") or self.resolved(whole.get("items", {})).get("properties", {})
        return found

    def places(self) -> Iterator[Place]:
        """Every schema of the document, once."""
        for name, schema in self.doc["definitions"].items():
            yield from _within(f"definitions/{name}", schema, top=True)
        for one in self.list:
            yield from _within(f"{one.id}/body", one.body, top=True)
            for status, response in one.doc["responses"].items():
                yield from _within(f"{one.id}/{status}", response.get("schema", {}), top=True)
        for path, item in self.doc["paths"].items():
            told = item.get("x-ms-notification-content", {}).get("schema", {})
            yield from _within(f"{path}/notification", told, top=True)


def _within(at: str, schema: Doc, *, top: bool = False) -> Iterator[Place]:
    yield Place(at, schema, top)
    for name, one in schema.get("properties", {}).items():
        yield from _within(f"{at}/{name}", one)
    if "items" in schema:
        yield from _within(f"{at}/items", schema["items"])


def read(name: str) -> Doc:
    """One of the connector's files."""
    found: Doc = json.loads((FOLDER / name).read_text())
    return found
