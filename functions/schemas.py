"""JSON Schemas of the forms that doors take and give, as pydantic makes them, in the words of OpenAPI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from shared.exact import Json

_BOUNDS = {"ge": "minimum", "le": "maximum"}
"""pydantic leaves a bound by its own name where a validator of ours stands before it."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """What stands for each form in an operation, and the components that it may refer to."""

    of: Mapping[Any, Json]
    components: Mapping[str, Json]


def schemas_of(forms: Iterable[Any]) -> Schemas:
    """The schemas of types that pydantic knows; each model among them is a component."""
    inputs = [(form, "validation", TypeAdapter(form)) for form in dict.fromkeys(forms) if form is not bytes]
    found, rest = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return Schemas({form: _tidy(schema) for (form, _), schema in found.items()}, _tidy(rest["$defs"]))


def _tidy(schema: Json) -> Json:
    """Without pydantic's titles, which only repeat the names, and its null defaults."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        _BOUNDS.get(name, name): _tidy(member)
        for name, member in schema.items()
        if not (name == "title" and isinstance(member, str)) and not (name == "default" and member is None)
    }
