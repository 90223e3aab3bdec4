"""What storage, the bus and the receiver themselves say, read without our API; and what is wrong with it."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.servicebus import ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient

from local.demo.furnish import SECTION
from shared.azure.tables import AzureTables
from shared.ports import Row
from tests.kill.rig import POLL_SECONDS, Rig
from tests.running import Running

BUCKETS = 4
ENDED = frozenset({"delivered", "dead", "held", "refused"})
LONG = timedelta(seconds=30)
"""A retry that is further off than this is not waited for: the third attempt comes after five minutes."""
MOST_PEEKED = 250


@dataclass(frozen=True, slots=True)
class Evidence:
    """`events` are the e| rows' keys by id, `bound` the ids of k| rows, `outbox` the u| and w| rows' names."""

    events: Mapping[str, str]
    bound: Sequence[str]
    outbox: Sequence[str]
    processed: frozenset[str]
    deliveries: Sequence[Row]
    listed: frozenset[str]
    requests: Sequence[Mapping[str, Any]]

    @property
    def waiting(self) -> set[str]:
        """The ids of events whose delivery is to be retried only later than this test runs."""
        later = datetime.now(UTC) + LONG
        return {
            event_of(row)
            for row in self.deliveries
            if row.values["status"] == "retrying" and datetime.fromisoformat(str(row.values["dueAt"])) > later
        }

    @property
    def rested(self) -> set[str]:
        """The ids of events that were processed and whose delivery has ended."""
        return {event_of(row) for row in self.deliveries if row.values["status"] in ENDED} & set(
            self.processed
        )

    @property
    def unsettled(self) -> set[str]:
        """The ids of events of which something still has to happen soon."""
        return set(self.events) - self.rested - self.waiting

    @property
    def unsent(self) -> list[str]:
        """The outbox rows of commits that are not known to have been handed off."""
        return [name for name in self.outbox if name.startswith("u|")]

    @property
    def statuses(self) -> Counter[str]:
        return Counter(str(row.values["status"]) for row in self.deliveries)


def event_of(row: Row) -> str:
    """The event of a row of the receipts table, or of the dead letters."""
    return row.rk.partition("|")[0]


def read(rig: Rig) -> Evidence:
    """Everything, as it is now."""
    return asyncio.run(_read(rig))


def settled(rig: Rig, running: Running, seconds: float) -> Evidence:
    """What there is once nothing has to happen soon, or after that many seconds; ticks are posted until then."""
    deadline = time.monotonic() + seconds
    while True:
        assert running.operator.post("/v1/tick").status == 200
        found = read(rig)
        if not (found.unsettled or found.unsent) or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


async def _read(rig: Rig) -> Evidence:
    async with AzureTables(rig.storage) as tables:
        events = await _rows(tables, "events", [f"{SECTION}|{n}" for n in range(BUCKETS)])
        receipts = await _rows(tables, "receipts", [f"{SECTION}|{n:02x}" for n in range(256)])
        causes = [f"{SECTION}|{cause}" for cause in ("rejected", "exhausted", "outcome_unknown", "broken")]
        listed = await _rows(tables, "deadletters", causes)
    return Evidence(
        events={row.rk[2:]: _key(row) for row in events if row.rk.startswith("e|")},
        bound=[str(row.values["id"]) for row in events if row.rk.startswith("k|")],
        outbox=[row.rk for row in events if row.rk.startswith(("u|", "w|"))],
        processed=frozenset(event_of(row) for row in receipts if row.rk.endswith("|")),
        deliveries=[row for row in receipts if "destination" in row.values],
        listed=frozenset(row.rk for row in listed),
        requests=requests(rig.received),
    )


async def _rows(tables: AzureTables, table: str, partitions: Sequence[str]) -> list[Row]:
    async def one(pk: str) -> list[Row]:
        return [row async for row in tables.range(table, pk)]

    return [row for rows in await asyncio.gather(*map(one, partitions)) for row in rows]


def _key(row: Row) -> str:
    document = row.values["doc"]
    assert isinstance(document, bytes)
    return str(json.loads(document)["key"])


def requests(received: Path) -> list[dict[str, Any]]:
    """What the receiver had: its own file."""
    return [json.loads(line) for line in received.read_text().splitlines()]


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
    return [*_of_keys(acknowledged, found), *_of_deliveries(found), *_of_receiver(found)]


def _of_keys(acknowledged: Mapping[str, Collection[str]], found: Evidence) -> list[str]:
    told = {id for ids in acknowledged.values() for id in ids}
    stored = Counter(found.events.values())
    return [
        *(f"key {key} was answered with {len(ids)} ids" for key, ids in acknowledged.items() if len(ids) > 1),
        *(f"key {key} is stored {count} times" for key, count in stored.items() if count > 1),
        *(f"{id} was acknowledged and is not stored" for id in told - set(found.events)),
        *(f"{id} is stored and was never acknowledged" for id in set(found.events) - told),
        *(f"{id} is bound to {count} keys" for id, count in Counter(found.bound).items() if count > 1),
        *(f"{id} is stored without its key" for id in set(found.events) - set(found.bound)),
        *(f"a key names {id}, which is not there" for id in set(found.bound) - set(found.events)),
    ]


def _of_deliveries(found: Evidence) -> list[str]:
    """Every demo event has exactly one route."""
    counts = Counter(map(event_of, found.deliveries))
    buried = [row for row in found.deliveries if row.values["status"] in ("dead", "held")]
    return [
        *(f"{id} has {counts[id]} deliveries" for id in found.events if counts[id] != 1),
        *(f"{id} has deliveries and is not stored" for id in set(counts) - set(found.events)),
        *(f"{id} has not come to rest" for id in found.unsettled),
        *(f"{name} waits to be handed off" for name in found.unsent),
        *(
            f"{row.rk} is {row.values['status']!r} and not listed"
            for row in buried
            if row.rk not in found.listed
        ),
        *(f"{rk} is listed and not dead" for rk in found.listed - {row.rk for row in buried}),
    ]


def _of_receiver(found: Evidence) -> list[str]:
    taken = {one["headers"]["webhook-id"] for one in found.requests if 200 <= one["status"] < 300}
    marked = {row.rk.replace("|", "_") for row in found.deliveries if row.values["status"] == "delivered"}
    names: dict[str, set[str]] = defaultdict(set)
    for one in found.requests:
        names[_about(one)].add(one["headers"]["webhook-id"])
    return [
        *(f"{id} is marked delivered and was not taken" for id in marked - taken),
        *(f"{id} was taken and is not marked delivered" for id in taken - marked),
        *(f"{about} was delivered under {len(ids)} ids" for about, ids in names.items() if len(ids) > 1),
    ]


def _about(request: Mapping[str, Any]) -> str:
    """The sender's key, which each event carries as its first property."""
    properties = json.loads(request["body"])["data"]["properties"]
    return str(next(iter(properties.values())))
