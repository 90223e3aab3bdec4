"""Rows that the contract tests of tables make and look at."""

from shared.ports import Operation, Row, Verb

PK = "main|00"


def insert(rk, **values):
    return Operation(Verb.INSERT, Row(PK, rk, values))


async def keys(rows):
    return [row.rk async for row in rows]


async def fill(tables, table, names):
    for start in range(0, len(names), 100):
        await tables.transact(table, [insert(name, n=start) for name in names[start : start + 100]])
