"""Replays: which deliveries are to be started anew, how fast, and how far that has come.

Table `replays`: `{section}` / `{id}`. A row is written under its etag by whoever is at it, so that two are never.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from shared import exact
from shared.errors import NotFound
from shared.exact import Json
from shared.ports import Row, Tables, bytes_of
from shared.storage import REPLAYS

MOST = 1_000
"""Replays of a section that are listed."""

Status = Literal["running", "stopped", "done"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay. `place` is where it goes on: a cause, if they have one, and the last one that was looked at.

    `minute` is the one (since 1970) whose share was taken last. `skipped` are those that failed again, that
    somebody else had replayed, or that must not be sent once more.
    """

    id: str
    section: str
    chosen: Mapping[str, Json]
    per_minute: int
    created_at: str
    changed_at: str
    by: str
    status: Status = "running"
    place: tuple[str, str] = ("", "")
    replayed: int = 0
    skipped: int = 0
    minute: int = 0
    as_new: bool = False
    """Whether receivers get what is replayed under ids that they have not seen."""
    etag: str | None = None


class Replays:
    """Writes and reads the replays table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def create(self, new: Replay) -> None:
        """Raises Unavailable."""
        await self._tables.insert(REPLAYS.name, _row(new))

    async def list(self, section: str) -> list[Replay]:
        """Of a section, by id."""
        return [_replay(row) async for row in self._tables.range(REPLAYS.name, section, limit=MOST)]

    async def read(self, section: str, id: str) -> Replay:
        """Raises NotFound."""
        row = await self._tables.get(REPLAYS.name, section, id)
        if row is None:
            raise NotFound("There is no such replay in this section. List the replays to find its id.")
        return _replay(row)

    async def save(self, changed: Replay) -> Replay:
        """Write one that was read before. Raises RowChanged when somebody else has changed it."""
        return replace(changed, etag=await self._tables.replace(REPLAYS.name, _row(changed)))

    async def remove(self, old: Replay) -> None:
        """Forget one."""
        await self._tables.delete(REPLAYS.name, old.section, old.id)


def _row(one: Replay) -> Row:
    hidden = ("id", "section", "etag")
    doc = {name: getattr(one, name) for name in one.__slots__ if name not in hidden}
    return Row(one.section, one.id, {"doc": exact.dumps(doc).encode(), "schema": 1}, one.etag)


def _replay(row: Row) -> Replay:
    doc = exact.read(bytes_of(row, "doc"))
    numbers = {name: int(doc[name]) for name in ("per_minute", "replayed", "skipped", "minute")}
    return Replay(
        id=row.rk, section=row.pk, etag=row.etag, **{**doc, **numbers, "place": tuple(doc["place"])}
    )
