"""Firsts: which event was the first of those that say the same, for as long as their definition compares them.

Table `firsts`, partition `{section}|{bucket}`: `f|{mark}` names the first, `x|{day}|{mark}` the day on which its window ends.
The two are written, moved and deleted together, so a purge finds by days what nobody asks for any more, and nothing else.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Unavailable
from shared.ports import Operation, Row, RowChanged, RowExists, Tables, Value, Verb
from shared.storage import FIRSTS

PURGED_AT_ONCE = 50
"""Two rows each, and 100 in a transaction."""
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """An event that may be the first of its like. `mark` is a keyed hash of what it says, `at` when it was received."""

    id: str
    mark: str
    at: datetime
    window: timedelta


class Firsts:
    """Writes and reads the firsts table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def claim(self, section: str, bucket: int, wanted: Claim) -> str:
        """The id of the first of its like: the event's own, again and again, if it is that. Raises Unavailable.

        One request for a first one; two, and a third where the window of the one before has ended, for others.
        """
        pk = f"{section}|{bucket}"
        for _ in range(_TRIES):
            try:
                await self._tables.transact(FIRSTS.name, _written(pk, wanted))
            except RowExists:
                row = await self._tables.get(FIRSTS.name, pk, _key(wanted.mark))
                # None: it has been purged, or somebody else was faster.
                if row is not None and (first := await self._against(row, wanted)):
                    return first
                continue
            return wanted.id
        raise Unavailable("Others are claiming to be the first of their like right now.")

    async def expired(self, section: str, bucket: int, today: str, most: int) -> AsyncIterator[Row]:
        """The rows of days (YYYYMMDD) that have passed."""
        rows = self._tables.range(
            FIRSTS.name, f"{section}|{bucket}", "x|", f"x|{today}", limit=most, select=()
        )
        async for row in rows:
            yield row

    async def purge(self, rows: Sequence[Row]) -> int:
        """Delete what these rows of one bucket are about, PURGED_AT_ONCE at most; answers how many were there.

        What was claimed anew meanwhile has a row of another day, and stays.
        """
        pairs = [Row(row.pk, key) for row in rows for key in (row.rk, _key(row.rk.split("|")[2]))]
        try:
            await self._tables.transact(FIRSTS.name, [Operation(Verb.DELETE, one) for one in pairs])
        except RowChanged:
            return 0 if len(rows) == 1 else sum([await self.purge([row]) for row in rows])
        return len(rows)

    async def _against(self, row: Row, wanted: Claim) -> str | None:
        """The first, in view of one that is there; None if that has changed meanwhile."""
        first, at = str(row.values["id"]), datetime.fromisoformat(str(row.values["at"]))
        if first == wanted.id or abs(wanted.at - at) < wanted.window:
            return first
        if wanted.at < at:
            # It waited until a later one had a window of its own, which this one is not in.
            return wanted.id
        try:
            await self._tables.transact(FIRSTS.name, _replaced(row, wanted))
        except RowChanged:
            return None
        return wanted.id


def _key(mark: str) -> str:
    return f"f|{mark}"


def _rows(pk: str, claim: Claim) -> tuple[Row, Row]:
    expiry = f"x|{claim.at + claim.window:%Y%m%d}|{claim.mark}"
    values: dict[str, Value] = {"id": claim.id, "at": claim.at.isoformat(), "expiry": expiry, "schema": 1}
    return Row(pk, _key(claim.mark), values), Row(pk, expiry, {"schema": 1})


def _written(pk: str, claim: Claim) -> list[Operation]:
    return [Operation(Verb.INSERT, row) for row in _rows(pk, claim)]


def _replaced(there: Row, claim: Claim) -> list[Operation]:
    """The first's row is another's under its etag, and its day's row moves along."""
    first, expiry = _rows(there.pk, claim)
    replace = Operation(Verb.REPLACE, Row(first.pk, first.rk, first.values, there.etag))
    ends = str(there.values["expiry"])
    if ends == expiry.rk:
        return [replace]
    return [
        replace,
        Operation(Verb.DELETE, Row(there.pk, ends)),
        Operation(Verb.INSERT, expiry),
    ]
