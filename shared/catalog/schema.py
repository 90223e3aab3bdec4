"""A version's fields as a JSON Schema document, for whoever checks events before they are sent."""

from collections.abc import Mapping

from shared.catalog.fields import FIELD_TYPES
from shared.exact import Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(version: Mapping[str, Json]) -> dict[str, Json]:
    """The schema of the properties of an event of this version.

    It accepts all that we accept. It cannot say how a number is written, so it takes 1.0 and 1e2 as integers and
    any count of digits; and most validators check `format` only when told to.
    """
    return {
        "$schema": DIALECT,
        "$id": f"urn:signalbox:version:{version['id']}",
        "type": "object",
        "properties": {field["name"]: _property(field) for field in version["fields"]},
        "required": [field["name"] for field in version["fields"] if field["required"]],
        "additionalProperties": False,
    }


def _property(field: Mapping[str, Json]) -> dict[str, Json]:
    type_ = FIELD_TYPES[field["type"]]
    described = {"description": field["description"]} if field["description"] else {}
    return {"title": type_.label, **described, **type_.json_schema}
