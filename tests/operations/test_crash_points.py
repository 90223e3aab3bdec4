"""Promise 1: whatever call of whatever port fails or ends the process, what was acknowledged ends where it is seen.

Each scenario runs again and again, with the fault one call later each time, until it runs through without one. What
became of everything is read from the raw stores.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import get_args

import pytest

from shared import documents, flow
from shared.errors import Conflict, Unavailable
from shared.operations import mend, replay, unpark
from shared.ports import Answer
from shared.sources import Received, shopify
from shared.stages.translate import UnknownType
from shared.stages.verdict import Accepted
from tests.crash import Fault, Fuse, World
from tests.house import ORDER, SECTION, body, order
from tests.sources.signing import new_secret, sign

HOOK = "0123456789abcdef0123456789abcdef"
SECRET = new_secret(shopify.VERIFIER, b"crash")
ENDED = {"delivered", "dead", "held", "refused", "parked"}
NOTES = [f"note{n}" for n in range(20)]
"""Fields that together are larger than a row takes."""
PERSON = {"email": "ada@example.com", "crmId": "c-1"}
FAILED = Answer(503, {}, b"")


async def furnished(*destinations):
    """Tables with the demo section, its hash key always the same: the buckets, and so the calls, stay the same."""
    world = World(Fuse())
    line = world.house.line
    await line.sections.create(body(SECTION), bytes(32))
    fields = [*ORDER["fields"], *({"name": name, "type": "text", "description": "A note"} for name in NOTES)]
    await line.definitions.create("demo", body({**ORDER, "fields": fields}))
    types = {"orders/create": {"event": ORDER["event"], "version": None, "mapping": None}}
    source = {"name": "shop", "kind": "shopify", "label": "Shop", "types": types}
    source |= {"secrets": {"signing": SECRET}}
    await line.sources.create("demo", body(source), bytes.fromhex(HOOK), ["shopify"])
    for name in destinations:
        await world.house.add_destination(name)
        await world.house.add_route(name)
    return world.tables.tables


async def post(world, *envelopes):
    """Post as a client does: 2xx acknowledges, and only then is the client done."""

    async def once(house):
        told = await house.post_all(*envelopes)
        world.acknowledged |= {one.id for one in told if isinstance(one, Accepted)}
        if any(isinstance(one, Unavailable) for one in told):
            raise Unavailable("some")
        return told

    return await world.ask(once)


async def one_event(world):
    await post(world, order(person=PERSON))
    await world.work()
    await world.pass_(seconds=31)


async def a_batch_with_a_duplicate(world):
    await post(world, order(id="a"), order(id="b"), order(id="a"))
    await world.work()
    await world.pass_(seconds=31)


async def a_large_event(world):
    notes = dict.fromkeys(NOTES, "x" * 30_000)
    await post(world, order(properties={"orderId": "1", "totalValue": 1, **notes}))
    await world.work()


async def two_destinations(world):
    await post(world, order())
    await world.work()
    await world.pass_(minutes=2)


async def a_retry(world):
    world.receiver.script = [FAILED]
    await post(world, order())
    await world.work()
    await world.pass_(seconds=10)


async def a_long_wait(world):
    world.receiver.script = [FAILED] * 3
    await post(world, order())
    await world.work()
    await world.pass_(seconds=10)
    await world.pass_(minutes=7)
    await world.pass_(minutes=40)


async def a_bus_that_was_away(world):
    world.bus.away = True
    await post(world, order())
    world.bus.away = False
    await world.pass_(seconds=31)
    await world.pass_(minutes=2)


async def a_refused_purpose(world):
    other = world.beside().line
    refusal = {"email": "ada@example.com", "purpose": "marketing", "state": "opted_out"}
    await other.consents.set(await other.sections.read("demo"), body(refusal))
    await post(world, order())
    await world.work()


async def a_dead_letter_replay(world):
    world.receiver.script = [Answer(400, {}, b"")]
    await post(world, order())
    await world.work()
    await world.pass_(minutes=2)

    async def replayed(house):
        for dead in await house.line.dead_letters.list("demo", None, 10):
            with suppress(Conflict):  # it is being sent still
                await replay.dead_letter(house.line, "demo", dead["id"])

    await world.ask(replayed)
    await world.work()


async def a_webhook(world):
    await webhook(world)
    await world.work()


async def a_quarantine_replay(world):
    await set_types(world, {})
    await webhook(world)
    await set_types(world, {"orders/create": {"event": ORDER["event"]}})

    async def mended(house):
        for item in await house.line.quarantine.list("demo", None, 10):
            with suppress(UnknownType):  # the source was not mended
                told = await mend.replay(house.line, "demo", item["id"])
                world.acknowledged.add(told["id"])

    await world.ask(mended)
    await world.work()


async def a_park_and_resume(world):
    await set_status(world, "paused")
    await post(world, order())
    await world.work()
    await world.pass_(minutes=2)

    async def resumed(house):
        await house.line.destinations.set_status("demo", "crm", "active")
        await unpark.resume(house.line, "demo", "crm")

    await world.ask(resumed)
    await world.work()


async def a_resume_while_parking(world):
    """The destination is resumed by another instance while this one still believes that it is paused."""
    await set_status(world, "paused")
    await world.ask(lambda house: house.line.destinations.open("demo", "crm"))
    other = world.beside().line
    await other.destinations.set_status("demo", "crm", "active")
    await unpark.resume(other, "demo", "crm")
    await post(world, order())
    await world.work()


async def webhook(world):
    payload = {"id": 1001, "total_price": "42.50", "currency": "EUR", "email": "ada@example.com"}
    headers = {"x-shopify-topic": "orders/create", "x-shopify-webhook-id": "w-1"}
    plain = Received("POST", f"/v1/hooks/{HOOK}", headers, json.dumps(payload).encode())
    request = sign(shopify.VERIFIER, plain, SECRET, world.clock.now())

    async def sent(house):
        told = await flow.webhook(house.line, HOOK, request)
        world.acknowledged.add(told.id if told else "w-1")

    await world.ask(sent)


async def set_types(world, types):
    async def change(house):
        await house.line.sources.set_types("demo", HOOK, body(types))

    await world.ask(change)


async def set_status(world, status):
    async def change(house):
        await house.line.destinations.set_status("demo", "crm", status)

    await world.ask(change)


@dataclass(frozen=True)
class Scenario:
    """What happens, and where each of its events must have gone."""

    run: Callable[[World], Awaitable[None]]
    destinations: tuple[str, ...] = ("crm",)


SCENARIOS = {
    scenario.run.__name__: scenario
    for scenario in (
        Scenario(one_event),
        Scenario(a_batch_with_a_duplicate),
        Scenario(a_large_event),
        Scenario(two_destinations, ("crm", "erp")),
        Scenario(a_retry),
        Scenario(a_long_wait),
        Scenario(a_bus_that_was_away),
        Scenario(a_refused_purpose),
        Scenario(a_dead_letter_replay),
        Scenario(a_webhook),
        Scenario(a_quarantine_replay),
        Scenario(a_park_and_resume),
        Scenario(a_resume_while_parking),
    )
}


FAULTS = [
    *((fault, "before", True) for fault in get_args(Fault)),
    *((fault, moment, moment == "after") for fault in ("killed", "unavailable") for moment in ("before", "after")),
]
"""With what a client does that gets no answer: it sends again, or never."""


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "moment", "patient"), FAULTS)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_what_was_acknowledged_ends_whichever_call_fails(name, fault, moment, patient):
    tables = await furnished(*SCENARIOS[name].destinations)
    number = 0
    reached = True
    while reached:
        number += 1
        world = World(Fuse(fault, moment, number), tables, patient=patient)
        await SCENARIOS[name].run(world)
        reached = world.fuse.calls >= number
        wrong = await world.settle(lambda: list(wrongs(world, SCENARIOS[name].destinations)))  # noqa: B023
        assert not wrong, f"call {number}: {wrong}"
        found = await world.house.line.dead_letters.list("demo", None, 100)
        assert {one["id"] for one in found} == {rk.replace("|", "_") for rk in dead(world)}
    assert number > 10


def wrongs(world, destinations):
    """Everything that the raw stores say against the promises."""
    events = dict(stored(world))
    deliveries = {place: row.values for place, row in raw(world, "receipts") if place[1].split("|")[1] not in ("", "!")}
    yield from (f"raised {error!r}" for error in world.raised if not isinstance(error, Unavailable))
    if world.fuse.fault in ("killed", "unavailable"):
        yield from (f"the bus gave up on {message.body}" for message in world.bus.dead)
    yield from (f"left on the bus: {message.body}" for message in world.bus.messages)
    yield from (f"left in the outbox: {rk}" for (_, rk), _ in raw(world, "events") if rk.startswith("c|"))
    yield from lost(world, events)
    yield from not_ended(events, deliveries, destinations)
    yield from not_received(world, deliveries)
    yield from not_listed(world, deliveries)
    yield from twice(events)
    yield from unaccounted(world, events)


def raw(world, table):
    return world.tables.tables.get(table, {}).items()


def stored(world):
    for (_, rk), row in raw(world, "events"):
        if rk.startswith("e|"):
            document = row.values.get("doc") or world.blobs.blobs[row.values["blob"]]
            yield rk[2:], documents.read_event(document)


def lost(world, events):
    kept = {str(row.values) for _, row in raw(world, "quarantine")}
    keys = {event.key for event in events.values()}
    for id in world.acknowledged:
        if id not in events and id not in keys and not (id == "w-1" and any("w-1" in one for one in kept)):
            yield f"lost: {id}"


def not_ended(events, deliveries, destinations):
    places = {rk: values for (_, rk), values in deliveries.items()}
    for id in events:
        for name in destinations:
            values = places.pop(f"{id}|rt-{name}", None)
            if values is None:
                yield f"no delivery of {id} to {name}"
            elif values["status"] not in ENDED:
                yield f"{values['status']}: {id} to {name}"
    yield from (f"a delivery too many: {rk}" for rk in places)


def not_received(world, deliveries):
    sent = [(one.headers["webhook-id"], one.body, status) for one, status in world.receiver.requests]
    taken = {id for id, _, status in sent if status == 200}
    known = {rk.replace("|", "_") for _, rk in deliveries}
    for (_, rk), values in deliveries.items():
        if values["status"] == "delivered" and rk.replace("|", "_") not in taken:
            yield f"delivered without a request: {rk}"
    for id, text, _ in sent:
        if id not in known or not id.startswith(json.loads(text)["data"]["id"] + "_"):
            yield f"sent under another id: {id}"


def not_listed(world, deliveries):
    """What waits for a person is found by that person, and nothing else is."""
    listed = {rk for (_, rk), _ in raw(world, "deadletters")}
    yield from (f"dead and not listed: {rk}" for rk in dead(world) - listed)
    parked = {rk for (_, rk), values in deliveries.items() if values["status"] == "parked"}
    waiting = {rk for (pk, rk), _ in raw(world, "due") if pk.startswith("parked|")}
    yield from (f"parked and not listed: {rk}" for rk in parked - waiting)
    paused = {rk for (_, rk), row in raw(world, "registry") if b'"status":"paused"' in row.values["doc"]}
    yield from (f"parked, and nobody will resume it: {rk}" for rk in parked if rk.split("|rt-")[1] not in paused)
    yield from (f"left in due: {rk}" for (pk, rk), _ in raw(world, "due") if not pk.startswith("parked|"))


def dead(world):
    return {rk for (_, rk), row in raw(world, "receipts") if row.values.get("status") in ("dead", "held")}


def twice(events):
    keys = [event.key for event in events.values() if event.key]
    yield from (f"two events under one key: {key}" for key in set(keys) if keys.count(key) > 1)


def unaccounted(world, events):
    """Every identifier leads to a profile that lists it, and every event is on one timeline."""
    people = dict(raw(world, "people"))
    profiles = {rk[2:]: row.values["doc"].decode() for (_, rk), row in people.items() if rk.startswith("p|")}
    for (_, rk), row in people.items():
        if rk.startswith("i|") and f'"{row.values["kind"]}"' not in profiles.get(row.values["person"], ""):
            yield f"an identifier that no profile lists: {row.values['kind']}"
    seen = sorted(rk.split("|")[1] for (_, rk), _ in raw(world, "timeline"))
    if seen != sorted(events):
        yield f"timelines hold {seen}, events are {sorted(events)}"
