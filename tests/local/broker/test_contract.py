"""Every case of the table, through both clients of azure-servicebus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from azure.servicebus import ServiceBusClient, aio

from tests.local.broker import sending_cases, settling_cases
from tests.local.broker.bus import Bus
from tests.local.broker.conftest import BRIEF, PLAIN
from tests.local.broker.table import Case, Queues

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The client also retries what will never succeed, such as an unknown number, and would wait 10 seconds.
FAST: Any = {"retry_backoff_factor": 0.05}


@contextlib.asynccontextmanager
async def opened(client: ServiceBusClient | aio.ServiceBusClient) -> AsyncIterator[Queues]:
    queues = Queues(Bus(client, PLAIN), Bus(client, BRIEF))
    await asyncio.gather(*(queue.open() for queue in queues))
    yield queues
    await asyncio.gather(*(queue.close() for queue in queues))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sync", "aio"])
async def queues(request: pytest.FixtureRequest, connection_string: str) -> AsyncIterator[Queues]:
    if request.param == "aio":
        async with (
            aio.ServiceBusClient.from_connection_string(connection_string, **FAST) as client,
            opened(client) as queues,
        ):
            yield queues
    else:
        with ServiceBusClient.from_connection_string(connection_string, **FAST) as sync_client:
            async with opened(sync_client) as queues:
                yield queues


@pytest.mark.parametrize(
    "case", [*sending_cases.CASES, *settling_cases.CASES], ids=lambda case: case.run.__name__
)
async def test_a_queue_behaves_as_documented(case: Case, queues: Queues):
    try:
        await case.run(queues)
    finally:
        left = await asyncio.gather(queues.plain.clear(), queues.brief.clear())
    assert not any(left)
