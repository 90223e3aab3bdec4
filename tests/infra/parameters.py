"""The parameters of main.bicep as azd fills them in, from its file and from an environment's values."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.infra.bicep import INFRA, MAIN, parse

STAGES = ("dev", "test", "prod")
OF_AZD: dict[str, str] = {
    "AZURE_ENV_NAME": "try",
    "AZURE_LOCATION": "swedencentral",
    "AZURE_PRINCIPAL_ID": "00000000-0000-0000-0000-000000000001",
}
"""What azd knows of every environment."""
CHOSEN = {"ALERT_EMAILS": "a@example.com, b@example.com", "BUDGET_START": "2026-11-01"}
"""What somebody chooses who wants all that there is."""
_FILLED = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")


def file() -> dict[str, str]:
    """What main.parameters.json says of each parameter."""
    found = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    return {name: one["value"] for name, one in found.items()}


def variables() -> dict[str, str | None]:
    """The environment's values that are asked for, each with what is taken without it."""
    return {found[1]: found[2] for text in file().values() for found in _FILLED.finditer(text)}


def values_of(stage: str) -> dict[str, str]:
    """What `azd env set --file infra/parameters/<stage>.env` sets."""
    lines = (INFRA / f"parameters/{stage}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def given(stage: str, known: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The parameters of a deployment, of the types that main.bicep declares; azd turns texts into them.

    `known` is what the environment knows: all that a stage and somebody with wishes set, unless it is given.
    """
    known = OF_AZD | CHOSEN | values_of(stage) if known is None else known
    declared = parse((INFRA / MAIN).read_text())["parameters"]
    return {name: _typed(declared.get(name, {}), _filled(text, known)) for name, text in file().items()}


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _FILLED.sub(lambda found: known.get(found[1], found[2] or ""), text)


def _typed(declared: Mapping[str, Any], text: str) -> Any:
    if declared.get("type") == "int" and text.isdecimal():
        return int(text)
    if declared.get("type") == "bool" and text in {"true", "false"}:
        return text == "true"
    return text
