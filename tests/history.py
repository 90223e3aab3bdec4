"""What the history of this checkout says: which files came with the newest plug-in of a room."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NO_HISTORY = "elsewhere: this checkout has no history to look at"
"""A copy without .git, or a shallow clone: a skip there says nothing of the code."""


def git(*words: str) -> str:
    """What git says of this checkout; skips where it has no history."""
    try:
        told = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(NO_HISTORY)
    return told.stdout.strip()


def added_with_the_newest_of(room: str) -> set[str]:
    """The paths of the newest commit that added a module to a room such as `shared/sources/kinds`."""
    alone = git("rev-list", "--count", "HEAD") == "1"
    foreign = git("rev-parse", "--show-toplevel") != str(ROOT)
    if alone or foreign or git("rev-parse", "--is-shallow-repository") == "true":
        pytest.skip(NO_HISTORY)
    newest = git("log", "-1", "--no-renames", "--diff-filter=A", "--format=%H", "--", f"{room}/*.py")
    return {*git("show", "--no-renames", "--name-only", "--format=", newest).splitlines()}


def modules_in(room: str, paths: set[str]) -> list[str]:
    """The names of the modules among some paths that lie in a room."""
    return sorted(Path(path).stem for path in paths if str(Path(path).parent) == room)
