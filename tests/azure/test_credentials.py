"""Tables and blobs with a token instead of a key, as in a deployment: Azurite over TLS with its OAuth check."""

import json

import pytest

from shared.azure.blobs import AzureBlobs
from shared.azure.bus import ServiceBusQueue
from shared.azure.tables import AzureTables
from shared.errors import Unavailable
from shared.ports import Row
from tests.secure import Identity, endpoints

__all__ = ["endpoints"]


@pytest.mark.slow
async def test_tables_take_a_token(endpoints):
    async with AzureTables(endpoint=endpoints.tables, credential=Identity()) as tables:
        await tables.insert("events", Row("p", "r", {"n": 1}))
        row = await tables.get("events", "p", "r")
        assert row is not None
        assert row.values == {"n": 1}


@pytest.mark.slow
async def test_blobs_take_a_token(endpoints):
    async with AzureBlobs(endpoint=endpoints.blobs, credential=Identity()) as blobs:
        await blobs.put("main/1", b"body")
        assert await blobs.get("main/1") == b"body"


@pytest.mark.slow
async def test_a_token_for_something_else_is_unavailable_and_logged_by_its_code(endpoints, caplog):
    other = Identity("https://servicebus.azure.net")
    async with AzureTables(endpoint=endpoints.tables, credential=other) as tables:
        with pytest.raises(Unavailable):
            await tables.get("events", "p", "r")
    async with AzureBlobs(endpoint=endpoints.blobs, credential=other) as blobs:
        with pytest.raises(Unavailable):
            await blobs.get("main/1")
    told = [json.loads(one.getMessage()) for one in caplog.records if one.name == "signalbox.azure"]
    assert [(one["part"], one["error"]) for one in told] == [
        ("Table Storage", "AuthenticationFailed"),
        ("Blob Storage", "AuthenticationFailed"),
    ]


@pytest.mark.parametrize("adapter", [AzureTables, AzureBlobs, ServiceBusQueue])
async def test_an_adapter_needs_to_know_where_and_as_whom(adapter):
    missing = adapter()
    call = {
        AzureTables: lambda: missing.get("events", "p", "r"),
        AzureBlobs: lambda: missing.get("main/1"),
        ServiceBusQueue: lambda: missing.send("events", ["body"]),
    }[adapter]
    with pytest.raises(ValueError, match="connection string"):
        await call()
