"""The connector's files fit Microsoft's own schemas, where a checkout of them is named."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.connectors.swagger import Doc, read

WHERE = os.environ.get("SIGNALBOX_CONNECTOR_SCHEMAS", "")
"""The folder `schemas` of microsoft/PowerPlatformConnectors."""


def strict(text: str) -> Any:
    """JSON with what Microsoft adds to it: comments to the end of a line, and commas after the last member."""
    bare = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda found: found[1] or "", text)
    return json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda found: found[1] or "", bare))


@pytest.mark.skipif(not WHERE, reason="SIGNALBOX_CONNECTOR_SCHEMAS names no checkout of Microsoft's schemas")
@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("apiDefinition.swagger.schema.json", ["apiDefinition.swagger.json"]),
        ("paconn-apiProperties.schema.json", ["apiProperties.json", "apiProperties.entra.json"]),
    ],
)
def test_the_files_fit_microsofts_schemas(schema: str, names: list[str]):
    check = jsonschema_rs.validator_for(strict((Path(WHERE) / schema).read_text("utf-8-sig")))

    for name in names:
        assert [f"{one.instance_path}: {one.message}" for one in check.iter_errors(read(name))] == []


def test_comments_and_late_commas_are_no_json_and_are_read():
    text = '{"a": "//no, comment,}", // one\n "b": [1, 2,], }'
    found: Doc = strict(text)

    assert found == {"a": "//no, comment,}", "b": [1, 2]}


def test_draft_4_is_known_here():
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": True}

    assert not jsonschema_rs.validator_for(schema).is_valid(3)
