"""An event goes from the door to each kind of destination, on the running app, and arrives as it came."""

import json
import secrets
from typing import Any

import pytest

from local.client import Response
from shared.destinations import KINDS
from tests.destinations.cases import SENT
from tests.destinations.reaching import led, moved, person, place
from tests.running import Running

FIELDS = [
    {"name": "orderId", "type": "text", "required": True, "description": "The shop's number"},
    {"name": "totalValue", "type": "decimal", "required": True, "description": "What it cost"},
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.feature("F301")
def test_an_event_reaches_a_destination_with_the_text_of_its_numbers(kind: str, running: Running):
    event = defined(running)
    furnished(running, kind, event)
    before = len(had(running, kind))

    receipt = sent(running, kind, event)

    [delivery] = receipt["deliveries"]
    calls = had(running, kind)[before:]
    assert (receipt["status"], delivery["status"]) == ("delivered", "delivered"), receipt
    assert all(200 <= one["status"] < 300 for one in calls)
    assert [one for one in calls if "42.50" in one["body"]]


def defined(running: Running) -> str:
    """An event of a test's own, with a number."""
    event = f"tests.sent-{secrets.token_hex(6)}"
    about = {"title": "Sent", "description": "Goes out.", "purpose": "marketing", "retentionDays": 30}
    made(running.operator.post("/v1/definitions", {"event": event, **about, "fields": FIELDS}))
    return event


def furnished(running: Running, kind: str, event: str) -> None:
    """A destination of that kind, which leads to its stand-in, and the way there."""
    name, url, case = f"kind-{secrets.token_hex(6)}", running.stack.receiver_url, SENT[kind]
    hidden = {secret: led(kind, value, url) for secret, value in case["secrets"].items()}
    doc = {"name": name, "kind": kind, "settings": written(moved(kind, url)), "secrets": hidden}
    made(running.operator.post("/v1/destinations", doc))
    made(running.operator.post("/v1/routes", {"event": event, "destination": name}))


def sent(running: Running, kind: str, event: str) -> dict[str, Any]:
    """The receipt of an event of the case's person when it is settled."""
    who = json.dumps(person(SENT[kind].get("identifiers", {})))
    body = (
        f'{{"event": "{event}", "person": {who}, "properties": {{"orderId": "1001", "totalValue": 42.50}}}}'
    )
    answer = running.client.send(
        "POST", "/v1/events", body.encode(), {"Content-Type": "application/json", "Idempotency-Key": event}
    )
    settled = ("delivered", "failed")
    receipt: dict[str, Any] = running.client.receipt(
        made(answer, 202)["id"], lambda doc: doc["status"] in settled
    )
    return receipt


def had(running: Running, kind: str) -> list[dict[str, Any]]:
    """What the kind's vendor was asked."""
    lines = map(json.loads, running.stack.received.read_text().splitlines())
    return [one for one in lines if one["path"].startswith(f"/{place(kind)}/")]


def written(settings: dict[str, Any]) -> Any:
    """Settings as JSON holds them."""
    return json.loads(json.dumps(settings))


def made(answer: Response, status: int = 201) -> Any:
    assert answer.status == status, answer.doc
    return answer.doc
