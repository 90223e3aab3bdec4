"""Posts events as a sender with a queue of its own would: again and again until each is answered for good."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from local.client import Client, Response
from local.demo.furnish import BOOKING, ORDER, SURVEY

PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 60
Doc = Mapping[str, Any]


@dataclass
class Sender:
    """Shared by threads. `ids` holds every id that a key was acknowledged under; `wrong` what should not happen."""

    clients: Sequence[Client]
    ids: dict[str, set[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unanswered: int = 0
    put_off: int = 0

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
            self._acknowledge(events[0], response.doc["id"])
            return []
        return self._read_batch(response, events)

    def _read_batch(self, response: Response, events: list[Doc]) -> list[Doc]:
        if response.status != HTTPStatus.MULTI_STATUS:
            return self._object(response, events)
        left = []
        for event, result in zip(events, response.doc["results"], strict=True):
            if result["status"] in ("accepted", "duplicate"):
                self._acknowledge(event, result["id"])
            elif result["status"] == "retry":
                left.append(event)
            else:
                self.wrong.append(f"{event['id']} was rejected: {result}")
        self.put_off += bool(left)
        return left

    def _acknowledge(self, event: Doc, id: str) -> None:
        self.ids.setdefault(event["id"], set()).add(id)

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
