"""A skipped real part fails CI and nothing else does; each case is a pytest run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MARKED = "import pytest\n@pytest.mark.skipif(True, reason='Azurite is not installed')\ndef test_it(): pass\n"
MODULE = "import pytest\npytest.importorskip('proton_that_is_not_there')\ndef test_it(): pass\n"
ELSEWHERE = "import pytest\ndef test_it(): pytest.skip('elsewhere: a live namespace')\n"
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_it(): raise ValueError\n"


def run(tmp_path: Path, code: str, *options: str, require: bool) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_example.py").write_text(code)
    plugins = ["-p", "tests.real_parts", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    return subprocess.run(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-m", "pytest", "-q", *plugins, *options, str(tmp_path)],
        env={**os.environ, "SIGNALBOX_REQUIRE_REAL": "1" if require else "", "PYTEST_ADDOPTS": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "distributed"])
@pytest.mark.parametrize("code", [MARKED, MODULE], ids=["test", "module"])
def test_a_skipped_real_part_fails_where_it_is_required(tmp_path, code, options):
    result = run(tmp_path, code, *options, require=True)
    assert result.returncode != 0
    assert "SIGNALBOX_REQUIRE_REAL forbids it" in result.stdout


@pytest.mark.parametrize("code", [ELSEWHERE, EXPECTED_FAILURE], ids=["elsewhere", "expected failure"])
def test_what_can_never_run_here_stays_a_skip(tmp_path, code):
    assert run(tmp_path, code, require=True).returncode == 0


def test_a_bare_machine_may_skip(tmp_path):
    result = run(tmp_path, MARKED, require=False)
    assert result.returncode == 0
    assert "1 skipped" in result.stdout
