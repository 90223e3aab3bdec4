"""Forms of JSON in words: what a JSON Schema of the description allows, as HTML."""

import json
from html import escape

from functions.pages.frame import prose, table
from shared.exact import Json

BOUNDS = {
    "format": "",
    "pattern": "pattern",
    "minLength": "at least characters:",
    "maxLength": "at most characters:",
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "minItems": "at least items:",
    "maxItems": "at most items:",
    "minProperties": "at least members:",
    "maxProperties": "at most members:",
    "default": "without it",
}
NAMES = {"string": "text", "object": "object", "null": "null", "boolean": "true or false"}


def form(name: str, schema: Json) -> str:
    """The section of one named form: what it is for, and its members."""
    told = f"<p>{prose(schema['description'])}</p>" if "description" in schema else ""
    members = schema.get("properties")
    body = members_of(schema) if members else f"<p>{kind(schema)}</p>"
    return f'<section><h3 id="form-{escape(name)}">{escape(name)}</h3>{told}{body}</section>'


def members_of(schema: Json) -> str:
    """The members of an object as a table."""
    required = schema.get("required", ())
    rows = [
        (
            f"<code>{escape(name)}</code>",
            kind(member, required=name in required),
            prose(member.get("description", "")),
        )
        for name, member in schema["properties"].items()
    ]
    return table("Members", ("Name", "What", "About"), rows)


def kind(schema: Json, *, required: bool = False) -> str:
    """What a value may be, in a few words, with its bounds; and that it must be there."""
    must = "<strong>required</strong>: " if required else ""
    if not isinstance(schema, dict):
        return must + "anything"
    bounds = [f"{text} {_value(schema[name])}".strip() for name, text in BOUNDS.items() if name in schema]
    return must + ", ".join([_kind(schema), *bounds])


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#form-{name}">{name}</a>'
    sides = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if sides:
        return " or ".join(dict.fromkeys(map(kind, sides)))
    if "const" in schema or "enum" in schema:
        return " or ".join(_value(one) for one in schema.get("enum", [schema.get("const")]))
    return _typed(schema)


def _typed(schema: Json) -> str:
    type_ = schema.get("type")
    if isinstance(type_, list):
        return " or ".join(_typed({**schema, "type": one}) for one in type_)
    if type_ == "array":
        return f"list of: {kind(schema['items'])}" if "items" in schema else "list"
    of = schema.get("additionalProperties")
    if type_ == "object" and isinstance(of, dict) and of:
        return f"object, each member: {kind(of)}"
    return NAMES.get(type_, type_ or "anything")


def _value(value: Json) -> str:
    return f"<code>{escape(value if isinstance(value, str) else json.dumps(value))}</code>"
