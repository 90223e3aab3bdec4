"""The newest kind of source came as docs/adding-a-source.md says: one file and its fixtures, and nothing else."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from shared.sources import KINDS

ROOT = Path(__file__).parents[2]
ROOM = "shared/sources/kinds"
NO_HISTORY = "elsewhere: this checkout has no history to look at"
"""A copy without .git, or a shallow clone: a skip there says nothing of the code."""


def git(*words: str) -> str:
    """What git says of this checkout; skips where it has no history."""
    try:
        told = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(NO_HISTORY)
    return told.stdout.strip()


@pytest.fixture
def added() -> set[str]:
    """The paths of the newest commit that added a kind."""
    alone = git("rev-list", "--count", "HEAD") == "1"
    foreign = git("rev-parse", "--show-toplevel") != str(ROOT)
    if alone or foreign or git("rev-parse", "--is-shallow-repository") == "true":
        pytest.skip(NO_HISTORY)
    newest = git("log", "-1", "--no-renames", "--diff-filter=A", "--format=%H", "--", f"{ROOM}/*.py")
    return {*git("show", "--no-renames", "--name-only", "--format=", newest).splitlines()}


def test_the_newest_kind_is_one_file_and_its_fixtures(added):
    kinds = [PurePosixPath(path).stem for path in added if PurePosixPath(path).parent == PurePosixPath(ROOM)]
    fixtures = {path for path in added if path.startswith(f"tests/fixtures/sources/{kinds[0]}/")}

    assert len(kinds) == 1
    assert kinds[0] in KINDS
    assert added - fixtures == {f"{ROOM}/{kinds[0]}.py"}
    assert len(fixtures) > 1
