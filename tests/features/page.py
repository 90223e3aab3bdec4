"""Writes docs/features.md from the marks of the tests that would run: python -m tests.features.page"""

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.features.marks import marked
from tests.features.register import PAGE, page, rows, unshown

TESTS = Path(__file__).parents[1]


class Collected:
    """Keeps the marks of the tests that would run: what configuration deselects is not among them."""

    marked: dict[str, set[str]]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.marked = marked(session.items)


def made() -> str:
    """The page as it should be. Exits where the suite cannot be collected or a claimed row is shown by nothing."""
    collected = Collected()
    with redirect_stdout(io.StringIO()) as told:
        code = pytest.main(
            ["--collect-only", "-q", "-p", "no:cacheprovider", *_marked_files()], plugins=[collected]
        )
    if code:
        sys.exit(told.getvalue())
    register = rows()
    if missing := unshown(register, collected.marked):
        sys.exit(f"No test shows {', '.join(missing)}: mark one, or say in the register what they lack.")
    return page(register, collected.marked)


def _marked_files() -> list[str]:
    """Those of the suite's files that have a mark: collecting them all takes ten times as long."""
    return [str(path) for path in sorted(TESTS.rglob("test_*.py")) if "mark.feature(" in path.read_text()]


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(made())
    else:
        PAGE.write_text(made())
