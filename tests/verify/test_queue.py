"""The contract of a queue on the real namespace, each case in a queue of its own."""

import pytest

from tests.azure import test_queue_contract
from tests.azure.test_queue_contract import BusFar, Ends
from tests.verify.account import RealAccount
from tests.verify.contract import cases_of

globals().update(cases_of(test_queue_contract, "ends"))


@pytest.fixture
async def ends(account: RealAccount):
    name = await account.queue()
    async with account.bus() as bus, account.bus_client() as client:
        yield Ends(bus, name, BusFar(client, name))
