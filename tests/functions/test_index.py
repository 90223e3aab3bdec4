"""What the Functions host finds in the app: every function with its bindings, and how little it loads."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

from local.host import worker
from shared.access.rights import NEEDS

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden_index.json")
HOOK = "/v1/hooks/{source}"
ASKED_FIRST = {f"OPTIONS {path}" for path in ("/v1/events", "/v1/events/batch", HOOK)}
TELLING = {
    f"GET /{path}" for path in ("openapi.json", "reference", "problems", "problems/{type}", "llms.txt")
}
OPEN = {
    "GET /health/live",
    "GET /health/ready",
    "GET /v1/me",
    f"POST {HOOK}",
    f"GET {HOOK}",
    *TELLING,
    *ASKED_FIRST,
}
"""Doors that ask for no right: some tell nothing of the deployment, one tells whose credential it is, the others are for
vendors, who sign what they post."""
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
MOST_MODULES = 680
"""What azure.functions brings is half of them; `make bench` says how long it takes."""
IMPORT = f"""
import json, sys
import function_app
print(json.dumps([len(sys.modules), [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def indexed() -> dict[str, list[dict[str, Any]]]:
    return {one.name: [dict(binding) for binding in one.bindings] for one in worker.index(ROOT)}


def triggers() -> list[dict[str, Any]]:
    return [dict(one.trigger) for one in worker.index(ROOT) if one.trigger["type"] == "httpTrigger"]


def doors() -> list[str]:
    return [f"{method} /{one['route']}" for one in triggers() for method in one.get("methods", ())]


def test_the_host_finds_what_the_golden_file_lists():
    """After a wanted change: python -m tests.functions.test_index"""
    assert indexed() == json.loads(GOLDEN.read_text())


def test_every_door_has_its_right_and_every_right_its_door():
    asked = [door for door in doors() if not door.startswith("HEAD ")]

    assert sorted(asked) == sorted([*NEEDS, *OPEN])


def test_whoever_may_read_may_ask_for_the_head_of_it():
    reads = [door.partition(" ")[2] for door in doors() if door.startswith("GET ")]

    assert [door.partition(" ")[2] for door in doors() if door.startswith("HEAD ")] == reads


def test_no_two_doors_could_take_the_same_request():
    """The host would take the one whose function is first in the alphabet."""
    named = [door for door in doors() if not door.startswith("HEAD ")]

    assert [pair for pair in combinations(named, 2) if overlap(*pair)] == []


def overlap(one: str, other: str) -> bool:
    """Whether a request could fit both routes: method and literals are the same, a parameter fits anything."""
    parts, others = re.split("[ /]", one), re.split("[ /]", other)
    same = (a == b or "{" in a + b for a, b in zip(parts, others, strict=False))
    return len(parts) == len(others) and all(same)


def test_the_door_that_takes_everything_is_tried_last():
    taking_all = [one.name for one in worker.index(ROOT) if one.trigger.get("route") == "{*path}"]

    assert taking_all == [max(indexed(), key=str.upper)]


def test_no_door_asks_for_a_key_of_the_host():
    assert {trigger["authLevel"].lower() for trigger in triggers()} == {"anonymous"}


def test_importing_the_app_loads_no_heavy_library_and_not_much_else():
    command = [sys.executable, "-c", IMPORT]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603

    modules, heavy = json.loads(run.stdout)

    assert heavy == []
    assert modules <= MOST_MODULES


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(bindings)}" for name, bindings in indexed().items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
