"""The adapters are tested against the real parts."""

from uuid import uuid4

import pytest

from shared.azure.tables import AzureTables
from tests.fakes import FakeTables
from tests.real import azurite, broker, fresh_queue

__all__ = ["azurite", "broker", "fresh_queue"]


@pytest.fixture(params=["fake", "azurite"])
async def tables(request):
    if request.param == "fake":
        yield FakeTables()
    else:
        azurite = request.getfixturevalue("azurite")
        async with AzureTables(azurite.connection_string) as tables:
            yield tables


@pytest.fixture
def table():
    return f"t{uuid4().hex}"
