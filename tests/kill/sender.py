"""Posts events as a sender with a queue of its own would: again and again until each is answered for good."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from threading import Lock
from typing import Any

from local.client import Client, Response
from local.demo.furnish import BOOKING, ORDER, SURVEY

PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 60
Doc = Mapping[str, Any]


@dataclass
class Sender:
    """Shared by threads.

    `ids` holds every id that a key was acknowledged under, `new` how often as one that was not known before; `wrong`
    what should not happen.
    """

    clients: Sequence[Client]
    ids: dict[str, set[str]] = field(default_factory=dict)
    new: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    unanswered: int = 0
    put_off: int = 0
    _lock: Lock = field(default_factory=Lock)

    def send(self, events: Sequence[Doc], first: int = 0) -> None:
        """Post events, one by itself and several as a batch, beginning at host `first`, until all are answered."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        left, turn = list(events), first
        while left and time.monotonic() < deadline:
            left = self._try(left, self.clients[turn % len(self.clients)])
            turn += 1
            if left:
                time.sleep(PAUSE_SECONDS)
        self.wrong += [f"{event['id']} was never answered for good" for event in left]

    def acknowledge(self, key: str, id: str, *, new: bool = False) -> None:
        """Note that an event was answered with 2xx under this id."""
        with self._lock:
            self.ids.setdefault(key, set()).add(id)
            self.new[key] += new

    def _try(self, events: list[Doc], client: Client) -> list[Doc]:
        """What has to be sent again."""
        try:
            response = (
                client.post("/v1/events", events[0])
                if len(events) == 1
                else client.post("/v1/events/batch", {"events": events})
            )
        except (OSError, HTTPException, ValueError):
            self.unanswered += 1
            return events
        if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.put_off += 1
            return events if "retry-after" in response.headers else self._object(response, events)
        if response.status == HTTPStatus.ACCEPTED:
            replayed = "idempotency-replayed" in response.headers
            self.acknowledge(events[0]["id"], response.doc["id"], new=not replayed)
            return []
        return self._read_batch(response, events)

    def _read_batch(self, response: Response, events: list[Doc]) -> list[Doc]:
        if response.status != HTTPStatus.MULTI_STATUS:
            return self._object(response, events)
        left = []
        for event, result in zip(events, response.doc["results"], strict=True):
            if result["status"] in ("accepted", "duplicate"):
                self.acknowledge(event["id"], result["id"], new=result["status"] == "accepted")
            elif result["status"] == "retry":
                left.append(event)
            else:
                self.wrong.append(f"{event['id']} was rejected: {result}")
        self.put_off += bool(left)
        return left

    def _object(self, response: Response, events: list[Doc]) -> list[Doc]:
        self.wrong.append(f"{len(events)} events were answered with {response.status}: {response.doc}")
        return []


def order(key: str) -> Doc:
    """An event whose destination takes it."""
    person = {"email": f"{key[-2:]}@example.com"}
    return {"event": ORDER, "id": key, "person": person, "properties": {"orderId": key, "totalValue": 9.5}}


def survey(key: str) -> Doc:
    """An event whose destination takes it at the second attempt."""
    return {"event": SURVEY, "id": key, "properties": {"surveyId": key, "score": 9}}


def booking(key: str) -> Doc:
    """An event that its destination refuses."""
    return {"event": BOOKING, "id": key, "properties": {"bookingId": key}}
