"""Lets time pass for single rows: what they wait for lies in the past afterwards. Storage is written to directly."""

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, UpdateMode

from local.demo.furnish import SECTION
from shared import ids
from shared.stores.notices import PARTITION
from shared.times import text
from tests.kill.rig import Rig


class OnStorage(Protocol):
    """Whatever says where its rows lie."""

    @property
    def storage(self) -> str: ...


LONG_AGO = "2000"
PAST_A_CLAIM = timedelta(minutes=20)
"""Longer than a delivery may be overdue before the sweeper sees to it."""


def make_due(rig: OnStorage, id: str, ago: timedelta = timedelta(seconds=1)) -> None:
    """The retry of an event's one delivery was due that long ago."""
    make_all_due(rig, {id}, ago)


def make_all_due(rig: OnStorage, ids: Collection[str], ago: timedelta = timedelta(seconds=1)) -> None:
    """The same of many, whose rows are sought once; one that a host tries just now needs no help."""
    at = datetime.now(UTC) - ago
    for row in _rows(rig, "receipts", lambda rk: rk.partition("|")[0] in ids and not rk.endswith("|")):
        with suppress(ResourceModifiedError):
            _replace(rig, "receipts", row | {"dueAt": text(at)}, row.metadata["etag"])
    for row in _rows(rig, "due", lambda rk: not {*rk.split("|")}.isdisjoint(ids)):
        _rename(rig, "due", row, "|".join((_milliseconds(at), *row["RowKey"].split("|")[1:])))


def lose_retry(rig: OnStorage, id: str) -> None:
    """A retry should have come long ago, nothing will bring it, and the sweeper has seen that once already."""
    make_due(rig, id, PAST_A_CLAIM)
    with _table(rig, "due") as table:
        for row in _rows(rig, "due", lambda rk: f"|{id}|" in rk):
            table.delete_entity(row)
    commit, then = ids.commit_of(id).id, datetime.now(UTC) - PAST_A_CLAIM
    for row in _rows(rig, "events", lambda rk: rk.startswith("w|") and rk.endswith(commit)):
        seen = {"sentAt": text(then), "stuckAt": text(then)}
        _rename(rig, "events", {**row, **seen}, f"w|{_milliseconds(then)}|{commit}")


def use_up(rig: OnStorage, section: str) -> None:
    """Nothing was left of a quota of a section in the first minute of this hour."""
    doc = {"perMinute": 10, "minutes": {"0": 10}, "refused": 3, "told": False}
    key = f"hour|{datetime.now(UTC):%Y-%m-%dT%H}|key|k-{section}"
    row = {"PartitionKey": section, "RowKey": key, "doc": json.dumps(doc).encode(), "schema": 1}
    with _table(rig, "usage") as table:
        table.upsert_entity(row)


def age_notices(rig: OnStorage) -> None:
    """What is to be told was listed twenty minutes ago."""
    for row in _rows(rig, "due", lambda rk: rk.count("|") == 3):
        if row["PartitionKey"] == PARTITION:
            then = _milliseconds(datetime.now(UTC) - PAST_A_CLAIM)
            _rename(rig, "due", row, "|".join((then, *row["RowKey"].split("|")[1:])))


def lose_mark(rig: Rig, id: str) -> None:
    """Storage says that an event's commit was never handed off, although it was."""
    commit = ids.commit_of(id)
    with _table(rig, "events") as table:
        for row in _rows(rig, "events", lambda rk: rk.startswith("w|") and rk.endswith(commit.id)):
            table.delete_entity(row)
        place = {"PartitionKey": f"{SECTION}|{commit.bucket}", "RowKey": f"u|{commit.id}"}
        table.upsert_entity({**place, "schema": 1})


def expire(rig: OnStorage, id: str) -> list[str]:
    """Every row of an event's commit has expired; answers the ids of all its events."""
    commit = ids.commit_of(id).id
    gone: list[str] = []
    for row in _rows(rig, "events", lambda rk: rk.startswith("x|") and rk.endswith(commit)):
        gone += [name[2:] for name in row["rows"].split(",") if name.startswith("e|")]
        _rename(rig, "events", row, f"x|{LONG_AGO}{row['RowKey'][len('x|YYYY') :]}")
    return gone


def break_destination(rig: Rig, id: str) -> Callable[[], None]:
    """A destination can be opened by nobody until that is undone, which is answered."""
    (row,) = _rows(rig, "registry", lambda rk: rk == id)
    doc = json.loads(row["doc"])
    del doc["secrets"]

    def write(doc: bytes) -> None:
        with _table(rig, "registry") as table:
            table.upsert_entity({**row, "doc": doc})

    write(json.dumps(doc).encode())
    return partial(write, row["doc"])


def _rows(rig: OnStorage, name: str, wanted: Callable[[str], bool]) -> list[TableEntity]:
    """A table that nothing was written to yet has none."""
    with _table(rig, name) as table, suppress(ResourceNotFoundError):
        return [row for row in table.list_entities() if wanted(row["RowKey"])]
    return []


def _replace(rig: OnStorage, name: str, row: Mapping[str, Any], etag: str | None) -> None:
    with _table(rig, name) as table:
        table.update_entity(row, UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified)


def _rename(rig: OnStorage, name: str, row: Mapping[str, Any], rk: str) -> None:
    with _table(rig, name) as table:
        table.upsert_entity({**row, "RowKey": rk})
        table.delete_entity(row["PartitionKey"], row["RowKey"])


def _table(rig: OnStorage, name: str) -> TableClient:
    return TableClient.from_connection_string(rig.storage, name)


def _milliseconds(at: datetime) -> str:
    return f"{int(at.timestamp() * 1000):013d}"
