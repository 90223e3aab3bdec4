"""The fixtures of webhook sources: requests as vendors send them, what vendors make of answers, and settings to try."""

from pathlib import Path
from typing import Any

from shared import exact
from shared.exact import Json
from shared.sources import SourceKind, load

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sources"
BESIDE = ("policy", "settings", "vectors")
"""Files of a kind that are no request."""


def _read(pattern: str) -> dict[str, Any]:
    found = sorted(FIXTURES.glob(pattern))
    return {f"{path.parent.name}/{path.stem}": exact.loads(path.read_bytes()) for path in found}


def _by_kind(name: str) -> dict[str, dict[str, Any]]:
    return {place.partition("/")[0]: doc for place, doc in _read(f"*/{name}.json").items()}


CASES = {place: doc for place, doc in _read("*/*.json").items() if place.partition("/")[2] not in BESIDE}
POLICIES = _by_kind("policy")
VECTORS = {
    f"{place.partition('/')[0]}-{n}": one
    for place, doc in _read("*/vectors.json").items()
    for n, one in enumerate(doc)
}
"""Requests with the signature that their vendor, or its SDK, published."""
KIND_SETTINGS = _by_kind("settings")
"""For kinds that need settings: some that work."""


def settings_of(kind: str) -> Json:
    """Settings that this kind works with, or none."""
    return KIND_SETTINGS.get(kind)


def kind_of(kind: str) -> SourceKind:
    """The kind, set up so that it works."""
    return load(kind, settings_of(kind))
