"""Rejected requests: enough to tell a wrong secret from a broken sender, nothing more, and a flood costs no space."""

from datetime import timedelta

from shared.stores.rejected import KEPT, SLOTS, Rejected
from tests.fakes import FakeClock, FakeTables

HEADERS = {"x-shopify-hmac-sha256": "secret-signature", "authorization": "Bearer secret"}


async def noted(count=1):
    tables, clock = FakeTables(), FakeClock()
    rejected = Rejected(tables, clock)
    for n in range(count):
        clock.pass_(seconds=1)
        await rejected.note("demo", "source", f"reason {n}", HEADERS, b'{"email": "ada@example.com"}', "why")
    return rejected, tables, clock


async def test_neither_a_body_nor_a_header_s_value_is_kept():
    rejected, tables, _ = await noted()

    [shown] = await rejected.list("demo", "source")

    assert (shown["reason"], shown["bytes"]) == ("reason 0", 28)
    assert shown["headers"] == "authorization x-shopify-hmac-sha256"
    assert "secret" not in str(tables.tables)
    assert "ada" not in str(tables.tables)


async def test_the_latest_ones_are_kept_newest_first():
    rejected, _, _ = await noted(SLOTS * 3)

    reasons = [one["reason"] for one in await rejected.list("demo", "source")]

    assert reasons == [f"reason {n}" for n in range(SLOTS * 3 - 1, SLOTS * 2 - 1, -1)]


async def test_many_and_long_headers_are_cut():
    rejected, _, _ = await noted(0)
    await rejected.note("demo", "source", "reason", {f"{n}" * 500: "" for n in range(100)}, b"", "why")

    assert len((await rejected.list("demo", "source"))[0]["headers"]) <= 2_000


async def test_old_ones_are_purged_and_newer_ones_stay():
    rejected, _, clock = await noted(2)
    clock.pass_(seconds=(KEPT - timedelta(seconds=1)).total_seconds())
    await rejected.note("demo", "source", "new", {}, b"", "why")

    assert await rejected.purge("demo", "source", clock.now() + timedelta(seconds=0.5)) == 1
    assert [one["reason"] for one in await rejected.list("demo", "source")] == ["new", "reason 1"]


async def test_each_source_has_its_own():
    rejected, _, _ = await noted()

    assert await rejected.list("demo", "other") == []
    assert await rejected.list("other", "source") == []
