"""A version's fields as a JSON Schema document, for whoever checks events before they are sent."""

import re
from collections.abc import Mapping

from shared.catalog.fields import FIELD_TYPES
from shared.exact import Json

_MOST_LABEL = 80
"""Characters (https://learn.microsoft.com/connectors/custom-connectors/connector-string-guidance)."""
_IMPORTANT: Mapping[bool, Mapping[str, Json]] = {True: {"x-ms-visibility": "important"}, False: {}}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(version: Mapping[str, Json]) -> dict[str, Json]:
    """The schema of the properties of an event of this version.

    `x-ms-summary` and `x-ms-visibility` draw the fields of a form in Power Automate and Logic Apps
    (https://learn.microsoft.com/connectors/custom-connectors/openapi-extensions).
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
    drawn = {"x-ms-summary": _label(field["name"], type_.label), **_IMPORTANT[field["required"]]}
    return {"title": type_.label, **described, **type_.json_schema, **drawn}


def _label(name: str, type_: str) -> str:
    """A field's name in words, with its type: `totalValue` is Total Value (Number with decimals)."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_-]+", " ", name)
    title = " ".join(word[:1].upper() + word[1:] for word in words.split())
    return f"{title[: _MOST_LABEL - len(type_) - 3]} ({type_})"
