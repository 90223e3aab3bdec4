"""What the tests of this room stand on: a clock that stands still, tables in memory, an issuer that is played."""

import pytest

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
