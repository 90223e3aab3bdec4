"""What storage, the bus and the receiver themselves say, read without our API; and what is wrong with it."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.servicebus import ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient
from azure.storage.blob import BlobClient, ContainerClient

from shared.catalog import own
from shared.routing.subscribed import is_subscription
from shared.storage import BODIES
from tests.kill.raw import Entity, bytes_of, rows
from tests.kill.rig import POLL_SECONDS, Rig, tick
from tests.running import Running

ENDED = frozenset({"delivered", "dead", "held", "refused"})
"""Refused is only what came too late for a subscription."""
LONG = timedelta(seconds=30)
"""A retry that is further off than this is not waited for: the third attempt comes after five minutes."""
MOST_PEEKED = 250


@dataclass(frozen=True, slots=True)
class Evidence:
    """`keys` are what senders call the events, by id; `bound` the ids of k| rows, `outbox` the u| and w| rows' names.

    `quiet` are the ids of test events, which start nothing.
    """

    keys: Mapping[str, str]
    quiet: frozenset[str]
    bound: Sequence[str]
    outbox: Sequence[str]
    processed: frozenset[str]
    deliveries: Sequence[Entity]
    listed: frozenset[str]
    requests: Sequence[Mapping[str, Any]]

    @property
    def waiting(self) -> set[str]:
        """The ids of events whose delivery is to be retried only later than this test runs."""
        later = datetime.now(UTC) + LONG
        return {
            event_of(row)
            for row in self.deliveries
            if row["status"] == "retrying" and datetime.fromisoformat(row["dueAt"]) > later
        }

    @property
    def rested(self) -> set[str]:
        """The ids of events that were processed and whose delivery, if they have one, has ended."""
        ended = {event_of(row) for row in self.deliveries if row["status"] in ENDED}
        return (ended | self.quiet) & self.processed

    @property
    def unsettled(self) -> set[str]:
        """The ids of events of which something still has to happen soon."""
        return set(self.keys) - self.rested - self.waiting

    @property
    def unsent(self) -> list[str]:
        """The outbox rows of commits that are not known to have been handed off."""
        return [name for name in self.outbox if name.startswith("u|")]

    @property
    def by_event(self) -> Mapping[str, str]:
        """What the deliveries of each event say, in a few words."""
        found: dict[str, list[str]] = {}
        for row in self.deliveries:
            found.setdefault(event_of(row), []).append(row["status"])
        return {id: " and ".join(statuses) for id, statuses in found.items()}

    @property
    def statuses(self) -> Counter[str]:
        return Counter(str(row["status"]) for row in self.deliveries)


def event_of(row: Entity) -> str:
    """The event of a row of the receipts table, or of the dead letters."""
    return str(row["RowKey"]).partition("|")[0]


def read(rig: Rig) -> Evidence:
    """Everything, as it is now."""
    events = rows(rig.storage, "events", "doc", "blob", "test", "id")
    receipts = rows(rig.storage, "receipts", "destination", "status", "dueAt")
    stored = [row for row in events if row["RowKey"].startswith("e|")]
    return Evidence(
        keys={row["RowKey"][2:]: _key(rig, row) for row in stored},
        quiet=frozenset(row["RowKey"][2:] for row in stored if row["test"]),
        bound=[row["id"] for row in events if row["RowKey"].startswith("k|")],
        outbox=[row["RowKey"] for row in events if row["RowKey"].startswith(("u|", "w|"))],
        processed=frozenset(event_of(row) for row in receipts if row["RowKey"].endswith("|")),
        deliveries=[row for row in receipts if row.get("destination")],
        listed=frozenset(row["RowKey"] for row in rows(rig.storage, "deadletters")),
        requests=requests(rig.received),
    )


def of_ours(found: Evidence) -> Mapping[str, set[str]]:
    """By its key, what Signalbox itself has sent: nobody else was told of it."""
    told: dict[str, set[str]] = {}
    for id, key in found.keys.items():
        if key.partition("|")[0] in own.EVENTS:
            told.setdefault(key, set()).add(id)
    return told


def settled(rig: Rig, running: Running, seconds: float, but: Collection[str] = ()) -> Evidence:
    """What there is once nothing has to happen soon, or after that many seconds; ticks are posted until then.

    `but`: the ids of events that take longer.
    """
    deadline = time.monotonic() + seconds
    while True:
        tick(running)
        begun = time.monotonic()
        found = read(rig)
        if not (found.unsettled.difference(but) or found.unsent) or time.monotonic() > deadline:
            return found
        # Looking must not keep the machine busy that is being looked at.
        time.sleep(POLL_SECONDS + 2 * (time.monotonic() - begun))


def without(found: Evidence, gone: Collection[str]) -> Evidence:
    """The same, as if the receiver had never heard of some events: they were purged, and it keeps what it had."""
    heard = [one for one in found.requests if one["headers"]["webhook-id"].partition("_")[0] not in gone]
    return replace(found, requests=heard)


def remains(rig: Rig, ids: Collection[str]) -> list[str]:
    """What there still is of events that were purged: their rows, keys and bodies."""
    named = [
        f"{table}: {row['RowKey']}"
        for table in ("events", "receipts", "timeline", "deadletters", "due")
        for row in rows(rig.storage, table, "id")
        if any(id in row["RowKey"] or id == row.get("id") for id in ids)
    ]
    with ContainerClient.from_connection_string(rig.storage, BODIES.name) as bodies:
        there = bodies.list_blob_names() if bodies.exists() else ()
        return named + [name for name in there if name.rpartition("/")[2] in ids]


def requests(received: Path) -> list[dict[str, Any]]:
    """What the receiver had: its own file."""
    return [json.loads(line) for line in received.read_text().splitlines()]


def lost(rig: Rig, found: Evidence) -> list[str]:
    """The ids of events whose delivery waits for its time, and nothing will bring it on then."""
    coming = [*_deliveries(rig), *(row["RowKey"] for row in rows(rig.storage, "due"))]
    return [id for id in found.waiting if not any(id in one for one in coming)]


def given_up(rig: Rig) -> list[str]:
    """The bodies of messages that the bus has delivered too often."""
    return on_bus(rig, "events", dead=True) + _deliveries(rig, dead=True)


def _deliveries(rig: Rig, *, dead: bool = False) -> list[str]:
    """What is on both lanes."""
    return [body for lane in ("deliveries", "deliveries-slow") for body in on_bus(rig, lane, dead=dead)]


def on_bus(rig: Rig, queue: str, *, dead: bool = False) -> list[str]:
    """The bodies of the messages that wait on a queue, scheduled ones too, or of those that it gave up."""
    return asyncio.run(_on_bus(rig, queue, ServiceBusSubQueue.DEAD_LETTER if dead else None))


async def _on_bus(rig: Rig, queue: str, sub_queue: ServiceBusSubQueue | None) -> list[str]:
    found: list[str] = []
    number = 0
    async with (
        ServiceBusClient.from_connection_string(rig.bus) as bus,
        bus.get_queue_receiver(queue, sub_queue=sub_queue) as receiver,
    ):
        while page := await receiver.peek_messages(MOST_PEEKED, sequence_number=number):
            found += [str(message) for message in page]
            number = (page[-1].sequence_number or 0) + 1
    return found


def wrongs(acknowledged: Mapping[str, Collection[str]], found: Evidence) -> list[str]:
    """Every promise that does not hold, in a sentence; `acknowledged` are the ids that each key was given."""
    told = {id for ids in acknowledged.values() for id in ids}
    return [
        *(f"key {key} was answered with {len(ids)} ids" for key, ids in acknowledged.items() if len(ids) > 1),
        *_of_events(told, found),
        *_of_deliveries(told, found),
        *_of_lists(found),
        *_of_receiver(found),
    ]


def _of_events(told: Collection[str], found: Evidence) -> Iterator[str]:
    stored = set(found.keys)
    yield from (f"{id} was acknowledged and is not stored" for id in set(told) - stored)
    yield from (f"{id} is stored and was never acknowledged" for id in stored - set(told))
    for key, count in Counter(found.keys.values()).items():
        if count > 1:
            yield f"key {key} is stored {count} times"
    bound = Counter(found.bound)
    yield from (f"{id} is bound to {bound[id]} keys" for id in stored if bound[id] != 1)
    yield from (f"a key names {id}, which is not there" for id in set(bound) - stored)
    yield from (f"{name} waits to be handed off" for name in found.unsent)


def _of_deliveries(told: Collection[str], found: Evidence) -> Iterator[str]:
    """Every event that a rig is sent has exactly one route, and a test event takes none."""
    said = found.by_event
    for id in {*told, *found.keys} - found.quiet:
        if said.get(id) not in ENDED:
            yield f"{id} is {said.get(id, 'nothing')}, not delivered, dead or held"
    refused = [row for row in found.deliveries if row["status"] == "refused"]
    wrong = [row for row in refused if not is_subscription(row["destination"])]
    yield from (f"{event_of(row)} is refused, and nobody unsubscribed" for row in wrong)
    yield from (f"{id} has not come to rest" for id in found.unsettled)
    yield from (f"{id} has deliveries and must have none" for id in set(said) - set(found.keys))
    yield from (f"{id} is a test and was delivered" for id in found.quiet & set(said))


def _of_lists(found: Evidence) -> Iterator[str]:
    buried = {row["RowKey"] for row in found.deliveries if row["status"] in ("dead", "held")}
    yield from (f"{rk} is dead or held and not listed" for rk in buried - found.listed)
    yield from (f"{rk} is listed and neither dead nor held" for rk in found.listed - buried)


def _of_receiver(found: Evidence) -> Iterator[str]:
    taken = {one["headers"]["webhook-id"] for one in found.requests if 200 <= one["status"] < 300}
    marked = {row["RowKey"].replace("|", "_") for row in found.deliveries if row["status"] == "delivered"}
    yield from (f"{id} is marked delivered and was not taken" for id in marked - taken)
    yield from (f"{id} was taken and is not marked delivered" for id in taken - marked)
    names: dict[str, set[str]] = defaultdict(set)
    for one in found.requests:
        names[_about(one)].add(one["headers"]["webhook-id"])
    yield from (f"{about} was delivered under {len(ids)} ids" for about, ids in names.items() if len(ids) > 1)


def _about(request: Mapping[str, Any]) -> str:
    """The sender's key, which each event carries as its first property."""
    properties = json.loads(request["body"])["data"]["properties"]
    return str(next(iter(properties.values())))


def _key(rig: Rig, row: Entity) -> str:
    """What the sender calls the event: it stands in its document, which may lie in a blob."""
    if row.get("doc"):
        document = bytes_of(row, "doc")
    else:
        blob = BlobClient.from_connection_string(rig.storage, BODIES.name, row["blob"])
        document = blob.download_blob().readall()
    return str(json.loads(document)["key"])
