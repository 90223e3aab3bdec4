"""`make bench` has a line for what the door does with each request, and the documentation tells of each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = {
    "middle: authenticate by key": "by a key",
    "middle: authenticate by token": "by an access token",
    "middle: check a new token": "RSA\nsignature",
    "middle: webhook signature": "HMAC",
    "middle: webhook mapping": "to be mapped",
}
"""Lines for authentication (key, JWT, HMAC) and mapping, and where docs/performance.md tells of each."""


@pytest.mark.slow
def test_authentication_and_mapping_have_lines_with_what_a_request_costs():
    told = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "middle", "--rounds", "1"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=240,
    )
    costs = {one["name"]: one["cpu_ms_per_event"] for one in map(json.loads, told.stdout.splitlines())}

    assert costs.keys() >= LINES.keys()
    assert all(cost > 0 for cost in costs.values())


def test_each_of_them_is_told_of():
    text = (ROOT / "docs/performance.md").read_text()

    assert [words for words in LINES.values() if words not in text] == []
