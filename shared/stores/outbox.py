"""The outbox: commits of which something still has to happen, beside their events in the same partition.

`u|{commit}` has never been handed off, and is written with the commit. `w|{milliseconds}|{commit}` has been, and is
looked at then. So what a sweep has to do are two exact ranges, however much is waiting behind them. `p|{commit}` waits,
in neither of them, for its section to be resumed. Commits of a bucket that end at the same time are taken out together.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared import ids, times
from shared.gather import Gather
from shared.ids import Commit
from shared.ports import MAX_OPERATIONS, Operation, Row, RowChanged, Tables, Value, Verb
from shared.storage import EVENTS

MARKED_AT_ONCE = 50
"""Two rows a commit, and 100 in a transaction."""
FIRST_LOOK = timedelta(minutes=1)
"""How long after it was made a commit is looked at first. By then most have ended, and their row is gone."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A commit that was handed off and is not known to have ended; `row` is the watch as it was read.

    `look_at` is when it is looked at (again): None once it has ended. `stuck_at` is when a look first found
    deliveries of it that nobody had in hand.
    """

    commit: Commit
    look_at: datetime | None
    sent_at: datetime
    looks: int
    resends: int
    stuck_at: datetime | None
    row: Row


class Outbox:
    """Writes and reads the outbox rows of the events table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ended = Gather(self._finish, most=MAX_OPERATIONS)

    async def is_unsent(self, section: str, commit: Commit) -> bool:
        """Whether the commit was stored and never handed off, as far as is known."""
        return await self._tables.get(EVENTS.name, _pk(section, commit), f"u|{commit.id}") is not None

    async def sent(self, section: str, commits: Sequence[Commit], now: datetime) -> None:
        """Note that messages of commits of one bucket are on the bus: at most MARKED_AT_ONCE, in one transaction.

        One that has been noted, or has ended, stays as it is.
        """
        try:
            marks = [mark for commit in commits for mark in _marks(section, commit, now)]
            await self._tables.transact(EVENTS.name, marks)
        except RowChanged:
            if len(commits) > 1:
                await asyncio.gather(*(self.sent(section, [commit], now) for commit in commits))

    async def finish(self, section: str, commit: Commit) -> None:
        """Take the commit out: everything of it has ended. What was reopened since is looked at all the same."""
        await self._ended.add(_pk(section, commit), commit)

    async def _finish(self, pk: str, commits: Sequence[Commit]) -> Sequence[None]:
        distinct = dict.fromkeys(commits)
        try:
            watches = [Operation(Verb.DELETE, Row(pk, _first_look(commit))) for commit in distinct]
            await self._tables.transact(EVENTS.name, watches)
        except RowChanged:
            # Some are not marked as sent yet, or have been taken out before.
            if len(distinct) > 1:
                await asyncio.gather(*(self._finish(pk, [commit]) for commit in distinct))
            else:
                await self._tables.delete(EVENTS.name, pk, f"u|{commits[0].id}")
        return [None] * len(commits)

    async def reopen(self, section: str, commit: Commit, now: datetime) -> None:
        """Put a commit back, because a delivery of it starts anew."""
        look = Row(_pk(section, commit), _look(now + FIRST_LOOK, commit), _values(now, looks=0, resends=0))
        await self._tables.upsert(EVENTS.name, look)

    async def park(self, section: str, commit: Commit) -> None:
        """Let a commit whose message has come wait for its section to be resumed."""
        pk = _pk(section, commit)
        parked = Operation(Verb.UPSERT, Row(pk, f"p|{commit.id}", {"schema": 1}))
        # The mark that it was sent may still come: asked in this order, one of the two is met.
        for there in (f"u|{commit.id}", _first_look(commit)):
            try:
                await self._tables.transact(EVENTS.name, [Operation(Verb.DELETE, Row(pk, there)), parked])
            except RowChanged:
                continue
            return
        # It was looked at before the pause, so its watch has moved: that one ends with the commit.
        await self._tables.upsert(EVENTS.name, parked.row)

    async def unpark(self, section: str, commit: Commit) -> bool:
        """Make a parked commit one that has to be handed off, by whoever asks or else the sweeper; whether it was parked."""
        pk = _pk(section, commit)
        moved = [
            Operation(Verb.DELETE, Row(pk, f"p|{commit.id}")),
            Operation(Verb.UPSERT, unsent_row(pk, commit)),
        ]
        try:
            await self._tables.transact(EVENTS.name, moved)
        except RowChanged:
            return False
        return True

    async def parked(self, section: str, bucket: int, most: int) -> AsyncIterator[Commit]:
        """Commits of a bucket that wait for their section to be resumed, oldest first."""
        rows = self._tables.range(EVENTS.name, f"{section}|{bucket}", "p|", "p|~", limit=most, select=())
        async for row in rows:
            yield ids.commit_of(row.rk[2:])

    async def unsent(self, section: str, bucket: int, before: datetime, most: int) -> AsyncIterator[Commit]:
        """Commits of a bucket that were never handed off, made before `before`, oldest first."""
        high = f"u|{ids.lowest(before)}"
        rows = self._tables.range(EVENTS.name, f"{section}|{bucket}", "u|", high, limit=most, select=())
        async for row in rows:
            yield ids.commit_of(row.rk[2:])

    async def due(self, section: str, bucket: int, now: datetime, most: int) -> AsyncIterator[Watched]:
        """Commits of a bucket whose look is due, the longest overdue first."""
        high = f"w|{_milliseconds(now)}"
        async for row in self._tables.range(EVENTS.name, f"{section}|{bucket}", "w|", high, limit=most):
            yield _watched(row)

    async def unfinished(self, section: str, bucket: int, most: int) -> list[Commit]:
        """Commits of a bucket that were stored and are not known to have ended, parked ones apart; at most so many.

        Those that were never handed off come first, oldest first; then the others, by when they are looked at next.
        """
        pk = f"{section}|{bucket}"
        unsent = self._tables.range(EVENTS.name, pk, "u|", "u|~", limit=most, select=())
        watched = self._tables.range(EVENTS.name, pk, "w|", "w|~", limit=most, select=())
        return [ids.commit_of(row.rk.rpartition("|")[2]) for rows in (unsent, watched) async for row in rows]

    async def looked(self, watches: Sequence[Watched]) -> None:
        """End or move watches of one bucket as a look left them: at most MARKED_AT_ONCE, in one transaction.

        Somebody else may have ended or moved one meanwhile: that stands.
        """
        try:
            await self._tables.transact(EVENTS.name, [move for one in watches for move in _moves(one)])
        except RowChanged:
            if len(watches) > 1:
                await asyncio.gather(*(self.looked([one]) for one in watches))


def _marks(section: str, commit: Commit, now: datetime) -> list[Operation]:
    pk = _pk(section, commit)
    watched = Row(pk, _first_look(commit), _values(now, looks=0, resends=0))
    return [Operation(Verb.DELETE, Row(pk, f"u|{commit.id}")), Operation(Verb.UPSERT, watched)]


def _moves(watched: Watched) -> list[Operation]:
    ended = Operation(Verb.DELETE, watched.row)
    if watched.look_at is None:
        return [ended]
    values = _values(watched.sent_at, looks=watched.looks, resends=watched.resends, stuck_at=watched.stuck_at)
    row = Row(watched.row.pk, _look(watched.look_at, watched.commit), values)
    return [ended, Operation(Verb.UPSERT, row)]


def unsent_row(pk: str, commit: Commit) -> Row:
    """What is stored with a commit, so that nothing can be stored and forgotten."""
    return Row(pk, f"u|{commit.id}", {"schema": 1})


def _pk(section: str, commit: Commit) -> str:
    return f"{section}|{commit.bucket}"


def _first_look(commit: Commit) -> str:
    """Known from the commit alone: whoever ends it early finds its row."""
    return _look(ids.time_of(commit.id) + FIRST_LOOK, commit)


def _look(at: datetime, commit: Commit) -> str:
    return f"w|{_milliseconds(at)}|{commit.id}"


def _milliseconds(at: datetime) -> str:
    return f"{int(at.timestamp() * 1000):013d}"


def _values(
    sent_at: datetime, *, looks: int, resends: int, stuck_at: datetime | None = None
) -> dict[str, Value]:
    stuck = times.text(stuck_at) if stuck_at else None
    return {"sentAt": times.text(sent_at), "looks": looks, "resends": resends, "stuckAt": stuck, "schema": 1}


def _watched(row: Row) -> Watched:
    _, look_at, commit = row.rk.split("|")
    stuck_at = row.values.get("stuckAt")
    return Watched(
        commit=ids.commit_of(commit),
        look_at=datetime.fromtimestamp(int(look_at) / 1000, UTC),
        sent_at=times.parse(str(row.values["sentAt"])),
        looks=int(row.values["looks"] or 0),
        resends=int(row.values["resends"] or 0),
        stuck_at=times.parse(stuck_at) if isinstance(stuck_at, str) else None,
        row=row,
    )
