"""Deliveries through the host's two queue triggers: a destination that hangs keeps nobody else waiting."""

import json
import secrets

import pytest

from tests.kill.rig import wait_until
from tests.running import Running

EVENTS = 40
SECONDS = 90
GOOD = ("a", "b", "c", "d")


def furnished(running: Running) -> tuple[str, str]:
    """A definition that goes to four destinations that answer and first to one that does not; and that one."""
    tag = secrets.token_hex(4)
    event, hanging = f"tests.isolated-{tag}", f"hanging-{tag}"
    about = {"title": "Isolated", "description": "Goes to five.", "purpose": "marketing", "retentionDays": 30}
    running.operator.post("/v1/definitions", {"event": event, **about, "fields": []})
    for name, path in [(hanging, "hang"), *((f"{one}-{tag}", f"ok/{one}-{tag}") for one in GOOD)]:
        settings = {"url": f"{running.stack.receiver_url}/{path}", "timeoutSeconds": 30}
        wanted = {"name": name, "kind": "webhook", "settings": settings}
        assert running.operator.post("/v1/destinations", wanted).status == 201
        assert running.operator.post("/v1/routes", {"event": event, "destination": name}).status == 201
    return event, hanging


def arrived(running: Running, event: str) -> list[str]:
    """The paths of the requests that the receiver had for an event."""
    lines = running.stack.received.read_text().splitlines()
    found = [one for one in map(json.loads, lines) if event in one["body"]]
    return [one["path"] for one in found]


@pytest.mark.feature("F124")
def test_with_one_of_five_hanging_the_other_four_have_all_of_theirs_while_it_still_hangs(running: Running):
    event, hanging = furnished(running)
    ids = [running.client.post("/v1/events", {"event": event}).doc["id"] for _ in range(EVENTS)]

    def all_others_have_theirs() -> bool:
        good = [path for path in arrived(running, event) if path.startswith("/ok/")]
        return len(good) == EVENTS * len(GOOD) and len({*good}) == len(GOOD)

    try:
        wait_until(all_others_have_theirs, "the other four to have theirs", SECONDS)

        receipts = [running.client.get(f"/v1/events/{id}").doc for id in ids]
        to_it = [one for doc in receipts for one in doc["deliveries"] if one["destination"] == hanging]
        assert len(to_it) == EVENTS
        assert {one["status"] for one in to_it} <= {"pending", "sending", "retrying"}
        assert "/hang" in arrived(running, event)
    finally:
        running.operator.post(f"/v1/destinations/{hanging}/pause")
