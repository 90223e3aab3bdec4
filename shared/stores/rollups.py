"""Roll-ups: what was counted of a section's events, hour by hour and definition by definition.

Table `rollups`: `{section}` / `{event}|{hour}` holds a definition's tally of an hour, `*|{hour}` the sum of them, `~{hour}` when
the hour was counted, when it will be again, and how many events of which definition were there. An hour is written in one
transaction, under the state's etag, so that of two who count at the same time one writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared import exact, times
from shared.exact import Json
from shared.ports import MAX_OPERATIONS, Operation, Row, Tables, Verb, bytes_of
from shared.storage import ROLLUPS
from shared.stores.tally import Tally, read_tally

HOUR = timedelta(hours=1)
_TOGETHER_BYTES = 1536 * 1024
"""Of tallies that are written together: they are sent as base64, and with the hour's state stay below a transaction's 4 MiB."""
_STATE = "~"
"""Sorts after every event's name."""
WHOLE = "*"
"""In the place of an event's name: all of them."""


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour as it was counted last. `next_at`: when it is counted again, or None: nothing in it can change.

    `stored`: how many events of which definition were there; `arrived`: without those in test, and with what lies in
    quarantine, or None: an earlier version counted it, which summed nothing up. `place`: where counting goes on, while it is under way, with
    what was counted so far in `tallies`.
    """

    begin: datetime
    counted_at: datetime | None = None
    next_at: datetime | None = None
    stored: Mapping[str, int] = field(default_factory=dict)
    arrived: Mapping[str, int] | None = None
    place: str | None = None
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    etag: str | None = None


def hour_of(at: datetime) -> datetime:
    """The beginning of its hour, in UTC."""
    return at.replace(minute=0, second=0, microsecond=0)


def hour_text(at: datetime) -> str:
    """An hour as it stands in a row's key."""
    return at.strftime("%Y-%m-%dT%H")


class Rollups:
    """Writes and reads the rollups table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def hour(self, section: str, begin: datetime) -> Hour:
        """One hour, counted or not."""
        row = await self._tables.get(ROLLUPS.name, section, _STATE + hour_text(begin))
        return Hour(begin) if row is None else _hour(row)

    async def hours(self, section: str, since: datetime, until: datetime) -> Sequence[Hour]:
        """The hours that have been counted, or begun to be, of those that begin in a time."""
        place = ROLLUPS.name, section, _STATE + hour_text(since), _STATE + hour_text(until)
        return [_hour(row) async for row in self._tables.range(*place)]

    async def tallies(
        self, section: str, event: str, since: datetime, until: datetime
    ) -> Mapping[datetime, Tally]:
        """A definition's tallies, or those of all (WHOLE), by the hours that begin in a time.

        An hour without any event of it has none.
        """
        place = ROLLUPS.name, section, f"{event}|{hour_text(since)}", f"{event}|{hour_text(until)}"
        return {
            _time(row.rk.partition("|")[2]): read_tally(exact.read(bytes_of(row, "doc")))
            async for row in self._tables.range(*place)
        }

    async def tally(self, section: str, event: str, begin: datetime) -> Tally:
        """A definition's tally of one hour."""
        row = await self._tables.get(ROLLUPS.name, section, f"{event}|{hour_text(begin)}")
        return Tally() if row is None else read_tally(exact.read(bytes_of(row, "doc")))

    async def save(self, section: str, hour: Hour, tallies: Mapping[str, Tally]) -> None:
        """Write an hour that was read before, with its tallies, which may be counted again just the same.

        Raises RowExists or RowChanged when somebody else has written it meanwhile.
        """
        rows = [_tally_row(section, event, hour.begin, one) for event, one in sorted(tallies.items())]
        first, *rest = [*_together(rows)] or [[]]
        # Where one transaction does not hold it, the hour stays due until all of it is written.
        state = replace(hour, next_at=hour.counted_at) if rest else hour
        [etag, *_] = await self._tables.transact(
            ROLLUPS.name, [_write(_state_row(section, state)), *map(_upsert, first)]
        )
        for some in rest:
            await self._tables.transact(ROLLUPS.name, [*map(_upsert, some)])
        if rest:
            await self._tables.replace(ROLLUPS.name, _state_row(section, replace(hour, etag=etag)))

    async def remove(self, section: str, hour: Hour) -> None:
        """Forget an hour, its state last."""
        keys = [f"{event}|{hour_text(hour.begin)}" for event in (WHOLE, *hour.stored)]
        for rk in [*keys, _STATE + hour_text(hour.begin)]:
            await self._tables.delete(ROLLUPS.name, section, rk)


def _together(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in their order, as many at a time as go into one transaction beside the state."""
    some, size = list[Row](), 0
    for row in rows:
        weight = len(bytes_of(row, "doc"))
        if some and (len(some) >= MAX_OPERATIONS - 1 or size + weight > _TOGETHER_BYTES):
            yield some
            some, size = [], 0
        some.append(row)
        size += weight
    if some:
        yield some


def _upsert(row: Row) -> Operation:
    return Operation(Verb.UPSERT, row)


def _write(row: Row) -> Operation:
    return Operation(Verb.INSERT if row.etag is None else Verb.REPLACE, row)


def _time(text: str) -> datetime:
    return times.parse(f"{text}:00:00Z")


def _tally_row(section: str, event: str, begin: datetime, tally: Tally) -> Row:
    doc = exact.dumps(tally.written()).encode()
    return Row(section, f"{event}|{hour_text(begin)}", {"doc": doc, "schema": 1})


def _state_row(section: str, hour: Hour) -> Row:
    doc = {
        "countedAt": times.text(hour.counted_at) if hour.counted_at else None,
        "nextAt": times.text(hour.next_at) if hour.next_at else None,
        "stored": dict(hour.stored),
        "arrived": None if hour.arrived is None else dict(hour.arrived),
        "place": hour.place,
        "tallies": {event: one.written() for event, one in hour.tallies.items()},
    }
    written = exact.dumps(doc).encode()
    return Row(section, _STATE + hour_text(hour.begin), {"doc": written, "schema": 1}, hour.etag)


def _hour(row: Row) -> Hour:
    doc = exact.read(bytes_of(row, "doc"))
    return Hour(
        begin=_time(row.rk.removeprefix(_STATE)),
        counted_at=times.parse(doc["countedAt"]) if doc["countedAt"] else None,
        next_at=times.parse(doc["nextAt"]) if doc["nextAt"] else None,
        stored=_counts(doc["stored"]),
        arrived=_counts(doc["arrived"]) if doc.get("arrived") is not None else None,
        place=doc["place"],
        tallies={event: read_tally(one) for event, one in doc["tallies"].items()},
        etag=row.etag,
    )


def _counts(doc: Mapping[str, Json]) -> dict[str, int]:
    return {event: int(count) for event, count in doc.items()}
