"""A deployer's commands reach a deployment's storage with whoever is signed in, and say so when nobody is."""

import json
import os
import subprocess
import sys

import pytest

from local.settings import ROOT
from shared.azure.vault import new_master_key
from tests.secure import endpoints, token

__all__ = ["endpoints"]
pytestmark = pytest.mark.slow


@pytest.fixture
def command(endpoints, tmp_path):
    """`python -m local ...` on a deployment's storage, on a machine where `az` says what it is told to say."""

    def run(answer: str, *words: str) -> subprocess.CompletedProcess[str]:
        az = tmp_path / "bin/az"
        az.parent.mkdir(exist_ok=True)
        az.write_text(f"#!/bin/sh\n{answer}\n")
        az.chmod(0o755)
        environment = {
            "STORAGE_TABLE_ENDPOINT": endpoints.tables,
            "SIGNALBOX_MASTER_KEYS": new_master_key(),
            "SIGNALBOX_HOME": str(tmp_path / "home"),
            "PATH": f"{az.parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "SSL_CERT_FILE": str(endpoints.certificate),
            # Of the default chain only `az`: asking for a managed identity takes its time on a machine that has none.
            "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential",
        }
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "local", *words],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return run


def signed_in() -> str:
    made = token()
    return f"echo '{json.dumps({'accessToken': made.token, 'expires_on': made.expires_on})}'"


def test_whoever_has_signed_in_makes_the_first_key_and_backs_it_up(command, tmp_path):
    made = command(signed_in(), "key", "create", "--section", "*", "--name", "operator")
    saved = command(signed_in(), "backup", str(tmp_path / "saved"))
    again = command(signed_in(), "restore", str(tmp_path / "saved"), "--over")
    listed = command(signed_in(), "key", "list", "--section", "*")

    assert made.returncode == saved.returncode == again.returncode == 0, (made, saved, again)
    assert "3 rows of registry" in saved.stdout
    assert [key["id"] for key in json.loads(listed.stdout)] == [json.loads(made.stdout)["id"]]


def test_nobody_signed_in_is_told_to_sign_in(command, tmp_path):
    asked = command(
        "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
        "backup",
        str(tmp_path / "saved"),
    )

    assert asked.returncode == 1
    assert "Sign in with `az login`" in asked.stderr
    assert "Traceback" not in asked.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
