"""What `make deployer` installs is all that the hooks need."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = "import sys, deploying.__main__; print(*{name.partition('.')[0] for name in sys.modules})"


@pytest.mark.slow
def test_the_hooks_load_nothing_but_what_is_deployed():
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    of_package = packages_distributions()

    loaded = {
        of_package[name][0].lower().replace("_", "-").replace(".", "-")
        for name in done.stdout.split()
        if name in of_package
    }

    assert {"azure-identity", "azure-storage-blob"} <= {*locked}
    assert loaded - {*locked} <= {"setuptools", "pip"}
