"""Everything that raw stores can say against the promises, read without the code that wrote them."""

import json

from shared import documents
from shared.errors import Unavailable

ENDED = {"delivered", "dead", "held", "refused", "parked"}


def wrongs(world, destinations):
    """Everything that the raw stores say against the promises."""
    events = dict(stored(world))
    deliveries = {
        place: row.values for place, row in raw(world, "receipts") if place[1].split("|")[1] not in ("", "!")
    }
    yield from (f"raised {error!r}" for error in world.raised if not isinstance(error, Unavailable))
    if world.fuse.fault in ("killed", "unavailable"):
        yield from (f"the bus gave up on {message.body}" for message in world.bus.dead)
    yield from (f"left on the bus: {message.body}" for message in world.bus.messages)
    yield from (
        f"left in the outbox: {rk}"
        for (_, rk), _ in raw(world, "events")
        if rk.startswith(("u|", "w|", "p|"))
    )
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
    paused = paused_documents(world)
    yield from (
        f"parked, and nobody will resume it: {rk}" for rk in parked if rk.split("|rt-")[1] not in paused
    )
    kept = [
        row.values["doc"]
        for (pk, _), row in raw(world, "quarantine")
        if pk == "demo|paused" and "doc" in row.values
    ]
    sources = [json.loads(doc)["source"] for doc in kept]
    yield from (f"kept for a source that is not paused: {one}" for one in sources if one not in paused)
    yield from (f"left in due: {rk}" for (pk, rk), _ in raw(world, "due") if not pk.startswith("parked|"))


def paused_documents(world):
    """The ids of whatever is paused."""
    marks = (b'"status":"paused"', b'"paused":true')
    return {rk for (_, rk), row in raw(world, "registry") if any(mark in row.values["doc"] for mark in marks)}


def dead(world):
    return {rk for (_, rk), row in raw(world, "receipts") if row.values.get("status") in ("dead", "held")}


def twice(events):
    keys = [event.key for event in events.values() if event.key]
    yield from (f"two events under one key: {key}" for key in set(keys) if keys.count(key) > 1)


def unaccounted(world, events):
    """Every identifier leads to a profile that lists it, and every event is on one timeline."""
    people = {rk: row.values for (_, rk), row in raw(world, "people")}
    listed = {(rk.split("|")[1], rk.split("|")[4]) for rk in people if "|p|" in rk}
    bound = {(row["maker"], rk[2:]): row["person"] for rk, row in people.items() if "person" in row}
    yield from (f"an identifier that no profile lists: {one}" for one in bound.keys() - listed)
    yield from (f"a profile lists what is not its own: {one}" for one in listed - bound.keys())
    makers = {(rk[2:], row["maker"]) for rk, row in people.items() if rk.startswith("p|")}
    yield from (
        f"a person without a maker: {one}" for one in {(p, m) for (m, _), p in bound.items()} ^ makers
    )
    seen = sorted(rk.split("|")[2] for (_, rk), _ in raw(world, "timeline"))
    if seen != sorted(events):
        yield f"timelines hold {seen}, events are {sorted(events)}"
