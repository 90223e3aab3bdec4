"""Fakes that fail on demand: a queue that is away, tables that fail before or after a write."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Unavailable
from shared.ports import Operation, Row
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

    async def waited(self, queue: str) -> timedelta:
        if self.away:
            raise Unavailable("away")
        return await super().waited(queue)


class FailingTables(FakeTables):
    """Tables whose writes can fail before they take effect, or after; and that can be away altogether."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Fails = _never
        self.after: Fails = _never
        self._away = False

    def go_away(self) -> None:
        """Fail every call from now on."""
        self._away = True

    def come_back(self) -> None:
        """Fail nothing any more."""
        self._away = False
        self.before = self.after = _never

    async def get(self, table: str, pk: str, rk: str) -> Row | None:
        self._be_there()
        return await super().get(table, pk, rk)

    async def delete(self, table: str, pk: str, rk: str) -> None:
        self._be_there()
        await super().delete(table, pk, rk)

    async def transact(self, table: str, operations: Sequence[Operation]) -> Sequence[str | None]:
        self._be_there()
        _raise(self.before(table, operations))
        written = await super().transact(table, operations)
        _raise(self.after(table, operations))
        return written

    async def range(self, *args: Any, **options: Any) -> AsyncIterator[Row]:
        self._be_there()
        async for row in super().range(*args, **options):
            yield row

    def _be_there(self) -> None:
        if self._away:
            raise Unavailable("away")


def _never(_table: str, _operations: Sequence[Operation]) -> None:
    return None


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error
