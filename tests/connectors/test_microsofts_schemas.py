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
    plain = re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda found: found[1] or "", bare)
    return json.loads(plain, object_hook=_referring)


def _referring(node: Doc) -> Doc:
    """Microsoft's references name definitions such as `x<api>`, which a URI does not hold as they are."""
    to = node.get("$ref")
    return {**node, "$ref": to.replace("<", "%3C").replace(">", "%3E")} if isinstance(to, str) else node


@pytest.mark.skipif(
    not WHERE, reason="elsewhere: SIGNALBOX_CONNECTOR_SCHEMAS names no checkout of Microsoft's schemas"
)
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


@pytest.mark.parametrize("draft", ["draft-04", "draft-07"])
def test_references_with_angle_brackets_lead_to_their_definitions(draft: str):
    text = """{
        "$schema": "http://json-schema.org/%s/schema#",
        "definitions": {"x<api>": {"type": "string"}, "$ref": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/definitions/x<api>"}, "$ref": {"$ref": "#/definitions/$ref"}},
    }"""
    check = jsonschema_rs.validator_for(strict(text % draft))

    assert check.is_valid({"a": "text", "$ref": 1})
    assert not check.is_valid({"a": 1})
    assert not check.is_valid({"$ref": "text"})


def test_draft_4_is_known_here():
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": True}

    assert not jsonschema_rs.validator_for(schema).is_valid(3)
