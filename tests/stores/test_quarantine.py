"""Quarantine: a genuine webhook is kept whole with its reason, shown without its body, and not for ever."""

from datetime import timedelta

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
from shared.stores.quarantine import KEPT, Cause, Quarantine
from tests.fakes import FakeBlobs, FakeClock, FakeTables

SOURCE = "0" * 32


class Shelf:
    """A quarantine on fakes."""

    def __init__(self):
        self.tables, self.blobs, self.clock = FakeTables(), FakeBlobs(), FakeClock()
        self.quarantine = Quarantine(self.tables, self.blobs, self.clock)

    async def keep(self, body=b'{"id": 1}', refusal=None, **headers):
        request = Received("POST", "/v1/hooks/x", {"content-type": "application/json", **headers}, body)
        item = self.quarantine.item(SOURCE, request, refusal or UnknownType("No such type."), ["x-topic"])
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

    expired = [item.id async for item in shelf.quarantine.expired("demo", shelf.clock.now(), 10)]

    assert expired == [old.id]
    assert not [
        one async for one in shelf.quarantine.expired("demo", shelf.clock.now() - timedelta(hours=1), 10)
    ]
