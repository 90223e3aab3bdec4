"""What a line lives through for a recording: something is left in every state there is, and noted with how it must end."""

import gzip
import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import patch

from shared.access import tokens
from shared.destinations import never
from shared.destinations.kinds import webhook
from shared.errors import Unauthenticated
from shared.operations import replay
from shared.ports import Answer
from shared.routing.subscribed import new_id
from shared.routing.subscriptions import ID_BYTES
from shared.sources import Received
from shared.sources.kinds import shopify
from tests.access.issuing import CLIENT
from tests.house import SECTION, body
from tests.sources.signing import new_secret
from tests.upgrade.crashes import BAD, FAILED, crashes

if TYPE_CHECKING:
    from tests.upgrade.record import Recorder

SECRET = new_secret(shopify.VERIFIER, b"upgrade")
SHOP, TILL = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
ARRIVES = {"crm": "delivered", "erp": "delivered"}
ROUTES = {
    "orders.placed": ["crm", "erp"],
    "orders.flaky": ["flaky"],
    "orders.bad": ["bad"],
    "orders.mute": ["mute"],
    "orders.closed": ["closed"],
    "orders.left": ["left"],
    "orders.heard": [],
    "orders.mixed": ["crm", "flaky", "bad", "closed"],
    "orders.nowhere": [],
    "orders.unmapped": ["crm"],
    "orders.forever": ["crm"],
    "orders.short": ["crm"],
}
RETENTION = {"orders.forever": None, "orders.short": 7}
"""Days, where they are not a year."""
MAPPINGS = {"erp": {"number": "properties.n", "at": "occurredAt"}}
UNMAPPABLE = {"number": "join(',', properties.n)"}
"""Text is no list: such an event cannot be turned into a request."""
TYPES = {
    "orders/create": {"event": "orders.placed"},
    "orders/undefined": {"event": "orders.undefined"},
    "orders/version": {"event": "orders.placed", "version": "ver_0000000000000000"},
}
SHOP_MAPPING = {"person": {"email": "email"}, "properties": {"n": "to_string(id)"}}


def _broken(received: Received) -> NoReturn:
    raise RuntimeError


async def live(recorder: "Recorder") -> None:
    """Everything, in an order in which nothing takes on what was left before."""
    await furnished(recorder)
    await keys(recorder)
    await clients(recorder)
    await with_ticks(recorder)
    await people(recorder)
    await deliveries(recorder)
    await events(recorder)
    await webhooks(recorder)
    await crashes(recorder)
    await hand_off(recorder)
    await a_paused_section(recorder)


async def furnished(recorder: "Recorder", section: str = "demo") -> None:
    """A section with its definitions, destinations, routes and sources, some of them paused."""
    line = recorder.house.line
    await line.sections.create(body({**SECTION, "id": section}), bytes(range(32)))
    for event, names in ROUTES.items():
        await line.definitions.create(section, body(definition(event)))
        for name in names:
            await destination(recorder, section, name)
            mapping = UNMAPPABLE if event == "orders.unmapped" else MAPPINGS.get(name)
            doc = {"event": event, "destination": name, "mapping": mapping}
            doc |= {"purpose": "transactional"} if name == "erp" else {}
            await line.routes.create(section, body(doc), f"rt-{event.partition('.')[2]}-{name}")
    wish = {"events": ["orders.heard"], "url": "https://heard.example.com/hook"}
    if not await line.subscriptions.list(section):
        await line.subscriptions.create(section, body(wish), bytes(ID_BYTES), bytes(range(32)))
    paused = {"event": "orders.placed", "destination": "crm"}
    await line.routes.create(section, body(paused), "rt-paused")
    await line.routes.set_status(section, "rt-paused", "paused")
    await line.destinations.set_status(section, "closed", "paused")
    if section == "demo":
        await source(recorder, SHOP)
        await source(recorder, TILL)
        await line.sources.pause("demo", TILL)


def definition(event: str) -> dict[str, Any]:
    fields = [{"name": "n", "type": "text", "required": True, "description": "Which"}]
    about = {"title": event, "description": "For a recording.", "purpose": "marketing"}
    return {"event": event, **about, "retentionDays": RETENTION.get(event, 365), "fields": fields}


async def destination(recorder: "Recorder", section: str, name: str) -> None:
    known = await recorder.house.line.destinations.list(section)
    if name not in [one["id"] for one in known]:
        doc = {"name": name, "kind": "webhook", "settings": {"url": f"https://{name}.example.com/hook"}}
        await recorder.house.line.destinations.create(section, body(doc), bytes(range(32)))


async def source(recorder: "Recorder", id: str) -> None:
    types = {name: {**meaning, "mapping": SHOP_MAPPING} for name, meaning in TYPES.items()}
    doc = {
        "name": id[:4],
        "kind": "shopify",
        "label": "Shop",
        "types": types,
        "secrets": {"signing": SECRET},
    }
    await recorder.house.line.sources.create("demo", body(doc), bytes.fromhex(id), ["shopify"])


async def keys(recorder: "Recorder") -> None:
    """Keys that open, and keys that do not any more. The first one posts everything."""
    line, known = recorder.house.line, recorder.known["keys"]
    doc = {"name": "till", "source": "checkout", "scopes": ["events:write", "events:read"]}

    async def made(name: str, section: str = "demo", **more: Any) -> dict[str, Any]:
        random = name.encode().ljust(tokens.RANDOM_BYTES, b".")
        return await line.keys.create(section, body({**doc, "name": name, **more}), random)

    first, rotated, revoked = await made("first"), await made("rotated"), await made("revoked")
    again = await line.keys.rotate("demo", rotated["id"], b"again".ljust(tokens.SECRET_BYTES, b"."))
    await line.keys.revoke("demo", revoked["id"])
    half = await made("half")
    other = await line.keys.rotate("demo", half["id"], b"other".ljust(tokens.SECRET_BYTES, b"."))
    await line.keys.revoke("demo", half["id"], 1)
    expired = await made("expired", expiresAt="2026-11-22T09:16:00Z")
    replacing = await made("replacing", replaces=first["id"], events=["orders.placed"])
    deployment = await made("deployment", "*", scopes=["sections:write", "tick", "operate"])
    opens = {True: (first, rotated, again, other, replacing, deployment), False: (revoked, half, expired)}
    known += [[one["key"], good] for good, all_ in opens.items() for one in all_]
    recorder.world.caller = recorder.house.caller = await line.keys.authenticate(first["key"])


async def clients(recorder: "Recorder") -> None:
    """A service principal that is let in, and one that was."""
    line, doc = recorder.house.line, {"name": "erp", "source": "erp", "scopes": ["events:write"]}
    for last, opens in (("1", True), ("2", False)):
        made = await line.clients.create("demo", body({**doc, "id": f"{CLIENT[:-1]}{last}"}))
        if not opens:
            await line.clients.revoke("demo", made["id"])
        recorder.known["clients"].append([made["id"], opens])


async def with_ticks(recorder: "Recorder") -> None:
    """What only ticks bring about. From here on there are none, or they would take on what is left."""
    world, scripts = recorder.world, recorder.receiver.scripts
    scripts["flaky"] = [FAILED] * 10
    id = await recorder.post("exhausted", "orders.flaky")
    await recorder.work()
    while scripts["flaky"]:
        await world.pass_(hours=8)
    recorder.expect("exhausted", id, "failed", {"flaky": "dead"})
    # What took nothing for a day is disabled; a person goes on with it.
    await recorder.house.line.destinations.set_status("demo", "flaky", "active")

    id = await recorder.post("lost twice")
    world.bus.messages.clear()
    world.clock.pass_(minutes=61)
    world.start()
    await world.tick()
    world.bus.messages.clear()
    recorder.expect("lost twice", id, "delivered", ARRIVES)

    scripts["flaky"] = [FAILED] * 3
    id = await recorder.post("waits long", "orders.flaky")
    await recorder.work()
    await recorder.wait(seconds=10)
    await world.pass_(minutes=7)
    assert await recorder.deliveries(id) == {"flaky": "retrying"}
    assert world.tables.tables["due"]
    recorder.expect("waits long", id, "delivered", {"flaky": "delivered"})


async def people(recorder: "Recorder") -> None:
    """People with some identifiers, and what their addresses have refused."""
    line = recorder.house.line
    section = await line.sections.read("demo")

    async def about(name: str, **person: Any) -> None:
        id = await recorder.post(name, person=person)
        await recorder.work()
        recorder.expect(name, id, "delivered", ARRIVES)
        trail = await line.receipts.trail("demo", id)
        recorder.known["people"].append([person, trail.person])

    async def said(state: str, purpose: str = "marketing", **address: str) -> None:
        await line.consents.set(section, body({**address, "purpose": purpose, "state": state}))

    await about("ada", email="ada@example.com", crmId="c-ada", externalIds={"erp": "e-1"})
    await about("ada again", mobile="0701234567", crmId="c-ada", deviceId="d-1")
    await about("bob", email="bob@example.com")
    await about("bob or ada", email="bob@example.com", crmId="c-ada")
    await said("opted_out", email="grace@example.com")
    recorder.world.clock.pass_(seconds=1)
    await said("opted_out", email="ada@example.com")
    recorder.world.clock.pass_(seconds=1)
    await said("opted_in", email="ada@example.com")
    await about("dora", email="dora@example.com", crmId="c-dora")
    await said("opted_out", email="dora@example.com", purpose="transactional")
    recorder.known["refused"] += [
        [{"email": "grace@example.com"}, {"crm": "refused", "erp": "delivered"}],
        [{"crmId": "c-dora"}, {"crm": "delivered", "erp": "refused"}],
        [{"email": "ada@example.com"}, {"crm": "delivered", "erp": "delivered"}],
    ]
    id = await recorder.post("refused", "orders.short", person={"email": "grace@example.com"})
    await recorder.work()
    recorder.expect("refused", id, "refused", {"crm": "refused"})


async def deliveries(recorder: "Recorder") -> None:
    """Deliveries in each state that one can be left in."""
    scripts = recorder.receiver.scripts
    id = await recorder.post("pending")
    await recorder.one_message()
    recorder.expect("pending", id, "delivered", ARRIVES)

    scripts["flaky"] = [FAILED]
    id = await recorder.post("retrying", "orders.flaky")
    await recorder.work()
    recorder.expect("retrying", id, "delivered", {"flaky": "delivered"})

    scripts["left"] = [Answer(410, {}, b"")]
    id = await recorder.post("gone", "orders.left")
    await recorder.work()
    recorder.expect("gone", id, "failed", {"left": "dead"})
    id = await recorder.post("waits for a disabled one", "orders.left")
    await recorder.work()
    recorder.expect("waits for a disabled one", id, "parked", {"left": "parked"})

    scripts["heard"] = [FAILED]
    id = await recorder.post("subscribed to", "orders.heard")
    await recorder.work()
    recorder.expect("subscribed to", id, "delivered", {new_id(bytes(ID_BYTES)): "delivered"})

    scripts["bad"] = [BAD] * 3
    for name in ("dead", "dead too"):
        id = await recorder.post(name, "orders.bad")
        await recorder.work()
        recorder.expect(name, id, "failed", {"bad": "dead"})
    id = await recorder.post("replayed", "orders.bad")
    await recorder.work()
    await replay.dead_letter(recorder.house.line, "demo", f"{id}_rt-bad-bad")
    recorder.expect("replayed", id, "delivered", {"bad": "delivered"})

    id = await recorder.post("unmapped", "orders.unmapped")
    await recorder.work()
    recorder.expect("unmapped", id, "failed", {"crm": "dead"})

    with patch.object(webhook, "DESTINATION", new=replace(webhook.DESTINATION, deduplicates=never)):
        scripts["mute"] = [Answer(504, {}, b"")]
        id = await recorder.post("held", "orders.mute")
        await recorder.work()
    recorder.expect("held", id, "held", {"mute": "held"})

    id = await recorder.post("parked", "orders.closed")
    await recorder.work()
    recorder.expect("parked", id, "parked", {"closed": "parked"})

    scripts["flaky"], scripts["bad"] = [FAILED], [BAD]
    id = await recorder.post("mixed", "orders.mixed")
    await recorder.work()
    recorder.expect(
        "mixed", id, "failed", {"crm": "delivered", "flaky": "delivered", "bad": "dead", "closed": "parked"}
    )


async def events(recorder: "Recorder") -> None:
    """Events of each kind, all the way."""
    for name, event, ends in (
        ("delivered", "orders.placed", ("crm", "erp")),
        ("kept forever", "orders.forever", ("crm",)),
        ("kept a week", "orders.short", ("crm",)),
        ("no route", "orders.nowhere", ()),
    ):
        id = await recorder.post(name, event, occurredAt="2026-11-21T10:00:00+01:00", source="label")
        await recorder.work()
        recorder.expect(name, id, "delivered" if ends else "processed", dict.fromkeys(ends, "delivered"))
    id = await recorder.post("test", test=True, person={"email": "test@example.com"})
    await recorder.work()
    recorder.expect("test", id, "processed", {})
    id = await recorder.post(None)
    await recorder.work()
    recorder.expect("no key", id, "delivered", ARRIVES)
    id = await recorder.post("large", properties={"n": "x" * 3_000})
    await recorder.work()
    recorder.expect("large", id, "delivered", ARRIVES)
    batch = [{"event": "orders.placed", "properties": {"n": f"batch {n}"}} for n in range(3)]
    told = await recorder.ask(lambda house: house.post_all(*batch))
    await recorder.work()
    for number, one in enumerate(told):
        recorder.expect(f"batch {number}", one.id, "delivered", ARRIVES)
    version = {
        "fields": [
            *definition("orders.short")["fields"],
            {"name": "m", "type": "integer", "description": "New"},
        ]
    }
    await recorder.house.line.definitions.add_version("demo", "orders.short", body(version))
    id = await recorder.post("second version", "orders.short", properties={"n": "2", "m": 2})
    await recorder.work()
    recorder.expect("second version", id, "delivered", {"crm": "delivered"})


async def webhooks(recorder: "Recorder") -> None:
    """Webhooks that became events, that are kept under each cause, and that were turned away."""
    id = await recorder.hook("w-1")
    await recorder.work()
    recorder.expect("webhook", id, "delivered", ARRIVES)
    id = await recorder.hook("w-2")
    again = json.dumps({"id": "another body", "email": "shopper@example.com"}).encode()
    assert await recorder.hook("w-2", raw=again) == id
    await recorder.work()
    recorder.expect("webhook that differs", id, "delivered", ARRIVES)
    with suppress(Unauthenticated):
        await recorder.hook("forged", secret=new_secret(shopify.VERIFIER, b"forger"))
    large = json.dumps({"id": "large", "note": "x" * 3_000}).encode()
    zipped = {"content-encoding": "gzip"}
    with patch.object(shopify, "SOURCE", replace(shopify.SOURCE, read=_broken)):
        await recorder.hook("k-broken")
    for delivery, topic, other in (
        ("k-type", "orders/unknown", {}),
        ("k-large", "orders/unknown", {"raw": large}),
        ("k-event", "orders/undefined", {}),
        ("k-version", "orders/version", {}),
        ("k-invalid", "orders/create", {"raw": b'{"id": "1", "email": "nobody"}'}),
        ("k-malformed", "orders/create", {"raw": b"{"}),
        (
            "k-too-large",
            "orders/create",
            {"raw": gzip.compress(b" " * 3_000_000, mtime=0), "headers": zipped},
        ),
        ("k-paused", "orders/create", {"hook": TILL}),
    ):
        assert await recorder.hook(delivery, topic, **other) == ""
    becomes = {"broken-source", "unknown-type", "unknown-event", "unknown-version"}
    for one in await recorder.house.line.quarantine.list("demo", None, 100):
        recorder.known["kept"].append([one["id"], one["cause"], one["cause"] in becomes])


async def hand_off(recorder: "Recorder") -> None:
    """Events that were stored, and whose message is not there yet, is there, or is there no more."""
    for name, more in (("unsent", "x"), ("unsent and large", "x" * 3_000)):
        recorder.world.bus.away = True
        id = await recorder.post(name, properties={"n": more})
        recorder.world.bus.away = False
        recorder.expect(name, id, "delivered", ARRIVES)
    recorder.expect("sent", await recorder.post("sent"), "delivered", ARRIVES)
    id = await recorder.post("lost")
    recorder.world.bus.messages.clear()
    recorder.expect("lost", id, "delivered", ARRIVES)


async def a_paused_section(recorder: "Recorder") -> None:
    """An event that waits for its section, where this version can pause one."""
    if not hasattr(recorder.house.line.sections, "set_status"):
        return  # 0.1.0-b9937fe, the first version that was recorded
    id = await recorder.post("in a paused section", "orders.nowhere")
    await recorder.house.line.sections.set_status("demo", "paused")
    await recorder.work()
    await recorder.house.line.sections.set_status("demo", "active")
    recorder.expect("in a paused section", id, "processed", {})
