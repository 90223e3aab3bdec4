"""Quarantine: a genuine webhook is kept whole with its reason, shown without its body, and not for ever."""

from dataclasses import replace

import pytest

from shared.errors import (
    BodyTooLarge,
    Fault,
    Invalid,
    MalformedBody,
    NotFound,
    SignalboxError,
    UnknownEvent,
    UnknownType,
)
from shared.ports import bytes_of
from shared.sources import Received
from shared.stores.kept import Cause
from shared.stores.quarantine import KEPT, MOST_FOUND, Quarantine
from tests.fakes import FakeBlobs, FakeClock, FakeTables

SOURCE = "0" * 32


class Shelf:
    """A quarantine on fakes."""

    def __init__(self):
        self.tables, self.blobs, self.clock = FakeTables(), FakeBlobs(), FakeClock()
        self.quarantine = Quarantine(self.tables, self.blobs, self.clock)

    async def keep(self, body=b'{"id": 1}', refusal=None, mentions=(), **headers):
        request = Received("POST", "/v1/hooks/x", {"content-type": "application/json", **headers}, body)
        refusal = refusal or UnknownType("No such type.")
        item = self.quarantine.item(SOURCE, request, refusal, ["x-topic"], mentions)
        await self.quarantine.keep("demo", item)
        return item


@pytest.mark.parametrize("size", [0, 10, 2_000_000])
async def test_a_request_is_given_back_whole(size):
    shelf = Shelf()
    kept = await shelf.keep(b"x" * size, **{"x-topic": "orders/create"})

    found = await shelf.quarantine.read("demo", kept.id)

    assert found.body == b"x" * size
    assert found.headers == {"content-type": "application/json", "x-topic": "orders/create"}
    assert (found.source, found.cause, found.detail) == (SOURCE, Cause.UNKNOWN_TYPE, "No such type.")


async def test_a_header_that_nobody_needs_is_not_kept():
    shelf = Shelf()

    kept = await shelf.keep(authorization="Bearer secret")

    assert "authorization" not in (await shelf.quarantine.read("demo", kept.id)).headers
    assert b"secret" not in b"".join(
        bytes_of(row, "doc") for row in shelf.tables.tables["quarantine"].values()
    )


async def test_a_list_shows_the_reason_and_never_the_body():
    shelf = Shelf()
    faults = [Fault("/properties/total", "Send a decimal.", "decimal", "text")]
    kept = await shelf.keep(b'{"email": "ada@example.com"}', Invalid("It does not fit.", faults=faults))

    [shown] = await shelf.quarantine.list("demo", None, 10)

    assert shown["id"] == kept.id
    assert shown["cause"] == "invalid"
    assert shown["errors"][0]["pointer"] == "/properties/total"
    assert "ada" not in str(shown)


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        (MalformedBody(""), "malformed-body"),
        (UnknownEvent(""), "unknown-event"),
        (BodyTooLarge(""), "body-too-large"),
        (Invalid(""), "invalid"),
        (SignalboxError(""), "invalid"),
    ],
)
async def test_the_cause_is_the_problem_that_it_would_have_been(refusal, cause):
    assert (await Shelf().keep(refusal=refusal)).cause == cause


async def test_items_are_listed_by_cause_oldest_first_and_bounded():
    shelf = Shelf()
    kept = []
    for refusal in (Invalid(""), MalformedBody(""), Invalid("")):
        kept.append((await shelf.keep(refusal=refusal)).id)
        shelf.clock.pass_(seconds=1)

    assert [one["id"] for one in await shelf.quarantine.list("demo", "invalid", 10)] == [kept[0], kept[2]]
    assert len(await shelf.quarantine.list("demo", None, 2)) == 2
    assert await shelf.quarantine.list("other", None, 10) == []
    assert [one["id"] for one in await shelf.quarantine.list("demo", "invalid", 10, kept[0])] == [kept[2]]


async def test_an_unknown_cause_is_told_with_the_known_ones():
    with pytest.raises(NotFound, match="unknown-type"):
        await Shelf().quarantine.list("demo", "bad luck", 10)


@pytest.mark.parametrize("size", [10, 2_000_000])
async def test_what_is_removed_leaves_nothing(size):
    shelf = Shelf()
    kept = await shelf.keep(b"x" * size)

    await shelf.quarantine.remove("demo", kept)

    with pytest.raises(NotFound, match="replayed already"):
        await shelf.quarantine.read("demo", kept.id)
    assert (shelf.blobs.blobs, shelf.tables.tables["quarantine"]) == ({}, {})


async def test_only_what_was_kept_long_enough_expires():
    shelf = Shelf()
    old = await shelf.keep()
    shelf.clock.pass_(days=KEPT.days, seconds=1)
    await shelf.keep()

    expired = [item.id async for item in shelf.quarantine.expired("demo", 10)]

    assert expired == [old.id]


async def test_what_is_past_its_time_is_gone_for_everybody_before_a_purge_comes():
    shelf = Shelf()
    kept = await shelf.keep(mentions=["a1"])
    shelf.clock.pass_(days=KEPT.days)
    assert len(await shelf.quarantine.list("demo", None, 10)) == 1

    shelf.clock.pass_(seconds=1)

    assert await shelf.quarantine.list("demo", None, 10) == []
    assert await shelf.quarantine.find("demo", ["a1"]) == ()
    with pytest.raises(NotFound):
        await shelf.quarantine.read("demo", kept.id)


async def test_what_it_mentions_finds_it_wherever_it_lies_and_nothing_else_does():
    shelf = Shelf()
    first = await shelf.keep(mentions=["a1", "b2"])
    other = await shelf.keep(refusal=Invalid(""), mentions=["b2"])
    await shelf.keep()

    found = [[one.id for one in await shelf.quarantine.find("demo", [hashed])] for hashed in ("a1", "b2")]

    assert found == [[first.id], sorted([first.id, other.id])]
    assert await shelf.quarantine.find("demo", ["a"]) == ()
    assert await shelf.quarantine.find("other", ["a1"]) == ()


async def test_what_is_found_by_several_identifiers_or_lies_under_two_causes_is_told_once():
    shelf = Shelf()
    kept = await shelf.keep(mentions=["a1", "b2"])
    await shelf.quarantine.keep("demo", replace(kept, cause=Cause.INVALID))

    assert [one.id for one in await shelf.quarantine.find("demo", ["a1", "b2"])] == [kept.id]


async def test_what_is_found_is_bounded_and_the_oldest_of_it():
    shelf = Shelf()
    kept = []
    for _ in range(MOST_FOUND + 1):
        kept.append((await shelf.keep(mentions=["a1"])).id)
        shelf.clock.pass_(seconds=1)

    assert [one.id for one in await shelf.quarantine.find("demo", ["a1"])] == kept[:-1]


async def test_a_list_and_a_group_know_nothing_of_the_index():
    shelf = Shelf()
    kept = await shelf.keep(mentions=["0a", "ff"])

    assert [one["id"] for one in await shelf.quarantine.list("demo", None, 10)] == [kept.id]
    assert [one["count"] for one in await shelf.quarantine.groups("demo")] == [1]


async def test_the_index_moves_with_the_request_and_goes_with_it():
    shelf = Shelf()
    kept = await shelf.keep(mentions=["a1"])

    await shelf.quarantine.move("demo", kept, Invalid("It does not fit."))

    [moved] = await shelf.quarantine.find("demo", ["a1"])
    assert (moved.id, moved.cause) == (kept.id, Cause.INVALID)
    assert {pk for pk, _ in shelf.tables.tables["quarantine"]} == {"demo|invalid"}
    await shelf.quarantine.remove("demo", moved)
    assert shelf.tables.tables["quarantine"] == {}


async def test_what_somebody_else_has_half_removed_is_removed_whole():
    shelf = Shelf()
    kept = await shelf.keep(mentions=["a1", "b2"])
    await shelf.tables.delete("quarantine", "demo|unknown-type", f"~a1|{kept.id}")

    await shelf.quarantine.remove("demo", kept)

    assert shelf.tables.tables["quarantine"] == {}


async def test_a_row_holds_nothing_of_the_request_but_its_body_and_the_headers_that_are_read():
    shelf = Shelf()
    await shelf.keep(b'{"email": "ada@example.com"}', mentions=["a1"])

    for (pk, rk), row in shelf.tables.tables["quarantine"].items():
        assert row.values.keys() <= {"doc", "bytes", "blob", "mentions", "schema", "body"}
        plain = {name: value for name, value in row.values.items() if name != "body"}
        assert "ada@" not in f"{pk}{rk}{plain}"
