"""The exported JSON Schema says what the fields say, as another implementation reads it."""

import json
from typing import Any

import pytest

from shared import exact
from shared.catalog.schema import json_schema
from tests.catalog.field_samples import Sample, samples

VERSION = {
    "id": "ver_0123456789abcdef",
    "number": 1,
    "createdAt": "2026-11-22T09:15:00.000Z",
    "fields": [
        {"name": "orderId", "type": "text", "required": True, "description": "The shop's own number."},
        {"name": "totalValue", "type": "decimal", "required": False, "description": ""},
    ],
}


def test_a_version_is_exported_as_json_schema_2020_12():
    assert json_schema(VERSION) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:signalbox:version:ver_0123456789abcdef",
        "type": "object",
        "properties": {
            "orderId": {
                "title": "Text",
                "description": "The shop's own number.",
                "type": "string",
                "maxLength": 32768,
                "x-ms-summary": "Order Id (Text)",
                "x-ms-visibility": "important",
            },
            "totalValue": {
                "title": "Number with decimals",
                "type": "number",
                "x-ms-summary": "Total Value (Number with decimals)",
            },
        },
        "required": ["orderId"],
        "additionalProperties": False,
    }


def validator(fields: list[dict[str, Any]]) -> Any:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    document = exact.dumps(json_schema({**VERSION, "fields": fields}))
    return jsonschema_rs.Draft202012Validator(json.loads(document), validate_formats=True)


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_a_schema_validator_agrees_on_every_sample_that_json_schema_can_tell(sample: Sample):
    field = {"name": "it", "type": sample.type, "required": True, "description": ""}

    assert validator([field]).is_valid({"it": json.loads(sample.json)}) == sample.schema_accepts


@pytest.mark.parametrize(
    "properties", [{}, {"orderId": "1", "other": "x"}, {"orderId": "1", "totalValue": None}, []]
)
def test_a_schema_validator_refuses_what_is_missing_unknown_or_null(properties: Any):
    assert not validator(VERSION["fields"]).is_valid(properties)  # type: ignore[arg-type]


def test_a_fields_name_for_people_is_no_longer_than_a_form_shows():
    fields = [{"name": "very" + "Long" * 20, "type": "decimal", "required": False, "description": ""}]

    [drawn] = json_schema({"id": "ver_0", "fields": fields})["properties"].values()

    assert len(drawn["x-ms-summary"]) == 80
    assert drawn["x-ms-summary"].endswith(" (Number with decimals)")
