"""The event of smoke tests: of a section of its own, about nobody, a test, with no route, and gone after a day."""

from typing import Any

from shared.exact import Json, Number

SECTION = "smoke"
SOURCE = "smoke test"
EVENT = "signals.smoke-test"
DEFINITION: Json = {
    "event": EVENT,
    "title": "Smoke test",
    "description": "A deployment was tried. It is about nobody and goes nowhere.",
    "purpose": "transactional",
    "retentionDays": Number("1"),
    "fields": [
        {"name": "probe", "type": "text", "required": True, "description": "What was tried"},
    ],
}


def event(probe: str) -> dict[str, Any]:
    """What is posted."""
    return {"event": EVENT, "test": True, "properties": {"probe": probe}}
