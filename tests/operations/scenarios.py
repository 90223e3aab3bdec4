"""What happens in the world of a crash test: each scenario as its sender, its operator and its receiver live it."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared import hooks
from shared.errors import Conflict, Unavailable, UnknownType
from shared.operations import mend, replay, unpark
from shared.operations.pace import Pace
from shared.ports import Answer
from shared.sources import Received
from shared.sources.kinds import shopify
from shared.stages.verdict import Accepted
from tests.crash import Fuse, World
from tests.house import ORDER, SECTION, body, order
from tests.sources.signing import new_secret, sign

HOOK = "0123456789abcdef0123456789abcdef"
SECRET = new_secret(shopify.VERIFIER, b"crash")
NOTES = [f"note{n}" for n in range(20)]
"""Fields that together are larger than a row takes."""
PERSON = {"email": "ada@example.com", "crmId": "c-1"}
FAILED = Answer(503, {}, b"")


async def furnished(*destinations):
    """Tables with the demo section, its hash key always the same: the buckets, and so the calls, stay the same."""
    world = World(Fuse())
    line = world.house.line
    await line.sections.create(body(SECTION), bytes(32))
    notes = [{"name": name, "type": "text", "description": "A note"} for name in NOTES]
    order_with_notes = {**ORDER, "fields": [*ORDER["fields"], *notes]}
    await line.definitions.create("demo", body(order_with_notes))
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
        await unpark.resume(house.line, "demo", "crm", pace(house.line))

    await world.ask(resumed)
    await world.work()


async def a_resume_while_parking(world):
    """The destination is resumed by another instance while this one still believes that it is paused."""
    await set_status(world, "paused")
    await world.ask(lambda house: house.line.destinations.open("demo", "crm"))
    other = world.beside().line
    await other.destinations.set_status("demo", "crm", "active")
    await unpark.resume(other, "demo", "crm", pace(other))
    await post(world, order())
    await world.work()


async def a_paused_section(world):
    await set_section(world, "paused")
    await post(world, order())
    await world.work()
    await world.pass_(minutes=2)
    await resume_section(world)
    await world.work()


async def a_section_paused_midway(world):
    """One delivery waits for its next attempt, one has not been sent yet."""
    world.receiver.script = [FAILED]
    await post(world, order(id="a"))
    await world.work()
    await set_section(world, "paused")
    await post(world, order(id="b"))
    await world.work()
    await world.pass_(seconds=10)
    await resume_section(world)
    await world.work()


async def a_section_resumed_while_parking(world):
    """The section is resumed by another instance while this one still believes that it is paused."""
    await set_section(world, "paused")
    await world.ask(lambda house: house.line.sections.read("demo"))
    other = world.beside().line
    await other.sections.set_status("demo", "active")
    await unpark.resume_section(other, "demo", pace(other))
    await post(world, order())
    await world.work()


async def a_paused_source(world):
    await world.ask(lambda house: house.line.sources.pause("demo", HOOK))
    await webhook(world)
    await world.pass_(minutes=2)

    async def resumed(house):
        await house.line.sources.resume("demo", HOOK)
        await mend.resume(house.line, "demo", pace(house.line))

    await world.ask(resumed)
    await world.work()


def pace(line):
    return Pace(line.clock, line.clock.now() + timedelta(seconds=10))


async def webhook(world):
    payload = {"id": 1001, "total_price": "42.50", "currency": "EUR", "email": "ada@example.com"}
    headers = {"x-shopify-topic": "orders/create", "x-shopify-webhook-id": "w-1"}
    plain = Received("POST", f"/v1/hooks/{HOOK}", headers, json.dumps(payload).encode())
    request = sign(shopify.VERIFIER, plain, SECRET, world.clock.now())

    async def sent(house):
        told = await hooks.webhook(house.line, HOOK, request)
        world.acknowledged.add(told.events[0].id if told.events else "w-1")

    await world.ask(sent)


async def set_types(world, types):
    async def change(house):
        await house.line.sources.set_types("demo", HOOK, body(types))

    await world.ask(change)


async def set_status(world, status):
    async def change(house):
        await house.line.destinations.set_status("demo", "crm", status)

    await world.ask(change)


async def set_section(world, status):
    await world.ask(lambda house: house.line.sections.set_status("demo", status))


async def resume_section(world):
    """Who is not answered sees that the section is still paused, and goes to another instance."""

    async def resumed(house):
        await house.line.sections.set_status("demo", "active")
        await unpark.resume_section(house.line, "demo", pace(house.line))

    await world.ask(resumed)
    other = world.beside().line
    if (await other.sections.show("demo"))["status"] == "paused":
        await other.sections.set_status("demo", "active")


@dataclass(frozen=True)
class Scenario:
    """What happens, where each of its events must have gone, and how soon after one process or one call failed."""

    run: Callable[[World], Awaitable[None]]
    destinations: tuple[str, ...] = ("crm",)
    heals_within: timedelta = timedelta(minutes=10)


SCENARIOS = {
    scenario.run.__name__: scenario
    for scenario in (
        Scenario(one_event),
        Scenario(a_batch_with_a_duplicate),
        Scenario(a_large_event),
        Scenario(two_destinations, ("crm", "erp")),
        # An attempt that was cut short counts, so the next but one waits for half an hour, or for hours.
        Scenario(a_retry, heals_within=timedelta(hours=1)),
        Scenario(a_long_wait, heals_within=timedelta(days=1)),
        Scenario(a_bus_that_was_away),
        Scenario(a_refused_purpose),
        # Nothing is on the bus when an operator's replay is cut short: the sweeper sends what it has seen stuck twice,
        # and in this test's time it comes by once an hour.
        Scenario(a_dead_letter_replay, heals_within=timedelta(hours=3)),
        Scenario(a_webhook),
        Scenario(a_quarantine_replay),
        Scenario(a_park_and_resume),
        Scenario(a_resume_while_parking),
        Scenario(a_paused_section),
        Scenario(a_section_paused_midway, heals_within=timedelta(hours=1)),
        Scenario(a_section_resumed_while_parking),
        Scenario(a_paused_source),
    )
}
