"""Belongings: all that a section has in any table or container, found by its keys and by nothing else.

Every partition key of a section begins with its id and a bar, so its rows lie side by side in each table, whatever they
are: those of a newer version, too, and those of a destination or a source that is no longer there.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from shared import exact
from shared.ports import MAX_OPERATIONS, Blobs, Operation, Row, RowChanged, Tables, Verb, bytes_of
from shared.registry import FINDABLE
from shared.storage import DUE, REGISTRY, REPLAYS, ROLLUPS, TABLES, USAGE, Store
from shared.stores.due import SHARDS
from shared.stores.notices import PARTITION

Batch = tuple[str, Sequence[Row]]
"""A table, and rows of one partition of it, as many as fit a transaction."""
_KEYS_ONLY: Sequence[str] = ()
_BY_ID_ALONE = (USAGE, REPLAYS, ROLLUPS)
"""Here the id is the whole partition key."""


class Belongings:
    """Finds and deletes what a section has."""

    def __init__(self, tables: Tables, blobs: Blobs) -> None:
        self._tables, self._blobs = tables, blobs

    async def rows(self, section: str) -> AsyncIterator[Batch]:
        """Every row, by its keys alone; the registry's last, whose pointers come before what they point to."""
        batch: list[Row] = []
        at = ("", "")
        async for table, row in self._rows(section):
            if batch and ((table, row.pk) != at or len(batch) == MAX_OPERATIONS):
                yield at[0], batch
                batch = []
            at = (table, row.pk)
            batch.append(row)
        if batch:
            yield at[0], batch

    def bodies(self, section: str) -> AsyncIterator[str]:
        """The name of every blob."""
        return self._blobs.names(f"{section}/")

    async def delete(self, batch: Batch) -> None:
        """Delete rows; that some are gone already is success."""
        table, rows = batch
        try:
            await self._tables.transact(table, [Operation(Verb.DELETE, Row(row.pk, row.rk)) for row in rows])
        except RowChanged:
            await asyncio.gather(*(self._tables.delete(table, row.pk, row.rk) for row in rows))

    async def delete_body(self, name: str) -> None:
        """Delete a blob; that it is gone already is success."""
        await self._blobs.delete(name)

    async def _rows(self, section: str) -> AsyncIterator[tuple[str, Row]]:
        parts = [
            *((store, self._tables.range(store.name, section, select=_KEYS_ONLY)) for store in _BY_ID_ALONE),
            (DUE, self._scan(DUE, f"parked|{section}")),
            (DUE, self._due(section)),
            *(
                (store, self._scan(store, section))
                for store in TABLES
                if store not in (*_BY_ID_ALONE, DUE, REGISTRY)
            ),
            (REGISTRY, self._pointers(section)),
            (REGISTRY, self._scan(REGISTRY, section)),
        ]
        for store, rows in parts:
            async for row in rows:
                yield store.name, row

    async def _due(self, section: str) -> AsyncIterator[Row]:
        """Retries and notices lie by their time, those of all sections together."""
        for shard in (*map(str, range(SHARDS)), PARTITION):
            async for row in self._tables.range(DUE.name, shard, select=_KEYS_ONLY):
                if row.rk.split("|")[1] == section:
                    yield row

    async def _pointers(self, section: str) -> AsyncIterator[Row]:
        """Also those that point to nothing."""
        for kind in FINDABLE:
            async for row in self._tables.range(REGISTRY.name, f"|{kind}"):
                if exact.read(bytes_of(row, "doc"))["section"] == section:
                    yield row

    def _scan(self, store: Store, first: str) -> AsyncIterator[Row]:
        """The rows of all partitions whose keys begin with this and a bar."""
        return self._tables.scan(store.name, f"{first}|", f"{first}}}", select=_KEYS_ONLY)
