"""What is under test: a queue alone, the local broker, or a real namespace.

With SIGNALBOX_TEST_SERVICEBUS set to a connection string, the cases run against it. It needs two queues,
both with dead-lettering on expiration: `signalbox-test-plain` (lock 1 minute, 10 deliveries) and
`signalbox-test-brief` (lock 5 seconds, 3 deliveries).
"""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from local.broker import Broker, QueueSettings
from local.broker.queue import Queue
from tests.local.broker.small_queue import SETTINGS, Clock

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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Queue:
    return Queue(SETTINGS, clock, dead_letters=Queue(SETTINGS, clock))
