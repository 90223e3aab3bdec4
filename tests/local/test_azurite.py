"""The real Azurite through the real SDKs."""

import os
import signal
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite, Ports, installed
from local.process import StartError, accepts, free_ports

pytestmark = [
    pytest.mark.skipif(not installed(), reason="Azurite is not installed: make setup"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def in_memory():
    with Azurite() as azurite:
        yield azurite


def test_a_table_row_comes_back(in_memory):
    with TableServiceClient.from_connection_string(in_memory.connection_string) as service:
        table = service.create_table("rows")
        table.create_entity({"PartitionKey": "p", "RowKey": "r", "Amount": 42})
        assert table.get_entity("p", "r")["Amount"] == 42


def test_a_blob_comes_back(in_memory):
    with BlobServiceClient.from_connection_string(in_memory.connection_string) as service:
        container = service.create_container("bodies")
        container.upload_blob("one", b"\x00body")
        assert container.download_blob("one").readall() == b"\x00body"


def test_all_three_services_are_named_with_the_ports_that_were_chosen(in_memory):
    assert 0 not in in_memory.ports
    for name, port in zip(("Blob", "Queue", "Table"), in_memory.ports, strict=True):
        assert accepts(port)
        assert f"{name}Endpoint=http://127.0.0.1:{port}/devstoreaccount1" in in_memory.connection_string


def test_a_stop_keeps_what_was_acknowledged(tmp_path: Path):
    azurite = Azurite(tmp_path, ports=Ports(*free_ports(3)))
    with azurite, TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.create_table("rows")
        for number in range(20):
            table.create_entity({"PartitionKey": "p", "RowKey": str(number)})
        before = azurite.ports
    with azurite, TableServiceClient.from_connection_string(azurite.connection_string) as service:
        assert azurite.ports == before
        assert len(list(service.get_table_client("rows").list_entities())) == 20


def test_a_signal_to_the_parents_group_spares_the_emulator(in_memory):
    assert os.getpgid(in_memory.pid) != os.getpgrp()


def test_a_taken_port_is_an_error_that_says_so(in_memory):
    with pytest.raises(StartError, match="EADDRINUSE"):
        Azurite(ports=Ports(*in_memory.ports)).start()


def test_a_killed_emulator_starts_again(tmp_path: Path):
    azurite = Azurite(tmp_path).start()
    assert azurite.pid
    os.kill(azurite.pid, signal.SIGKILL)
    azurite.stop()
    assert azurite.pid is None
    with azurite:
        assert accepts(azurite.ports.table)
