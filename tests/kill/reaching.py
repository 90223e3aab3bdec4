"""How a host is brought to each kill point: what is prepared, and what is done until it has died of it."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from local.demo.furnish import ORDER
from shared import ids
from shared.azure.vault import new_master_key
from tests.kill import rewind, webhooks
from tests.kill.raw import rows
from tests.kill.rig import wait_until
from tests.kill.scene import ARMED, SECONDS, Scene
from tests.kill.sender import Doc, booking, order, survey

Step = Callable[[], object]
Reaching = Callable[[Scene], Step]
NOTES, NOTE = 20, "n" * 28_000
"""Together they do not fit a row."""
PADDING = "p" * 600_000
NUMBER = {"name": "number", "type": "text", "description": "What the sender calls it"}
TICK = ("POST", "/v1/tick")


def _key() -> str:
    return f"key-{secrets.token_hex(8)}"


def _number() -> int:
    return secrets.randbelow(10**12)


def _of_kind(name: str, **notes: str) -> Doc:
    key = _key()
    person = {"email": f"{key}@example.com"}
    return {"event": f"signals.{name}", "id": key, "person": person, "properties": {"number": key, **notes}}


def _newcomer(key: str) -> Doc:
    """An order of somebody whom nobody knows, by two identifiers."""
    return {**order(key), "person": {"email": f"{key}@example.com", "crmId": key}}


def _posted(kind: Callable[[str], Doc]) -> Reaching:
    """Events at the armed host."""
    return lambda scene: lambda: scene.post(kind(_key()), ARMED)


def _worked_off(kind: Callable[[str], Doc]) -> Reaching:
    """Events at the other host, until the armed one has got a message of theirs."""
    return lambda scene: lambda: [scene.post(kind(_key())) for _ in range(3)]


def _unique(scene: Scene) -> Step:
    """Events that may be alike others and are not, each the first of its like."""
    kind = scene.kind("/ok", unique=True)
    return lambda: [scene.post(_of_kind(kind)) for _ in range(3)]


def _sent_to(path: str) -> Reaching:
    """Events for a destination that answers as the path says."""

    def reach(scene: Scene) -> Step:
        kind = scene.kind(path)
        return lambda: [scene.post(_of_kind(kind)) for _ in range(3)]

    return reach


def _asked(method: str, path: str, doc: Any = None) -> Reaching:
    body = b"" if doc is None else json.dumps(doc).encode()
    return lambda scene: lambda: scene.ask_armed(method, path, body)


def _unfitting(scene: Scene) -> Step:
    body = json.dumps({"event": ORDER, "id": _key()}).encode()
    return lambda: scene.ask_armed("POST", "/v1/events", body)


def _repeated(scene: Scene) -> Step:
    event = order(_key())
    scene.post(event)
    return lambda: scene.post(event, ARMED)


def _large(scene: Scene) -> Step:
    kind = scene.kind("/ok", NOTES)
    return lambda: scene.post(_large_of(kind), ARMED)


def _large_of(kind: str) -> Doc:
    return _of_kind(kind, **{f"note{n}": NOTE for n in range(NOTES)})


def _forged(scene: Scene) -> Step:
    path = f"/v1/hooks/{scene.source()}"
    return lambda: scene.ask_armed("POST", path, b"{}")


def _kept(**more: str) -> Reaching:
    def reach(scene: Scene) -> Step:
        source = scene.source()
        return lambda: scene.webhook(source, _number(), ARMED, webhooks.UNKNOWN, **more)

    return reach


def _repeated_webhook(scene: Scene) -> Step:
    source, number = scene.source(), _number()
    scene.webhook(source, number)
    return lambda: scene.webhook(source, number, ARMED, total_price="10.50")


def _mended(scene: Scene, **more: Any) -> Step:
    source = scene.source()
    scene.webhook(source, _number(), topic=webhooks.UNKNOWN, **more)
    scene.operator.put(f"/v1/sources/{source}/types", webhooks.MENDED)
    kept = scene.operator.get("/v1/quarantine?limit=100").doc["quarantine"]
    (id,) = [one["id"] for one in kept if one["source"] == source]
    return lambda: scene.ask_armed("POST", f"/v1/quarantine/{id}/replay")


def _resumed_source(scene: Scene) -> Step:
    source = scene.source()
    resume = scene.pause(f"/v1/sources/{source}")
    scene.webhook(source, _number(), topic=webhooks.UNKNOWN)
    return lambda: scene.ask_armed("POST", resume)


def _parked(scene: Scene) -> Step:
    kind = scene.kind("/ok")
    scene.pause(f"/v1/destinations/{kind}")
    return lambda: scene.post(_of_kind(kind))


def _resumed(scene: Scene) -> Step:
    kind = scene.kind("/ok")
    resume = scene.pause(f"/v1/destinations/{kind}")
    scene.row(scene.post(_of_kind(kind)), "parked")
    return lambda: scene.ask_armed("POST", resume)


def _parked_commit(scene: Scene) -> Step:
    there = scene.elsewhere()
    kind = there.kind("/ok")
    there.pause(f"/v1/sections/{there.section}")
    return lambda: there.post(_of_kind(kind))


def _resumed_section(scene: Scene) -> Step:
    there = scene.elsewhere()
    kind = there.kind("/ok")
    resume = there.pause(f"/v1/sections/{there.section}")
    commit = ids.commit_of(there.post(_of_kind(kind))).id
    wait_until(lambda: _is_in_outbox(scene, f"p|{commit}"), "a commit to be parked", SECONDS)
    return lambda: scene.ask_armed("POST", resume)


def _is_in_outbox(scene: Scene, rk: str) -> bool:
    return any(row["RowKey"] == rk for row in rows(scene.rig.storage, "events"))


def _closed(scene: Scene) -> Step:
    kind = scene.kind("/ok")
    scene.at_end.append(rewind.break_destination(scene.rig, kind))
    return lambda: scene.slow.update([scene.post(_of_kind(kind)) for _ in range(3)])


def _caught_up(scene: Scene) -> Step:
    id = scene.post(order(_key()))
    scene.row(id, "delivered")
    rewind.lose_mark(scene.rig, id)
    return lambda: scene.ask_armed(*TICK)


def _unsubscribed(scene: Scene) -> Step:
    """Subscribers to what goes nowhere else, each of whom wants no more of it."""
    kinds = [scene.make("/v1/definitions", _definition())["event"] for _ in range(12)]
    for kind in kinds:
        doc = {"events": [kind], "url": scene.rig.receiver_url + "/gone"}
        scene.make("/v1/subscriptions", doc)
    names = [kind.removeprefix("signals.") for kind in kinds]
    return lambda: [scene.post(_of_kind(names.pop())) for _ in names[:1]]


def _disabled(scene: Scene) -> Step:
    """One event for each of several destinations: what another host has disabled is disabled."""
    kinds = [scene.kind("/gone") for _ in range(12)]
    return lambda: [scene.post(_of_kind(kinds.pop())) for _ in kinds[:1]]


def _listener(scene: Scene, event: str = "definition.changed") -> Scene:
    """A section of its own, where somebody is told of one of our events."""
    there = scene.elsewhere()
    settings = {"url": scene.rig.receiver_url + "/ok"}
    there.make("/v1/destinations", {"name": "listener", "kind": "webhook", "settings": settings})
    there.make("/v1/routes", {"event": event, "destination": "listener"})
    return there


def _definition() -> Doc:
    about = {"event": f"signals.{_key()}", "title": "A kind", "description": "One of a test's own."}
    return {**about, "purpose": "transactional", "retentionDays": 365, "fields": [NUMBER]}


def _defined(scene: Scene) -> Step:
    there = _listener(scene)
    return lambda: there.ask_armed("POST", "/v1/definitions", json.dumps(_definition()).encode())


def _told(scene: Scene) -> Step:
    there = _listener(scene)
    there.make("/v1/definitions", _definition())
    rewind.age_notices(scene.rig)
    return lambda: scene.ask_armed(*TICK)


def _replayed(scene: Scene) -> Step:
    id = scene.post(booking(_key()))
    scene.slow.add(id)
    place = scene.row(id, "dead")["RowKey"].replace("|", "_")
    return lambda: scene.ask_armed("POST", f"/v1/dead-letters/{place}/replay")


def _replayed_all(scene: Scene) -> Step:
    """A replay of a destination's own dead letters, which fail again."""
    kind = scene.kind("/bad")
    ids = [scene.post(_of_kind(kind)) for _ in range(3)]
    for id in ids:
        scene.slow.add(id)
        scene.row(id, "dead")
    body = json.dumps({"filter": {"destination": kind}}).encode()
    return lambda: scene.ask_armed("POST", "/v1/replays", body)


def _counted_hours(scene: Scene) -> Step:
    now = datetime.now(UTC)
    wanted = {"since": (now - timedelta(hours=3)).isoformat(), "until": now.isoformat()}
    return lambda: scene.ask_armed("POST", "/v1/funnels/count", json.dumps(wanted).encode())


def _looked_anew(scene: Scene) -> Step:
    """A tick meets a section for the first time, so it looks at its last hour."""
    scene.elsewhere()
    return lambda: scene.ask_armed(*TICK)


def _nearly_used(scene: Scene) -> Step:
    """A tick finds that nothing of a quota was left, where somebody wants to know."""
    there = _listener(scene, "quota.nearly-used")
    rewind.use_up(scene.rig, there.section)
    return lambda: scene.ask_armed(*TICK)


def _replayed_delivered(scene: Scene) -> Step:
    """A replay of what a destination has taken, under the ids that it knows."""
    kind = scene.kind("/ok")
    for id in [scene.post(_of_kind(kind)) for _ in range(3)]:
        scene.row(id, "delivered")
    chosen = {"status": "delivered", "destination": kind, "since": "2026-01-01T00:00:00Z"}
    body = json.dumps({"filter": chosen, "as": "same"}).encode()
    return lambda: scene.ask_armed("POST", "/v1/replays", body)


def _put_off(scene: Scene) -> Step:
    kind = scene.kind("/slow/3000")
    return lambda: scene.send_again(scene.post(_of_kind(kind)), times=6)


def _slowed(scene: Scene) -> Step:
    """First attempts that all fail, until the host's breaker opens: it sends the next message on.

    A slow destination would do as well, and the host would live long enough for what it knows of routes to be old.
    """
    kind = scene.kind("/flaky")
    return lambda: scene.slow.update([scene.post(_of_kind(kind)) for _ in range(3)])


def _due(scene: Scene) -> Step:
    id = scene.post(_of_kind(scene.kind("/later/3600")))
    scene.row(id, "retrying")
    rewind.make_due(scene.rig, id)
    return lambda: scene.ask_armed(*TICK)


def _lost(scene: Scene) -> Step:
    id = scene.post(_of_kind(scene.kind("/later/3600")))
    scene.row(id, "retrying")
    rewind.lose_retry(scene.rig, id)
    return lambda: scene.ask_armed(*TICK)


def _expired(notes: int = 0) -> Reaching:
    def reach(scene: Scene) -> Step:
        kind = scene.kind("/ok", notes)
        id = scene.post(_large_of(kind) if notes else _of_kind(kind))
        scene.row(id, "delivered")
        scene.expired |= {*rewind.expire(scene.rig, id)}
        return lambda: scene.ask_armed(*TICK)

    return reach


def _deleted(scene: Scene) -> Step:
    """A section that was set up and never used: what is posted has to arrive."""
    there = scene.elsewhere()
    there.kind("/ok")
    there.operator.post(f"/v1/sections/{there.section}/pause")
    gone = there.operator.send("DELETE", f"/v1/sections/{there.section}?confirm={there.section}")
    assert gone.status == 202, gone.doc
    return lambda: scene.ask_armed(*TICK)


KEY = {"name": "never answered", "source": "nobody", "scopes": ["events:read"]}
REACHING: Mapping[str, Reaching] = {
    "authenticate.known": _asked("GET", "/v1/events?limit=1"),
    "validate.fits": _posted(order),
    "check.refused": _unfitting,
    "ledger.body-put": _large,
    "record.inserting": _posted(order),
    "record.inserted": _posted(order),
    "record.conflicted": _repeated,
    "hand_off.sending": _posted(order),
    "hand_off.sent": _posted(order),
    "hand_off.marked": _posted(order),
    "hooks.webhook-rejected": _forged,
    "hooks.webhook-kept": _kept(),
    "hooks.webhook-repeated": _repeated_webhook,
    "flow.commit-parked": _parked_commit,
    "flow.commit-read": _worked_off(order),
    "directory.made": _worked_off(_newcomer),
    "directory.bound": _worked_off(_newcomer),
    "directory.listed": _worked_off(_newcomer),
    "compare.claimed": _unique,
    "flow.decided": _worked_off(order),
    "flow.timelines-written": _worked_off(order),
    "flow.receipts-written": _worked_off(order),
    "hand_off.deliveries-sent": _worked_off(order),
    "flow.commit-processed": _worked_off(order),
    "lanes.entered": _worked_off(order),
    "hand_off.slowed": _slowed,
    "gate.opened": _worked_off(order),
    "slots.taken": _worked_off(order),
    "forward.claimed": _worked_off(order),
    "forward.sent": _worked_off(order),
    "forward.listed": _worked_off(booking),
    "forward.parking": _parked,
    "forward.retrying": _worked_off(survey),
    "forward.closed": _closed,
    "forward.ended": _worked_off(order),
    "tell.listed": _defined,
    "notices.recorded": _told,
    "define.written": _defined,
    "conclude.disabled": _disabled,
    "conclude.unsubscribed": _unsubscribed,
    "forward.put-off": _put_off,
    "hand_off.scheduled": _worked_off(survey),
    "hand_off.due-listed": _sent_to("/later/3600"),
    "hand_off.put-back": _worked_off(order),
    "flow.forwarded": _worked_off(order),
    "flow.delivered": _worked_off(order),
    "dead_letters.reopened": _replayed,
    "dead_letters.pending": _replayed,
    "replay.unlisted": _replayed,
    "replay_many.begun": _replayed_all,
    "replay_many.replayed": _replayed_delivered,
    "mend.taken": _mended,
    "quarantine.body-listed": _kept(padding=PADDING),
    "quarantine.body-put": _kept(padding=PADDING),
    "quarantine.unlisted": partial(_mended, padding=PADDING),
    "quarantine.moving": _resumed_source,
    "unpark.reopened": _resumed,
    "unpark.pending": _resumed,
    "unpark.handed-off": _resumed,
    "unpark.commits-unsent": _resumed_section,
    "hand_off.caught-up": _caught_up,
    "tick.due-handed-off": _due,
    "sweep.resent": _lost,
    "roll_up.counted": _counted_hours,
    "alert.told": _looked_anew,
    "nearly.told": _nearly_used,
    "purge.timeline-removed": _expired(),
    "purge.receipts-removed": _expired(),
    "ledger.bodies-deleted": _expired(NOTES),
    "clear.bodies-deleted": _deleted,
    "clear.rows-deleted": _deleted,
    "registry.pointer-written": _asked("POST", "/v1/keys", KEY),
}
WITH: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "hand_off.put-back": lambda: {"SIGNALBOX_MASTER_KEYS": new_master_key()},
}
"""What a host that is to reach the point has in its environment: here a key that opens nothing, as in an outage."""
