"""The net holds: each mutant, planted in a copy of the code, makes the test fail that is there to catch it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "docs")
SECONDS = 280


@pytest.fixture
def copy(tmp_path):
    """The code as it is, to be changed."""
    shutil.copytree(ROOT, tmp_path / "copy", ignore=LEFT_OUT)
    return tmp_path / "copy"


def plant(copy: Path, mutant: Mutant) -> None:
    file = copy / mutant.file
    text = file.read_text()
    count = text.count(mutant.old)
    assert count == 1, (
        f"The snippet stands {count} times in {mutant.file}: point the mutant at the code as it is."
    )
    file.write_text(text.replace(mutant.old, mutant.new))


def outcomes(copy: Path, tests: Sequence[str]) -> list[str]:
    """How each test ended in the copy: `passed`, or what it said."""
    report = copy / "report.xml"
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--junitxml={report}"]
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert report.exists(), ended.stdout + ended.stderr
    return [_outcome(case) for case in ET.parse(report).iter("testcase")]  # noqa: S314 - our own report


def _outcome(case: ET.Element) -> str:
    return next((f"{child.tag}: {child.get('message')}" for child in case), "passed")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_mutant_every_one_of_these_tests_passes(copy):
    told = outcomes(copy, sorted({mutant.caught_by for mutant in MUTANTS.values()}))

    assert len(told) >= len({mutant.caught_by for mutant in MUTANTS.values()})
    assert set(told) == {"passed"}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(copy, name):
    plant(copy, MUTANTS[name])
    told = outcomes(copy, [MUTANTS[name].caught_by])

    # It must be the test that objects: an import that breaks would make any test fail.
    assert any(re.match("failure: (assert|AssertionError)", one) for one in told), told
    assert not any(one.startswith("error") for one in told), told


def test_a_snippet_that_is_not_there_is_told(copy):
    gone = Mutant("shared/flow.py", "no such line\n", "", "no test")

    with pytest.raises(AssertionError, match=r"stands 0 times in shared/flow\.py"):
        plant(copy, gone)
