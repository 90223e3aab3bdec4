"""The script that makes the first master key, against a stand-in for `az` that keeps one secret in a file."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.azure.vault import MasterKeySeal

SCRIPT = Path(__file__).parents[2] / "infra/scripts/create-master-key.sh"
# `list` is refused as often as the file `refusals` has lines; every call's arguments are written down.
AZ = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
case "$3" in
list)
    if [ -s refusals ]; then sed -i 1d refusals; echo Forbidden >&2; exit 1; fi
    if [ -f secret ]; then echo signalbox-master-keys; fi ;;
set) cat > secret ;;
esac
"""

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="elsewhere: needs openssl")


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    az = tmp_path / "az"
    az.write_text(AZ)
    az.chmod(0o755)
    return tmp_path


def run(cloud: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "PATH": f"{cloud}:{os.environ['PATH']}",
        "AZURE_KEY_VAULT_NAME": "kv-1",
        "PATIENCE_SECONDS": "20",
        "PAUSE_SECONDS": "0",
        **changed,
    }
    return subprocess.run([SCRIPT], env=settings, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603


def test_the_first_run_makes_a_key_that_seals(cloud):
    assert run(cloud).returncode == 0
    seal = MasterKeySeal((cloud / "secret").read_text())
    assert seal.unseal("here", seal.seal("here", "text")) == "text"


def test_the_key_is_in_no_argument_and_no_output(cloud):
    result = run(cloud)
    key = (cloud / "secret").read_text().partition(":")[2]
    assert len(key) == 44
    assert key not in (cloud / "calls").read_text() + result.stdout + result.stderr


def test_a_second_run_changes_nothing(cloud):
    run(cloud)
    first = (cloud / "secret").read_text()
    assert run(cloud).returncode == 0
    assert (cloud / "secret").read_text() == first


def test_a_role_that_does_not_count_yet_is_waited_for(cloud):
    (cloud / "refusals").write_text("1\n2\n")
    assert run(cloud).returncode == 0
    assert (cloud / "secret").exists()


def test_a_vault_that_stays_closed_is_an_error_that_names_the_role(cloud):
    (cloud / "refusals").write_text("1\n2\n3\n4\n")
    result = run(cloud, PATIENCE_SECONDS="0.4")
    assert result.returncode == 1
    assert "Key Vault Secrets Officer" in result.stderr
    assert not (cloud / "secret").exists()


def test_without_openssl_nothing_is_stored(cloud):
    for program in ("sh", "dirname", "date", "cat"):
        (cloud / program).symlink_to(str(shutil.which(program)))

    result = run(cloud, PATH=str(cloud))

    assert result.returncode != 0
    assert "new master key" not in result.stdout
    assert not (cloud / "secret").exists()
