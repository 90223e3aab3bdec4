"""Every read is a point or a range of one partition: the requests are counted on the real storage emulator.

The numbers stand in docs/design-notes.md, and this test compares with that table.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from azure.storage.blob import BlobServiceClient

from shared import flow
from shared.azure.blobs import AzureBlobs
from shared.azure.tables import AzureTables
from shared.destinations.outcomes import Cause
from shared.messages import read_commit, read_delivery
from shared.operations import listing
from shared.operations.alert import volumes
from shared.operations.mentioning import mentioning
from shared.people.directory import REMEMBERED_SECONDS
from shared.stages.record import bucket_of
from shared.stages.translate import envelope
from shared.stages.validate import key_hash
from shared.storage import CONTAINERS, TABLES
from tests.house import OK, body, build, order
from tests.real import azurite

__all__ = ["azurite"]
NOTES = Path(__file__).parents[1] / "docs/design-notes.md"
EVENTS = 1_000


def documented():
    rows = re.findall(r"^\| ([^|]+) \| .+ \| (\d+) \|$", NOTES.read_text(), re.MULTILINE)
    return {name: int(requests) for name, requests in rows}


@pytest.mark.slow
async def test_each_access_path_takes_the_requests_that_are_documented(azurite):
    async with (
        AzureTables(azurite.connection_string) as tables,
        AzureBlobs(azurite.connection_string) as blobs,
    ):
        for table in TABLES:  # the first use of a table creates it
            await tables.get(table.name, "-", "-")
        # A known key, because it says how many partitions the people lie in.
        house = await build(tables=tables, blobs=blobs).furnish(hash_key=bytes(32))
        first = await house.accept(id="first")
        house.clock.pass_(seconds=1)
        await house.post_all(*(order(id=f"order-{n}") for n in range(EVENTS - 1)))
        await house.accept(id="warm")
        house.clock.pass_(seconds=1)

        counted = {name: await requests(tables, path(house, first)) for name, path in PATHS.items()}
        counted |= await on_the_way(house)

    assert counted == documented()


@pytest.mark.slow
async def test_nothing_is_stored_in_a_table_that_is_not_declared(running):
    connection = running.stack.environment["STORAGE_CONNECTION"]
    running.post_order()

    async with AzureTables(connection) as tables:
        assert set(await tables.names()) <= {table.name for table in TABLES}
    with BlobServiceClient.from_connection_string(connection) as blobs:
        assert {one.name for one in blobs.list_containers()} <= {one.name for one in CONTAINERS}


async def on_the_way(house):
    """What a commit of forty events of as many people takes, the second time that they are heard of."""
    house.queue.sent.clear()
    await post_forty(house)
    await house.work("events")
    house.clock.pass_(seconds=REMEMBERED_SECONDS + 1)
    house.queue.sent.clear()
    tables, line = house.tables, house.line
    counted = {"accept 40 events at once": await requests(tables, post_forty(house))}
    [(_, commit, _)] = house.queue.sent
    processed = flow.process(line, read_commit(commit.encode()))
    counted["process a commit of 40 events"] = await requests(tables, processed)
    _, (_, first, _), (_, second, _) = house.queue.sent
    house.http.answers = [OK] * 40
    await flow.deliver(line, read_delivery(first.encode()))
    delivered = flow.deliver(line, read_delivery(second.encode()))
    counted["deliver the last 20 of them"] = await requests(tables, delivered)
    return counted


async def post_forty(house):
    keyless = {name: value for name, value in order().items() if name != "id"}
    await house.post_all(*({**keyless, "person": {"email": f"p{n}@example.com"}} for n in range(40)))


async def requests(tables, awaitable):
    before = tables.requests
    await awaitable
    return tables.requests - before


async def drain(rows):
    return [row async for row in rows]


async def each_bucket(path):
    return [await drain(path(bucket)) for bucket in range(4)]


def now(house):
    return house.clock.now()


WEEK = datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)


async def rollups(house):
    await house.line.rollups.tallies("demo", "transactions.order-placed", *WEEK)
    await house.line.rollups.hours("demo", *WEEK)


async def counted(house):
    await house.line.dead_letters.waiting("demo", 1_000)
    await house.line.due.destinations("demo", 1_000)


async def compared(house):
    """A tick in which an hour has ended, but for the sections, its state, and that which is written."""
    section = await house.line.sections.read("demo")
    hour = WEEK[1]
    await volumes(house.line, section, hour, hour, ZoneInfo(section.time_zone))


async def under_way(house):
    for bucket in range(4):
        await house.line.outbox.unfinished("demo", bucket, 1_000)


PATHS = {
    "receipt by id": lambda house, first: listing.receipt(house.line, house.caller, first),
    "duplicate check, one event": lambda house, _: house.post(id="first"),
    "duplicate check, 40 at once": lambda house, _: post_again(house),
    "unsent commits": lambda house, _: each_bucket(
        lambda bucket: house.line.outbox.unsent("demo", bucket, now(house), 1_000)
    ),
    "commits due for a look": lambda house, _: each_bucket(
        lambda bucket: house.line.outbox.due("demo", bucket, now(house), 1_000)
    ),
    "events newest first": lambda house, _: listing.newest(house.line, house.caller, listing.page_of({})),
    "events after an id (follow)": lambda house, first: listing.newest(
        house.line, house.caller, listing.page_of({"after": first})
    ),
    "dead letters of one cause": lambda house, _: house.line.dead_letters.list("demo", Cause.REJECTED, 100),
    "dead letters counted by cause and destination": lambda house, _: house.line.dead_letters.groups("demo"),
    "a page of events, delivered or refused, to replay": lambda house, _: replay_page(house),
    "replays of a section": lambda house, _: house.line.replays.list("demo"),
    "quarantine of one cause": lambda house, _: house.line.quarantine.list("demo", "invalid", 100),
    "kept webhooks that mention a person, by one identifier": lambda house, _: mentioning(
        house.line, "demo", body({"person": {"email": "ada@example.com"}})
    ),
    "rejected requests of a source": lambda house, _: house.line.rejected.list("demo", "0" * 32),
    "timeline of a person": lambda house, _: house.line.timeline.newest("demo", "0" * 32, 100),
    "hours that were rolled up, for a tick": lambda house, _: house.line.rollups.hours("demo", *WEEK),
    "roll-ups of a definition": lambda house, _: rollups(house),
    "what is dead, held or parked in a section, counted": lambda house, _: counted(house),
    "what is kept in quarantine, by source": lambda house, _: house.line.quarantine.sources("demo", 1_000),
    "commits that are under way": lambda house, _: under_way(house),
    "how full quotas were in this hour and the last": lambda house, _: drain(
        house.line.quotas.spent.between("demo", *WEEK)
    ),
    "what is not as usual in a section": lambda house, _: house.line.alerts.read("demo"),
    "the hours that a counted hour is compared with": lambda house, _: compared(house),
    "kept webhooks that came in an hour": lambda house, _: house.line.quarantine.between("demo", "0", "1"),
    "due retries": lambda house, _: drain(house.line.due.ready(now(house), 1_000)),
    "parked deliveries of a destination": lambda house, _: drain(house.line.due.parked("demo", "crm", 1_000)),
    "parked commits of a section": lambda house, _: each_bucket(
        lambda bucket: house.line.outbox.parked("demo", bucket, 1_000)
    ),
    "firsts of their like whose time has ended": lambda house, _: each_bucket(
        lambda bucket: house.line.firsts.expired("demo", bucket, "20991231", 1_000)
    ),
    "the audit of a section": lambda house, _: house.line.audit.page("demo", 100),
    "expired rows": lambda house, _: each_bucket(
        lambda bucket: house.line.ledger.expired("demo", bucket, "20991231", 1_000)
    ),
}


async def replay_page(house):
    """A hundred of them; their receipts are a range a commit beside."""
    section = await house.line.sections.read("demo")
    await listing.oldest(house.line, section, "", "~", 100)


async def post_again(house):
    """Post forty orders that were stored before and lie in one bucket."""
    section = await house.line.sections.read("demo")
    orders = [order(id=f"order-{n}") for n in range(EVENTS - 1)]
    keys = [key_hash(section, house.caller, envelope(body(one))) for one in orders]
    together = [one for one, key in zip(orders, keys, strict=True) if bucket_of(section, key) == 0]
    await house.post_all(*together[:40])
