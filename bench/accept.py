"""The accept path against the obvious design: store an event and hand it off, from few callers and from many."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from azure.data.tables.aio import TableServiceClient
from azure.servicebus.aio import ServiceBusClient

from bench.load import Round, middle, run
from bench.parts import Furnished, Parts
from bench.plain import Plain
from shared import documents, ids
from shared.event import Event, Person
from shared.exact import Number
from shared.stages.record import Candidate, Recorded, State

EVENTS_A_ROUND = {1: 150, 16: 800, 64: 1_600, 256: 3_200}
DUPLICATES = (10, 50, 100)
CALLERS_OF_DUPLICATES = 64


@asynccontextmanager
async def plain(parts: Parts) -> AsyncIterator[Plain]:
    """The obvious design with a table of its own, every connection open."""
    async with (
        TableServiceClient.from_connection_string(parts.storage) as service,
        ServiceBusClient.from_connection_string(parts.bus) as client,
        client.get_queue_sender("deliveries") as sender,
    ):
        yield Plain(await service.create_table_if_not_exists("plain"), sender)


async def compare(obvious: Plain, furnished: Furnished, callers: int, rounds: int) -> tuple[Round, Round]:
    """Rounds of both designs in turn, so that the machine's moods meet both: the obvious one's figures, then ours."""
    taken: tuple[list[Round], list[Round]] = ([], [])
    for _ in range(rounds):
        for found, counting, work in (
            (taken[0], obvious, obvious.accept),
            (taken[1], furnished, lambda one: accept(furnished, one)),
        ):
            events = [candidate() for _ in range(EVENTS_A_ROUND[callers])]
            found.append(await run(counting, work, events, callers))
    return middle(taken[0]), middle(taken[1])


async def duplicates(furnished: Furnished, share: int, rounds: int) -> Round:
    """Events of which that share in a hundred were accepted before."""

    async def work(one: Candidate) -> None:
        await accept(furnished, one)

    known = [candidate() for _ in range(800)]
    await run(furnished, work, known, CALLERS_OF_DUPLICATES)
    taken = []
    for _ in range(rounds):
        mixed = [known[n] if n % 100 < share else candidate() for n in range(len(known))]
        taken.append(await run(furnished, work, mixed, CALLERS_OF_DUPLICATES))
    return middle(taken)


async def accept(furnished: Furnished, one: Candidate) -> None:
    """Store one event, then hand its commit off, as `flow.intake` does."""
    [found] = await furnished.line.recorder.record(furnished.section, [one])
    if not isinstance(found, Recorded):
        raise found
    if found.state is not State.DONE:
        await furnished.line.hand_off.commits(furnished.section.id, [ids.commit_of(found.id)])


def candidate() -> Candidate:
    """An order of about 400 bytes, under a key of its own."""
    key = secrets.token_hex(32)
    properties = {"orderId": key[:12], "totalValue": Number("42.50"), "currency": "EUR", "note": "n" * 60}
    event = Event(
        event="transactions.order-placed",
        version="ver_0123456789abcdef",
        purpose="marketing",
        retention_days=365,
        person=Person(email="ada@example.com"),
        properties=properties,
        occurred_at=None,
        received_at=datetime.now(UTC),
        source="checkout",
        source_id="bench",
        trust="server",
        key=key[:20],
        test=False,
    )
    return Candidate(event, documents.write_event(event), key, key)
