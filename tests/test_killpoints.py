"""Kill points are named in one place, reached in the code, and told in the notes with what heals each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import killpoints
from shared.killpoints import POINTS, reached

ROOT = Path(__file__).parents[1]
WITHOUT = {
    "apart",
    "backup",
    "capture",
    "count_again",
    "dry_run",
    "export",
    "funnel",
    "letter",
    "listing",
    "mentioning",
    "metrics",
    "own_events",
    "pace",
    "preview",
    "replay_choice",
    "resends",
    "usage",
    "vitals",
    "waiting",
    "why",
}
"""Operations that change nothing, or by way of the line alone, whose points are theirs; and a backup is restored by a person, who does it again."""


@pytest.fixture
def told():
    names: list[str] = []
    killpoints.arm(names.append)
    yield names
    killpoints.arm(None)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def names_reached(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reached":
            (name,) = node.args
            assert isinstance(name, ast.Constant), f"{path.name} computes the name of a kill point"
            yield str(name.value)


def awaits(path: Path) -> bool:
    return any(isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) for node in ast.walk(tree(path)))


def test_every_point_is_reached_and_every_one_that_is_reached_is_declared():
    names = {name for path in (ROOT / "shared").rglob("*.py") for name in names_reached(path)}

    assert names == POINTS.keys()


@pytest.mark.parametrize("room", ["stages", "operations"])
def test_every_step_that_waits_for_something_has_a_kill_point(room):
    steps = [path for path in (ROOT / "shared" / room).glob("*.py") if awaits(path)]
    without = {path.stem for path in steps if not [*names_reached(path)]}

    assert len(steps) > 4
    assert without == (WITHOUT if room == "operations" else set())


def test_every_point_is_in_the_table_of_crash_points():
    notes = (ROOT / "docs/design-notes.md").read_text()
    table = notes.partition("## Crash points")[2].partition("\n## ")[0]

    assert sorted(re.findall(r"`([a-z_]+\.[a-z-]+)`", table)) == sorted(POINTS)


def test_nothing_happens_in_a_process_that_is_not_armed():
    for name in POINTS:
        reached(name)


def test_an_armed_process_hears_of_every_point(told):
    for name in POINTS:
        reached(name)

    assert told == [*POINTS]
