"""What the Functions host finds in the app: every function with its bindings, and how little it loads."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.host import worker
from shared.access.rights import NEEDS

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden_index.json")
OPEN = {"GET /health/live", "POST /v1/hooks/{source}"}
"""Doors without a key: one tells nothing, the other authenticates by signature."""
HEAVY = (
    "azure.servicebus",
    "azure.data.tables",
    "azure.storage.blob",
    "azure.identity",
    "azure.core",
    "cryptography",
    "aiohttp",
    "phonenumbers",
    "msal",
)
MOST_MODULES = 650
"""What azure.functions brings is half of them; `make bench` says how long it takes."""
IMPORT = f"""
import json, sys
import function_app
print(json.dumps([len(sys.modules), [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def indexed() -> dict[str, list[dict[str, Any]]]:
    return {one.name: [dict(binding) for binding in one.bindings] for one in worker.index(ROOT)}


def doors() -> list[str]:
    triggers = [one.trigger for one in worker.index(ROOT) if one.trigger["type"] == "httpTrigger"]
    return [f"{method} /{trigger['route']}" for trigger in triggers for method in trigger["methods"]]


def test_the_host_finds_what_the_golden_file_lists():
    """After a wanted change: python -m tests.functions.test_index"""
    assert indexed() == json.loads(GOLDEN.read_text())


def test_every_door_has_its_right_and_every_right_its_door():
    assert sorted(doors()) == sorted([*NEEDS, *OPEN])


def test_no_door_asks_for_a_key_of_the_host():
    triggers = [one.trigger for one in worker.index(ROOT) if one.trigger["type"] == "httpTrigger"]

    assert {trigger["authLevel"].lower() for trigger in triggers} == {"anonymous"}


def test_importing_the_app_loads_no_heavy_library_and_not_much_else():
    command = [sys.executable, "-c", IMPORT]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603

    modules, heavy = json.loads(run.stdout)

    assert heavy == []
    assert modules <= MOST_MODULES


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(bindings)}" for name, bindings in indexed().items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
