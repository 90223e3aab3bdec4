"""Backup: what nobody could make anew, from tables into one file, and from the file back into tables.

Secrets lie in the file as they lie in storage: sealed, or as hashes only.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from shared.errors import Unavailable
from shared.operations.backup_file import Counts, Entry, Reader, Unreadable, Writer
from shared.ports import Operation, Tables, Verb
from shared.storage import TABLES

TOGETHER = 100
"""Rows that are written in one transaction."""
BYTES_TOGETHER = 512 * 1024
"""Of lines in one transaction: as they are sent they stay under its 4 MiB. A row that is longer goes alone."""
PAUSES_SECONDS = (1, 2, 4, 8, 16)
"""Before a transaction that storage did not take is tried again."""
BACKED_UP = tuple(store.name for store in reversed(TABLES) if store.backed_up)
"""In this order they are read and written: the registry last, so that nobody is let in before refusals are there."""
_TOLD_EVERY = 1_000

Told = Callable[[str, int], None]
"""Is told how far it has come: a table, and rows of it."""


class Occupied(Exception):
    """The tables that a backup is to be restored into hold rows already."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that has been read to its end and found whole."""

    file: BinaryIO
    at: str
    rows: Counts


async def write(tables: Tables, file: BinaryIO, at: datetime, told: Told) -> Counts:
    """Write what is backed up into `file`, row by row; answers how many. `at` stands in its header.

    Tables that do not exist yet are empty. Raises Unavailable, OSError.
    """
    writer = Writer(file, at, BACKED_UP)
    there = await tables.names()
    for table in [name for name in BACKED_UP if name in there]:
        async for row in tables.scan(table):
            writer.add(table, row)
            if writer.counts[table] % _TOLD_EVERY == 0:
                told(table, writer.counts[table])
        told(table, writer.counts[table])
    writer.end()
    return writer.counts


def check(file: BinaryIO, told: Told) -> Backup:
    """Read a file to its end: only what comes out of here can be restored. Raises Unreadable, OSError."""
    reader = Reader(file)
    if unknown := [name for name in reader.counts if name not in BACKED_UP]:
        raise Unreadable(f"It holds tables that this version does not restore: {', '.join(unknown)}.")
    for entry in reader.entries():
        if reader.counts[entry.table] % _TOLD_EVERY == 0:
            told(entry.table, reader.counts[entry.table])
    return Backup(file, reader.at, reader.counts)


async def restore(
    tables: Tables,
    backup: Backup,
    told: Told,
    *,
    over: bool = False,
    pauses: Sequence[float] = PAUSES_SECONDS,
) -> None:
    """Write a backup's rows, those of one partition together. Doing it again changes nothing.

    Raises Occupied when one of its tables holds a row, unless it may write `over` what is there; what is there and not
    in the backup stays. Raises Unavailable when storage is away for longer than the `pauses` (seconds): start again.
    """
    if not over:
        await _require_empty(tables, backup.rows)
    written = dict.fromkeys(backup.rows, 0)
    for group in _together(Reader(backup.file).entries()):
        table = group[0].table
        await _transact(tables, table, [Operation(Verb.UPSERT, entry.row) for entry in group], pauses)
        written[table] += len(group)
        told(table, written[table])


def _together(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    """Neighbours of one partition, as many as fit a transaction."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        full = len(group) == TOGETHER or size + entry.size > BYTES_TOGETHER
        if group and (full or (entry.table, entry.row.pk) != (group[0].table, group[0].row.pk)):
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size
    if group:
        yield group


async def _transact(
    tables: Tables, table: str, operations: Sequence[Operation], pauses: Sequence[float]
) -> None:
    for pause in pauses:
        try:
            await tables.transact(table, operations)
        except Unavailable:
            await asyncio.sleep(pause)
        else:
            return
    await tables.transact(table, operations)


async def _require_empty(tables: Tables, wanted: Counts) -> None:
    there = await tables.names()
    for table in [name for name in wanted if name in there]:
        if await anext(tables.scan(table), None) is not None:
            raise Occupied(f"The table {table} holds rows already.")
