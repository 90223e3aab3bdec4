"""A small furnished house for tests: the whole line on given ports, with a section, a definition and a way out."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared import exact, flow
from shared.access.caller import Caller
from shared.access.tokens import RANDOM_BYTES
from shared.exact import Json
from shared.line import Line
from shared.messages import read_commit, read_delivery
from shared.operations import listing
from shared.operations.tick import tick
from shared.ports import Answer, Blobs, NoAnswer, Queue, Row, Tables
from shared.stages import translate
from shared.stages.verdict import Accepted
from shared.stores.trail import Delivery
from shared.wiring import assemble
from tests.fakes import (
    FakeBlobs,
    FakeClock,
    FakeHttp,
    FakeIdentity,
    FakeMeter,
    FakeQueue,
    FakeSeal,
    FakeSpans,
    FakeTables,
)

ORDER = {
    "event": "transactions.order-placed",
    "title": "Order placed",
    "description": "A customer has placed an order.",
    "purpose": "marketing",
    "retentionDays": 365,
    "fields": [
        {"name": "orderId", "type": "text", "required": True, "description": "The shop's number"},
        {"name": "totalValue", "type": "decimal", "required": True, "description": "With tax"},
        {"name": "currency", "type": "text", "description": "ISO 4217"},
    ],
}
SECTION = {
    "id": "demo",
    "name": "Demo",
    "country": "SE",
    "timeZone": "Europe/Stockholm",
    "publicBaseUrl": "https://events.example.com",
}
OK = Answer(200, {}, b"")


@dataclass
class House:
    """The line and the fakes beneath it."""

    line: Line
    tables: Any
    queue: FakeQueue
    http: FakeHttp
    clock: FakeClock
    identity: FakeIdentity = field(default_factory=FakeIdentity)
    meter: FakeMeter = field(default_factory=FakeMeter)
    spans: FakeSpans = field(default_factory=FakeSpans)
    caller: Caller = field(init=False)

    async def furnish(self, hash_key: bytes | None = None) -> "House":
        """Create the section, a key, the order definition, a destination and a route."""
        await self.line.sections.create(body(SECTION), hash_key or secrets.token_bytes(32))
        key = {"name": "test", "scopes": ["events:write", "events:read"], "source": "checkout"}
        made = await self.line.keys.create("demo", body(key), secrets.token_bytes(RANDOM_BYTES))
        self.caller = await self.line.keys.authenticate(made["key"])
        await self.line.definitions.create("demo", body(ORDER))
        await self.add_destination("crm")
        await self.add_route("crm")
        return self

    async def add_destination(self, name: str, url: str = "https://crm.example.com/hook") -> None:
        settings = {"url": url}
        await self.line.destinations.create(
            "demo", body({"name": name, "kind": "webhook", "settings": settings}), secrets.token_bytes(32)
        )

    async def add_route(self, destination: str, id: str = "", **more: Json) -> str:
        doc = {"event": ORDER["event"], "destination": destination, **more}
        made = await self.line.routes.create("demo", body(doc), id or f"rt-{destination}")
        return str(made["id"])

    async def post(self, **changes: Json) -> Any:
        """Post one order, some of its members changed; its verdict, which a test knows the kind of."""
        return (await self.post_all(order(**changes)))[0]

    async def post_all(self, *envelopes: Json) -> Any:
        """Post a batch; a verdict each."""
        drafts = [translate.envelope(body(one)) for one in envelopes]
        told = await flow.intake(self.line, self.caller, drafts)
        await self.line.hand_off.idle()
        return told

    async def accept(self, **changes: Json) -> str:
        """Post one order that must be accepted; its id."""
        told = await self.post(**changes)
        assert isinstance(told, Accepted), told
        return told.id

    async def work(self, *queues: str) -> None:
        """Let the queue triggers, all or those of some queues, do all that can be done now."""
        while ready := [one for one in self.queue.sent if self._is_ready(one, queues)]:
            self.queue.sent = [one for one in self.queue.sent if one not in ready]
            for queue, message, _ in ready:
                if queue == "events":
                    await flow.process(self.line, read_commit(message.encode()))
                else:
                    slow = queue == self.line.lanes.slow.queue
                    await flow.deliver(self.line, read_delivery(message.encode()), slow=slow)

    async def pass_(self, **time: float) -> dict[str, Json]:
        """Time passes, the timer fires, and the queues are worked off; what the tick says that it did."""
        self.clock.pass_(**time)
        done = await tick(self.line)
        await self.work()
        return done

    async def receipt(self, id: str) -> dict[str, Json]:
        return await listing.receipt(self.line, self.caller, id)

    async def delivery(self, id: str, route: str = "rt-crm") -> Delivery:
        """A delivery that there is, as it is stored."""
        found = await self.line.receipts.delivery("demo", id, route)
        assert found is not None
        return found

    async def dead_letters(self) -> list[dict[str, Json]]:
        return await self.line.dead_letters.list("demo", None, 100)

    def rows(self, table: str, prefix: str = "") -> list[Row]:
        """What lies in a table raw, by row key."""
        there = self.tables.tables.get(table, {})
        return [there[place] for place in sorted(there) if place[1].startswith(prefix)]

    def _is_ready(self, message: tuple[str, str, datetime | None], queues: tuple[str, ...]) -> bool:
        queue, _, at = message
        return (not queues or queue in queues) and (at is None or at <= self.clock.now())


def body(doc: Json) -> Json:
    """A document as a door would have parsed it: numbers exact."""
    return exact.loads(json.dumps(doc))


def order(**changes: Json) -> dict[str, Json]:
    """An order that fits its definition."""
    return {
        "event": "transactions.order-placed",
        "id": "order-1001",
        "person": {"email": "ada@example.com"},
        "properties": {"orderId": "1001", "totalValue": 42.5, "currency": "EUR"},
        **changes,
    }


def build(
    *answers: Answer | NoAnswer,
    tables: Tables | None = None,
    blobs: Blobs | None = None,
    queue: Queue | None = None,
    http: FakeHttp | None = None,
    clock: FakeClock | None = None,
    mark_pause: float = 0,
    forbid_unverified: bool = False,
) -> House:
    """An unfurnished house on fakes; `answers` are what destinations will say."""
    clock, http = clock or FakeClock(), http or FakeHttp(*answers)
    identity, meter, spans = FakeIdentity(), FakeMeter(), FakeSpans()
    own_tables, own_queue = tables or FakeTables(), queue or FakeQueue()
    if isinstance(own_queue, FakeQueue):
        own_queue.clock = clock
    line = assemble(
        tables=own_tables,
        blobs=blobs or FakeBlobs(),
        queue=own_queue,
        seal=FakeSeal(),
        http=http,
        identity=identity,
        clock=clock,
        mark_pause=mark_pause,
        forbid_unverified=forbid_unverified,
        meter=meter,
        spans=spans,
    )
    return House(line, own_tables, own_queue, http, clock, identity, meter, spans)  # type: ignore[arg-type]
