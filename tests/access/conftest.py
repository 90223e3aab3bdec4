"""What the tests of this room stand on: a clock that stands still, tables in memory, an issuer that is played."""

from collections.abc import Iterator

import pytest

from shared.access import tokens
from shared.access.keys import Keys
from shared.registry import Registry
from tests.access.issuing import PlayedIssuer
from tests.fakes import FakeClock, FakeTables


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tables() -> FakeTables:
    return FakeTables()


@pytest.fixture
def issuer(clock: FakeClock) -> PlayedIssuer:
    return PlayedIssuer(clock)


@pytest.fixture
def secrets() -> Iterator[bytes]:
    return (bytes([number]) * tokens.SECRET_BYTES for number in range(100, 256))


@pytest.fixture
def keys(tables: FakeTables, clock: FakeClock) -> Keys:
    return Keys(Registry(tables), clock)
