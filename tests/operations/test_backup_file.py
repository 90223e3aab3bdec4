"""The file of a backup: a whole one is read, and any other is refused with a word on what is wrong with it."""

import gzip
import hashlib
import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.operations import backup, backup_file
from shared.operations.backup_file import Reader, Unreadable, Writer
from shared.ports import Row
from tests.fakes import FakeClock

ROWS = [
    ("people", Row("demo|00", "i|00|c|marketing", {"state": "opted_out"})),
    ("registry", Row("demo|key", "k", {"doc": b"\x00\xff", "n": -1, "yes": True})),
    ("registry", Row("|key", "k", {"doc": b""})),
]


def written(rows=ROWS) -> bytes:
    file = BytesIO()
    writer = Writer(file, FakeClock().now(), backup.BACKED_UP)
    for table, row in rows:
        writer.add(table, row)
    writer.end()
    return file.getvalue()


def read(packed: bytes) -> list[tuple[str, Row]]:
    return [(entry.table, entry.row) for entry in Reader(BytesIO(packed)).entries()]


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(written()).splitlines()]


def packed(docs, *, signed: bool = False) -> bytes:
    """A file of these lines; `signed` makes its hash right again, as somebody who forges would."""
    body = b"".join(json.dumps(doc, separators=(",", ":")).encode() + b"\n" for doc in docs[:-1])
    end = {**docs[-1], "sha256": hashlib.sha256(body).hexdigest()} if signed else docs[-1]
    return gzip.compress(body + json.dumps(end).encode() + b"\n")


def test_what_was_written_is_read():
    assert read(written()) == ROWS
    assert read(packed(lines(), signed=True)) == ROWS


def test_a_reviewer_can_read_it():
    header, consent, key, _, end = lines()

    assert header == {
        "backup": "signalbox",
        "format": 1,
        "at": "2026-11-22T09:15:00.000Z",
        "tables": ["people", "registry"],
    }
    assert consent == {
        "table": "people",
        "pk": "demo|00",
        "rk": "i|00|c|marketing",
        "values": {"state": "opted_out"},
    }
    assert key["values"] == {"doc": {"bytes": "AP8="}, "n": -1, "yes": True}
    assert end["rows"] == {"people": 1, "registry": 2}


@pytest.mark.parametrize("length", range(0, len(written()), 3))
def test_a_file_that_was_cut_short_is_refused(length):
    with pytest.raises(Unreadable):
        read(written()[:length])


@given(st.integers(0, len(written()) - 1), st.integers(1, 255))
def test_a_byte_that_changed_is_noticed_or_makes_no_difference(position, flipped):
    whole = written()
    damaged = whole[:position] + bytes([whole[position] ^ flipped]) + whole[position + 1 :]

    try:
        found = read(damaged)
    except Unreadable:
        return
    assert found == ROWS


def without_a_row(docs):
    del docs[2]


def with_a_row_twice(docs):
    docs.insert(2, docs[2])


def with_rows_in_another_order(docs):
    docs[1], docs[2] = docs[2], docs[1]


def with_another_value(docs):
    docs[1]["values"]["state"] = "opted_in"


def with_another_header(docs):
    docs[0]["at"] = "2020-01-01T00:00:00.000Z"


def with_other_counts(docs):
    docs[-1]["rows"]["people"] = 7


def with_a_row_after_its_end(docs):
    docs.append(docs[1])


def with_a_second_end(docs):
    docs.append(docs[-1])


ALTERED = [
    without_a_row, with_a_row_twice, with_rows_in_another_order, with_another_value, with_another_header,
    with_other_counts, with_a_row_after_its_end, with_a_second_end,
]  # fmt: skip


@pytest.mark.parametrize("alter", ALTERED, ids=lambda alter: alter.__name__)
def test_an_altered_file_is_refused(alter):
    docs = lines()
    alter(docs)

    with pytest.raises(Unreadable):
        read(packed(docs))


@pytest.mark.parametrize(
    "values",
    [{"n": 1.5}, {"n": None}, {"n": []}, {"n": {}}, {"n": {"bytes": "%"}}, {"n": {"bytes": 1}}, 5, None],
)
def test_a_row_that_can_be_none_is_refused(values):
    docs = lines()
    docs[1]["values"] = values

    with pytest.raises(Unreadable, match="row"):
        read(packed(docs, signed=True))


@pytest.mark.parametrize("member", ["table", "pk", "rk", "values"])
def test_a_row_without_a_member_of_its_kind_is_refused(member):
    docs = lines()
    docs[1][member] = 5

    with pytest.raises(Unreadable, match="row"):
        read(packed(docs, signed=True))


def test_a_row_of_a_table_that_the_header_does_not_name_is_refused():
    docs = lines()
    docs[1]["table"] = "events"

    with pytest.raises(Unreadable, match="header"):
        read(packed(docs, signed=True))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"format": 2}, "newer version"),
        ({"backup": "other"}, "no backup"),
        ({"tables": None}, "no backup"),
        ({"format": "1"}, "no backup"),
    ],
)
def test_a_header_that_is_none_of_this_version_is_refused(header, said):
    docs = lines()
    docs[0] |= header

    with pytest.raises(Unreadable, match=said):
        read(packed(docs, signed=True))


def test_a_table_that_is_not_backed_up_is_not_restored():
    docs = lines()
    docs[0]["tables"].append("events")
    docs[-1]["rows"]["events"] = 0

    with pytest.raises(Unreadable, match="events"):
        backup.check(BytesIO(packed(docs, signed=True)), lambda *_: None)


@pytest.mark.parametrize(
    "other",
    [b"", b"text", gzip.compress(b""), gzip.compress(b"text\n"), gzip.compress(b"[1]\n"), written() + b"x"],
    ids=["nothing", "no gzip", "empty", "no JSON", "no object", "more behind it"],
)
def test_another_file_is_refused(other):
    with pytest.raises(Unreadable):
        read(other)


def test_a_line_without_end_is_not_read_into_memory(monkeypatch):
    monkeypatch.setattr(backup_file, "LONGEST_LINE", 1_000)

    with pytest.raises(Unreadable, match="longer than any row"):
        read(written([("registry", Row("a", "b", {"doc": b"x" * 1_000}))]))
