"""The sample: one small scene for everything that can happen to an event, each with how it must end."""

import base64
import hashlib
import hmac
import json
import urllib.request
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from local.client import Client, Response
from local.demo.furnish import BOOKING, ORDER, SECTION, SHOP_SECRET, SURVEY, TYPES, Demo
from local.demo.scene import Note, Part, Receipt, Scene, expect, expect_status, played
from local.issuer import ERP, TOKEN_PATH

ADA = {"email": "ada@example.com", "mobile": "+46701740605"}
MENDED = {**TYPES, "orders/paid": {"event": ORDER, "mapping": {
    "person": {"email": "email"},
    "properties": {"orderId": "to_string(id)", "totalValue": "to_number(total_price)", "currency": "currency"},
}}}  # fmt: skip
FINAL = ("delivered", "failed", "held", "refused", "processed")
"""States that an event leaves only when somebody acts."""

Parts = Iterator[Part]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the scenes play. `run` makes each run's ids its own."""

    demo: Demo
    receiver_url: str
    issuer_url: str
    run: str

    @property
    def client(self) -> Client:
        return self.demo.client

    def post(self, event: str, name: str, properties: dict[str, Any], person: Any = ADA) -> Response:
        body = {"event": event, "id": f"{name}-{self.run}", "person": person, "properties": properties}
        return self.client.post("/v1/events", body)

    def order(self, name: str, person: Any = ADA) -> Response:
        return self.post(ORDER, name, {"orderId": name, "totalValue": 42.5, "currency": "EUR"}, person)

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

    def set_bookings(self, status: HTTPStatus) -> None:
        """What the bookings destination answers from now on."""
        body = json.dumps({"path": "/bad", "status": status}).encode()
        urllib.request.urlopen(self.receiver_url + "/control", body, timeout=5).close()  # noqa: S310


def plain(stage: Stage) -> Parts:
    yield from _ends(stage, stage.order("order-1001"), "delivered")


def token(stage: Stage) -> Parts:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    told = Client(stage.issuer_url).send("POST", TOKEN_PATH, urlencode(ERP.form).encode(), form)
    yield told
    expect_status(told, HTTPStatus.OK)
    client = Client.keyed(stage.client.base_url, told.doc["access_token"], SECTION)
    properties = {"orderId": "order-1004", "totalValue": 12.5}
    body = {"event": ORDER, "id": f"order-1004-{stage.run}", "person": ADA, "properties": properties}
    yield from _ends(stage, client.post("/v1/events", body), "delivered")


def shopify(stage: Stage) -> Parts:
    yield from _ends(stage, stage.webhook("orders/create", 820982911946154508), "delivered")


def repeat(stage: Stage) -> Parts:
    answer = stage.order("order-1001")
    yield answer
    expect_status(answer, HTTPStatus.ACCEPTED)
    expect(answer.headers.get("idempotency-replayed") == "true", "It should have been known already.")


def rejection(stage: Stage) -> Parts:
    answer = stage.post(ORDER, "order-1002", {"orderId": 1001, "totalValue": "42.50", "colour": "red"})
    yield answer
    expect_status(answer, HTTPStatus.UNPROCESSABLE_ENTITY)
    expect(len(answer.doc["errors"]) == 3, "All three faults should have been named.")


def quarantine(stage: Stage) -> Parts:
    kept = stage.webhook("orders/paid", 820982911946154509)
    yield kept
    expect(kept.doc["status"] == "quarantined", "It should have been quarantined.")
    listed = stage.client.get("/v1/quarantine?cause=unknown-type&limit=100")
    item = listed.doc["quarantine"][-1]
    yield listed
    yield Note("listed", item["cause"], item["detail"])
    mended = stage.client.put(f"/v1/sources/{stage.demo.source}/types", MENDED)
    yield mended
    expect_status(mended, HTTPStatus.OK)
    yield Note("mended", "orders/paid", f"is {ORDER} from now on")
    yield from _ends(stage, stage.client.post(f"/v1/quarantine/{item['id']}/replay"), "delivered")


def second_attempt(stage: Stage) -> Parts:
    answer = stage.post(SURVEY, "survey", {"surveyId": "nps", "score": 9})
    receipt = yield from _ends(stage, answer, "delivered")
    expect(len(receipt["deliveries"][0]["attempts"]) == 2, "The second attempt should have delivered it.")


def dead_letter(stage: Stage) -> Parts:
    stage.set_bookings(HTTPStatus.BAD_REQUEST)
    dead = yield from _ends(stage, stage.post(BOOKING, "booking", {"bookingId": "b-7"}), "failed")
    delivery = dead["deliveries"][0]["id"]
    listed = stage.client.get("/v1/dead-letters?limit=100")
    yield listed
    letters = [one for one in listed.doc["deadLetters"] if one["id"] == delivery]
    yield from (Note("listed", one["cause"], one["reason"]) for one in letters)
    expect(len(letters) == 1, "Its delivery should have been listed once.")
    stage.set_bookings(HTTPStatus.OK)
    yield from _ends(stage, stage.client.post(f"/v1/dead-letters/{delivery}/replay"), "delivered")


def refusal(stage: Stage) -> Parts:
    person = {"email": f"opted-out-{stage.run}@example.com"}
    told = stage.client.post("/v1/consents", {**person, "purpose": "marketing", "state": "opted_out"})
    yield told
    expect(told.status < 300, "The refusal should have been taken down.")
    yield from _ends(stage, stage.order("order-1003", person), "refused")


SCENES: dict[str, Callable[[Stage], Parts]] = {
    "A plain event": plain,
    "An event from a service principal, with an access token": token,
    "A signed Shopify webhook": shopify,
    "The first event once more: the first answer again": repeat,
    "An event that does not fit: every fault at once": rejection,
    "A webhook of a new type: quarantined, mended, replayed": quarantine,
    "A destination that fails at first: delivered on the second attempt": second_attempt,
    "A dead letter: listed, and replayed once the destination takes it": dead_letter,
    "A person who has opted out: stored, and not sent on": refusal,
}


def play(demo: Demo, receiver_url: str, issuer_url: str, run: str) -> Iterator[Scene]:
    """Each scene as it happens, in order. `run` is a text that no earlier run has had."""
    stage = Stage(demo, receiver_url, issuer_url, run)
    return (played(title, act(stage)) for title, act in SCENES.items())


def _ends(stage: Stage, answer: Response, status: str) -> Generator[Part, None, dict[str, Any]]:
    """Show the answer and, once the event has come to rest, its receipt, which must have that status."""
    yield answer
    expect_status(answer, HTTPStatus.ACCEPTED)
    event = answer.doc["receipt"].rpartition("/")[2]
    receipt: dict[str, Any] = stage.client.receipt(event, lambda doc: doc.get("status") in FINAL)
    yield Receipt(receipt)
    expect(receipt.get("status") == status, f"The event should have ended as {status}.")
    return receipt
