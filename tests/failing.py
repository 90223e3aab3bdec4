"""Fakes that fail on demand: a queue that is away, tables that fail before or after a write."""

from collections.abc import Callable, Sequence
from datetime import datetime

from shared.errors import Unavailable
from shared.ports import Operation
from tests.fakes import FakeQueue, FakeTables

Fails = Callable[[str, Sequence[Operation]], Exception | None]
"""What a write to a table raises, if anything."""


class AwayQueue(FakeQueue):
    """A queue that can be away."""

    away = False

    async def send(self, queue: str, bodies: Sequence[str], *, at: datetime | None = None) -> None:
        if self.away:
            raise Unavailable("away")
        await super().send(queue, bodies, at=at)


class FailingTables(FakeTables):
    """Tables whose writes can fail before they take effect, or after; `away` fails everything."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Fails = _never
        self.after: Fails = _never

    def go_away(self) -> None:
        """Fail every write from now on."""
        self.before = lambda *_: Unavailable("away")

    def come_back(self) -> None:
        self.before = self.after = _never

    async def transact(self, table: str, operations: Sequence[Operation]) -> None:
        _raise(self.before(table, operations))
        await super().transact(table, operations)
        _raise(self.after(table, operations))


def _never(_table: str, _operations: Sequence[Operation]) -> None:
    return None


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error
