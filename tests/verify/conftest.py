"""`make verify-azure`: the contract tests on a real account and namespace. In the ordinary suite nothing here is collected."""

import os
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.verify.account import ASKED_FOR, Names, NotNamed, RealAccount, own_container

collect_ignore_glob = [] if os.environ.get(ASKED_FOR) else ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(ASKED_FOR):
        try:
            Names.of()
        except NotNamed as error:
            raise pytest.UsageError(str(error)) from None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def account() -> AsyncIterator[RealAccount]:
    async with RealAccount(Names.of()) as real:
        yield real


@pytest.fixture
async def tables(account: RealAccount):
    async with account.tables() as tables:
        yield tables


@pytest.fixture
def table(account: RealAccount) -> str:
    return f"{account.prefix}{uuid4().hex}"


@pytest.fixture
async def blobs(account: RealAccount, monkeypatch: pytest.MonkeyPatch):
    own_container(monkeypatch, account)
    async with account.blobs() as blobs:
        yield blobs


@pytest.fixture
def name() -> str:
    return f"main/{uuid4().hex}"
