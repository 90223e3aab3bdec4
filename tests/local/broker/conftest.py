"""The broker under test: the local one, or a real namespace.

With SIGNALBOX_TEST_SERVICEBUS set to a connection string, the cases run against it. It needs two queues,
both with dead-lettering on expiration: `signalbox-test-plain` (lock 1 minute, 10 deliveries) and
`signalbox-test-brief` (lock 5 seconds, 3 deliveries).
"""

import os
from collections.abc import AsyncIterator

import pytest_asyncio

from local.broker import Broker, QueueSettings

PLAIN, BRIEF = "signalbox-test-plain", "signalbox-test-brief"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connection_string() -> AsyncIterator[str]:
    given = os.environ.get("SIGNALBOX_TEST_SERVICEBUS")
    if given:
        yield given
        return
    queues = [QueueSettings(PLAIN), QueueSettings(BRIEF, lock_seconds=1, max_deliveries=3)]
    async with Broker(queues) as broker:
        yield broker.connection_string
