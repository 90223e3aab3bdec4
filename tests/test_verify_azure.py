"""`make verify-azure` runs what it says, on what it is pointed to, leaves nothing there, and refuses to guess."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite
from tests.deploying.azure_account import AzureAccount
from tests.real import QUEUES, RealBroker, azurite, broker
from tests.secure import Endpoints, endpoints
from tests.verify.account import Names, NotNamed, RealAccount

__all__ = ["azurite", "broker", "endpoints"]
ROOT = Path(__file__).parents[1]
MARK = "left-alone"


def verify(**named: str) -> subprocess.CompletedProcess[str]:
    # What this suite was started with is not meant for the one within.
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "VERIFY"))
    }
    return subprocess.run(
        ["make", "verify-azure"],  # noqa: S607
        env={**inherited, **named}, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_runs_against_what_it_is_pointed_to_and_leaves_nothing_there(azurite: Azurite, broker: RealBroker):
    connection = azurite.connection_string
    with TableServiceClient.from_connection_string(connection) as tables:
        tables.create_table("leftalone")
    with BlobServiceClient.from_connection_string(connection) as blobs:
        blobs.create_container(MARK)
    before = left_in(connection)

    done = verify(
        VERIFY_STORAGE_CONNECTION=connection,
        VERIFY_BUS_CONNECTION=broker.connection_string,
        VERIFY_QUEUES=",".join(QUEUES[:-4]),
    )

    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 70
    assert left_in(connection) == before


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_whoever_is_signed_in_needs_no_connection_string(
    endpoints: Endpoints, broker: RealBroker, tmp_path: Path
):
    account = AzureAccount.made(tmp_path / "az")

    done = verify(
        ARGS="-k 'receipt or comes_back or read_page_by_page'",
        VERIFY_TABLE_ENDPOINT=endpoints.tables,
        VERIFY_BLOB_ENDPOINT=endpoints.blobs,
        VERIFY_BUS_CONNECTION=broker.connection_string,
        VERIFY_QUEUES=",".join(QUEUES[-4:]),
        PATH=f"{account.folder}:{os.environ['PATH']}",
        SSL_CERT_FILE=str(endpoints.certificate),
        AZURE_TOKEN_CREDENTIALS="AzureCliCredential",
    )

    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr
    assert ["account", "get-access-token"] in [call[:2] for call in account.calls]


def left_in(connection: str) -> tuple[set[str], set[str]]:
    with TableServiceClient.from_connection_string(connection) as service:
        tables = {table.name for table in service.list_tables()}
    with BlobServiceClient.from_connection_string(connection) as blobs:
        return tables, {container.name for container in blobs.list_containers()}


@pytest.mark.slow
def test_without_a_place_it_runs_nothing_and_says_what_to_set():
    done = verify(VERIFY_BLOB_ENDPOINT="https://example.blob.core.windows.net")

    assert done.returncode != 0
    assert "Missing: VERIFY_TABLE_ENDPOINT, VERIFY_BUS_NAMESPACE" in done.stdout + done.stderr
    assert "passed" not in done.stdout


@pytest.mark.parametrize(
    "given",
    [
        {"VERIFY_STORAGE_CONNECTION": "s", "VERIFY_BUS_CONNECTION": "b"},
        {"VERIFY_TABLE_ENDPOINT": "t", "VERIFY_BLOB_ENDPOINT": "b", "VERIFY_BUS_NAMESPACE": "n"},
    ],
    ids=["connection strings", "whoever is signed in"],
)
def test_a_place_can_be_named_either_way(given):
    assert Names.of(given).queues == ()


async def test_too_few_queues_are_told_as_such():
    account = RealAccount(
        Names.of({"VERIFY_STORAGE_CONNECTION": "s", "VERIFY_BUS_CONNECTION": "b", "VERIFY_QUEUES": "one"})
    )

    assert await account.queue() == "one"
    with pytest.raises(NotNamed, match="VERIFY_QUEUES"):
        await account.queue()


def test_half_a_place_is_none():
    with pytest.raises(NotNamed, match="VERIFY_BLOB_ENDPOINT"):
        Names.of({"VERIFY_TABLE_ENDPOINT": "t", "VERIFY_BUS_NAMESPACE": "n"})


def test_the_ordinary_suite_collects_nothing_of_it():
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/verify"],
        env=inherited, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert "no tests collected" in done.stdout
