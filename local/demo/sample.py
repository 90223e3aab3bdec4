"""The sample: one small scene for everything that can happen to an event, each with how it must end."""

import base64
import hashlib
import hmac
import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local.client import Client, Response
from local.demo.furnish import BOOKING, ORDER, SHOP_SECRET, SURVEY, TYPES, Demo

ADA = {"email": "ada@example.com", "mobile": "+46701740605"}
MENDED = {**TYPES, "orders/paid": {"event": ORDER, "mapping": {
    "person": {"email": "email"},
    "properties": {"orderId": "to_string(id)", "totalValue": "to_number(total_price)", "currency": "currency"},
}}}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that happened: what was answered, what became of it, and whether that is right."""

    title: str
    answer: Response
    receipt: Any = None
    good: bool = False


Act = Callable[["Stage"], Scene]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the scenes play. `run` makes each run's ids its own."""

    demo: Demo
    receiver_url: str
    run: str

    @property
    def client(self) -> Client:
        return self.demo.client

    def order(self, name: str, **changes: Any) -> dict[str, Any]:
        return {
            "event": ORDER,
            "id": f"{name}-{self.run}",
            "person": ADA,
            "properties": {"orderId": name, "totalValue": 42.5, "currency": "EUR"},
            **changes,
        }

    def webhook(self, topic: str, order: int) -> Response:
        """A webhook as Shopify sends one: https://shopify.dev/docs/apps/build/webhooks"""
        payload = {
            "id": order,
            "email": "grace@example.com",
            "created_at": "2026-11-22T10:15:00+01:00",
            "total_price": "199.90",
            "currency": "SEK",
            "customer": {"id": 706405506930370084, "email": "grace@example.com"},
        }
        body = json.dumps(payload).encode()
        signature = base64.b64encode(hmac.digest(SHOP_SECRET.encode(), body, hashlib.sha256)).decode()
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Webhook-Id": f"{topic}-{order}-{self.run}",
            "X-Shopify-Hmac-Sha256": signature,
        }
        return Client(self.client.base_url).send("POST", self.demo.hook, body, headers)


def plain(stage: Stage) -> Scene:
    answer = stage.client.post("/v1/events", stage.order("order-1001"))
    return _ends(stage, "A plain event", answer, "delivered")


def shopify(stage: Stage) -> Scene:
    answer = stage.webhook("orders/create", 820982911946154508)
    return _ends(stage, "A signed Shopify webhook", answer, "delivered")


def repeat(stage: Stage) -> Scene:
    answer = stage.client.post("/v1/events", stage.order("order-1001"))
    good = answer.status == 202 and answer.headers.get("idempotency-replayed") == "true"
    return Scene("The first event once more: the first answer again", answer, good=good)


def rejection(stage: Stage) -> Scene:
    wrong = {"orderId": 1001, "totalValue": "42.50", "colour": "red"}
    answer = stage.client.post("/v1/events", stage.order("order-1002", properties=wrong))
    good = answer.status == 422 and len(answer.doc["errors"]) == 3
    return Scene("An event that does not fit: every fault at once", answer, good=good)


def quarantine(stage: Stage) -> Scene:
    kept = stage.webhook("orders/paid", 820982911946154509)
    found = stage.client.get("/v1/quarantine?cause=unknown-type").doc["quarantine"]
    stage.client.put(f"/v1/sources/{stage.demo.source}/types", MENDED)
    answer = stage.client.post(f"/v1/quarantine/{found[-1]['id']}/replay")
    scene = _ends(stage, "A webhook of a new type: quarantined, mended, replayed", answer, "delivered")
    good = scene.good and kept.status == 202 and kept.doc["status"] == "quarantined"
    return Scene(scene.title, answer, scene.receipt, good)


def second_attempt(stage: Stage) -> Scene:
    survey = {
        "event": SURVEY,
        "id": f"survey-{stage.run}",
        "person": ADA,
        "properties": {"surveyId": "nps", "score": 9},
    }
    answer = stage.client.post("/v1/events", survey)
    scene = _ends(
        stage, "A destination that fails at first: delivered on the second attempt", answer, "delivered"
    )
    attempts = scene.receipt["deliveries"][0]["attempts"] if scene.good else []
    return Scene(scene.title, answer, scene.receipt, scene.good and len(attempts) == 2)


def dead_letter(stage: Stage) -> Scene:
    _control(stage, 400)
    booking = {
        "event": BOOKING,
        "id": f"booking-{stage.run}",
        "person": ADA,
        "properties": {"bookingId": "b-7"},
    }
    posted = stage.client.post("/v1/events", booking)
    dead = _ends(stage, "", posted, "failed")
    listed = [one["id"] for one in stage.client.get("/v1/dead-letters?limit=100").doc["deadLetters"]]
    delivery = dead.receipt["deliveries"][0]["id"] if dead.good else ""
    _control(stage, 200)
    answer = stage.client.post(f"/v1/dead-letters/{delivery}/replay")
    receipt = stage.client.receipt(posted.doc["id"], lambda doc: doc["status"] == "delivered")
    good = dead.good and delivery in listed and receipt["status"] == "delivered"
    return Scene("A dead letter: listed, and replayed once the destination takes it", answer, receipt, good)


def refusal(stage: Stage) -> Scene:
    person = {"email": f"opted-out-{stage.run}@example.com"}
    stage.client.post("/v1/consents", {**person, "purpose": "marketing", "state": "opted_out"})
    answer = stage.client.post("/v1/events", stage.order("order-1003", person=person))
    return _ends(stage, "A person who has opted out: stored, and not sent on", answer, "refused")


SCENES: tuple[Act, ...] = (
    plain,
    shopify,
    repeat,
    rejection,
    quarantine,
    second_attempt,
    dead_letter,
    refusal,
)


def play(demo: Demo, receiver_url: str, run: str) -> Iterator[Scene]:
    """Each scene as it happens, in order."""
    stage = Stage(demo, receiver_url, run)
    return (scene(stage) for scene in SCENES)


def _ends(stage: Stage, title: str, answer: Response, status: str) -> Scene:
    if answer.status != 202 or "id" not in answer.doc:
        return Scene(title, answer)
    receipt = stage.client.receipt(answer.doc["id"], lambda doc: doc.get("status") == status)
    return Scene(title, answer, receipt, receipt.get("status") == status)


def _control(stage: Stage, status: int) -> None:
    body = json.dumps({"path": "/bad", "status": status}).encode()
    urllib.request.urlopen(stage.receiver_url + "/control", body, timeout=5).close()  # noqa: S310
