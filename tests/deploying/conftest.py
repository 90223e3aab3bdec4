"""A deployment's hooks, run as azd runs them: `infra/scripts/hook.sh` with the outputs in the environment."""

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from shared.azure.vault import new_master_key
from tests.deploying.azure_account import AzureAccount
from tests.secure import Endpoints, endpoints

__all__ = ["endpoints"]
ROOT = Path(__file__).parents[2]


@dataclass
class Hook:
    """The hook of a machine where only this account's `az` is signed in."""

    account: AzureAccount
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *steps: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own script
            [ROOT / "infra/scripts/hook.sh", *steps],
            env={**self.environment, **settings},
            cwd=self.account.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def azd(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a hook of azure.yaml: https://learn.microsoft.com/azure/developer/azure-developer-cli/azd-extensibility"""
        command = yaml.safe_load((ROOT / "azure.yaml").read_text())["hooks"][name]["posix"]["run"]
        return subprocess.run(  # noqa: S603 - our own scripts
            ["/bin/sh", "-c", command],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    def stopped(self, step: str, when: str, by: signal.Signals) -> tuple[int, str]:
        """The exit code and the rest of what is said when a step is stopped once it has said this."""
        with subprocess.Popen(  # noqa: S603 - our own script
            [ROOT / "infra/scripts/hook.sh", step],
            env=self.environment, cwd=self.account.folder, stdout=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            assert running.stdout
            assert any(when in line for line in running.stdout)
            running.send_signal(by)
            rest = running.stdout.read()
        return running.returncode, rest


@pytest.fixture
def account(tmp_path: Path) -> AzureAccount:
    return AzureAccount.made(tmp_path / "az")


@pytest.fixture
def hook(account: AzureAccount) -> Hook:
    environment = {
        "PATH": f"{account.folder}:{os.environ['PATH']}",
        "HOME": str(account.folder),
        "PAUSE_SECONDS": "0.05",
        "PATIENCE_SECONDS": "20",
        "AZURE_RESOURCE_GROUP": "rg-test",
        "AZURE_FUNCTION_NAME": "func-test",
        "AZURE_KEY_VAULT_NAME": "kv-test",
        "SIGNALBOX_COUNTRY": "SE",
    }
    return Hook(account, environment)


@pytest.fixture
def provisioned(hook: Hook, endpoints: Endpoints) -> Hook:
    """With storage that asks for tokens, and a vault with master keys."""
    hook.account.change(secrets={"signalbox-master-keys": new_master_key()})
    hook.environment |= {
        "AZURE_STORAGE_TABLE_ENDPOINT": endpoints.tables,
        "AZURE_PACKAGE_CONTAINER_URL": f"{endpoints.blobs}/app-package",
        "SIGNALBOX_URL": "https://func-test.example.com",
        "SSL_CERT_FILE": str(endpoints.certificate),
        "REQUESTS_CA_BUNDLE": str(endpoints.certificate),
    }
    return hook
