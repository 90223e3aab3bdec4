"""Deliver: a burst on its way to one destination, on the running app."""

import json
import secrets
from typing import Any
from uuid import uuid4

import pytest

from shared import times
from tests.running import Running

BURST = 250
ON_THE_WAY_SECONDS = 3
"""By how much requests may come closer together than they were sent, on a machine with other work."""


@pytest.mark.timeout(180)
@pytest.mark.feature("F250")
def test_a_burst_of_custom_triggers_is_raised_no_faster_than_dynamics_takes_them(running: Running):
    event, trigger = f"tests.burst-{secrets.token_hex(4)}", f"msdynmkt_burst_{secrets.token_hex(4)}"
    place = f"{running.stack.receiver_url}/dynamics_journeys"
    furnish(running, event, {"organization": place, "authority": place, "trigger": trigger})
    people = [{"crmId": str(uuid4())} for _ in range(BURST)]

    sent = running.client.post(
        "/v1/events/batch", {"events": [{"event": event, "person": one} for one in people]}
    )
    ids = [one["id"] for one in sent.doc["results"]]
    receipts = [running.client.receipt(id, lambda doc: doc["status"] == "delivered", 90) for id in ids]

    assert {len(one["deliveries"][0]["attempts"]) for one in receipts} == {1}
    lines = map(json.loads, running.stack.received.read_text().splitlines())
    raised = [one for one in lines if one["path"] == f"/dynamics_journeys/api/data/v9.2/{trigger}"]
    came = sorted(times.parse(one["time"]).timestamp() for one in raised)
    assert len({json.loads(one["body"])["msdynmkt_profileid"] for one in raised}) == len(raised) == BURST
    # 1,200 a minute: a twentieth of them at once, and the others as they come back, 19 a second.
    for start in range(BURST):
        for end in range(start, BURST):
            assert end - start + 1 <= 60 + 19 * (came[end] - came[start] + ON_THE_WAY_SECONDS)


def furnish(running: Running, event: str, settings: dict[str, Any]) -> None:
    """Let an event raise a custom trigger."""
    about = {"title": "Burst", "description": "A trigger.", "purpose": "marketing", "retentionDays": 30}
    entra = {"tenantId": str(uuid4()), "clientId": str(uuid4())}
    name = f"burst-{secrets.token_hex(4)}"
    wanted = {"name": name, "kind": "dynamics_journeys", "settings": settings | entra}
    for path, doc in {
        "/v1/definitions": {"event": event, **about, "fields": []},
        "/v1/destinations": {**wanted, "secrets": {"clientSecret": "of the app"}},
        "/v1/routes": {"event": event, "destination": name},
    }.items():
        made = running.operator.post(path, doc)
        assert made.status == 201, made.doc
