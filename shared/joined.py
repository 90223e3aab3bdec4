"""Joined: small transactions in one partition that meet become one."""

import asyncio
from collections.abc import Sequence
from itertools import chain

from shared.errors import Unavailable
from shared.gather import Gather
from shared.ports import (
    MAX_OPERATIONS,
    Operation,
    RowChanged,
    RowExists,
    RowTooLarge,
    Tables,
    Verb,
)

_REFUSED = (RowExists, RowChanged, RowTooLarge)
Etags = Sequence[str | None]


class Joined:
    """Transactions on one table. When one stands in the way of the others, each goes by itself."""

    def __init__(self, tables: Tables, table: str, *, operations: int = 1, pause_seconds: float = 0) -> None:
        """`operations` is how many a transaction has, at most, to be joined with others."""
        self._tables, self._table, self._operations = tables, table, operations
        self._lanes = Gather(self._together, most=MAX_OPERATIONS // operations, pause_seconds=pause_seconds)

    async def transact(self, *operations: Operation) -> Etags:
        """Like `Tables.transact`, and it raises the same, for its own operations only."""
        if len(operations) > self._operations:
            return await self._tables.transact(self._table, operations)
        done = await self._lanes.add(operations[0].row.pk, operations)
        if isinstance(done, Exception):
            raise done
        return done

    async def _together(self, _: str, waiting: Sequence[Sequence[Operation]]) -> Sequence[Etags | Exception]:
        together = [*chain(*waiting)]
        if len(waiting) > 1 and len({one.row.rk for one in together}) == len(together):
            try:
                etags = iter(await self._tables.transact(self._table, together))
            except _REFUSED:
                pass
            else:
                return [[next(etags) for _ in one] for one in waiting]
        return await asyncio.gather(*map(self._alone, waiting))

    async def _alone(self, operations: Sequence[Operation]) -> Etags | Exception:
        try:
            if len(operations) > 1:
                return await self._tables.transact(self._table, operations)
            return [await self._write(operations[0])]
        except (*_REFUSED, Unavailable) as error:
            return error

    async def _write(self, operation: Operation) -> str | None:
        """One row needs no transaction around it."""
        row = operation.row
        match operation.verb:
            case Verb.INSERT:
                await self._tables.insert(self._table, row)
            case Verb.UPSERT:
                await self._tables.upsert(self._table, row)
            case Verb.REPLACE:
                return await self._tables.replace(self._table, row)
            case Verb.MERGE:
                return await self._tables.merge(self._table, row)
            case Verb.DELETE:
                await self._tables.delete(self._table, row.pk, row.rk)
        return None
