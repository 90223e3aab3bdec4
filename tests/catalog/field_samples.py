"""The fixtures of the field types: what each accepts and refuses, as JSON text, and why."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.catalog.fields import FIELD_TYPES

FIXTURES = Path(__file__).parents[1] / "fixtures" / "fields"


@dataclass(frozen=True, slots=True)
class Sample:
    type: str
    json: str
    reason: str
    accepted: bool
    schema_accepts: bool

    def __str__(self) -> str:
        return f"{self.type}-{self.reason}"


def samples() -> list[Sample]:
    """Every sample of every field type. Fails for a type without a fixture."""
    return [sample for type_ in FIELD_TYPES for sample in _of(type_)]


def _of(type_: str) -> Iterator[Sample]:
    fixture: Mapping[str, list[dict[str, str]]] = json.loads((FIXTURES / f"{type_}.json").read_text("utf-8"))
    for accepted in (True, False):
        for sample in fixture["accepted" if accepted else "refused"]:
            schema_accepts = accepted or bool(sample.get("schemaAccepts"))
            yield Sample(type_, sample["json"], sample["reason"], accepted, schema_accepts)
