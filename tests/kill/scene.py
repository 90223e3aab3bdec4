"""One lane of kills: an armed host, a host that lives all the time, and what is asked of them."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from typing import Any

from azure.servicebus import ServiceBusClient, ServiceBusMessage

from local.client import Client
from local.demo.furnish import SECTION, SHOP_SECRET
from shared.messages import DeliveryMessage
from tests.kill import webhooks
from tests.kill.raw import Entity, rows
from tests.kill.rig import Rig, wait_until
from tests.kill.sender import Doc, Sender
from tests.running import Running

ARMED, LIVING = 0, 1
"""The two hosts of a lane, as its sender numbers them."""
SECONDS = 180
"""How long a step may take: what a killed host of the other lane has taken along comes again after half a minute."""
NO_ANSWER = (OSError, HTTPException, ValueError)


@dataclass
class Scene:
    """`armed` and `living` are the hosts' numbers in the rig.

    `expired` are ids of events that are to be purged, `slow` of those that take more than seconds to heal, `sources` of
    webhook sources; `shop` are the webhooks that were sent, each its path and its order's number; `at_end` is to be
    done when all kills are over.
    """

    rig: Rig
    running: Running
    armed: int
    living: int
    sender: Sender
    expired: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    shop: list[tuple[str, int]] = field(default_factory=list)
    at_end: list[Callable[[], object]] = field(default_factory=list)
    section: str = SECTION

    @property
    def operator(self) -> Client:
        """With the deployment key, at the host that lives."""
        return Client.keyed(self.rig.urls[self.living], self.running.deployment_key, self.section)

    def ask_armed(self, method: str, path: str, body: bytes = b"") -> None:
        """A request of an operator to the armed host, which may die of it."""
        client = Client.keyed(self.rig.urls[self.armed], self.running.deployment_key, self.section)
        with suppress(*NO_ANSWER):
            client.send(method, path, body if method == "POST" else None)

    def post(self, event: Doc, first: int = LIVING) -> str:
        """Post an event to one host, and to the other if that gives no answer; its id."""
        self.sender.send([event], first)
        return next(iter(self.sender.ids[event["id"]]))

    def make(self, path: str, doc: Any) -> Any:
        """Create something at the host that lives."""
        response = self.operator.post(path, doc)
        assert response.status == 201, response.doc
        return response.doc

    def elsewhere(self) -> "Scene":
        """The same in a section of its own."""
        id = f"kill-{secrets.token_hex(6)}"
        about = {"id": id, "name": id, "country": "SE", "timeZone": "Europe/Stockholm"}
        there = replace(self, section=id)
        there.make("/v1/sections", {**about, "publicBaseUrl": self.rig.base_url})
        key = there.make("/v1/keys", {"name": id, "source": "shop", "scopes": ["events:write"]})["key"]
        clients = [Client.keyed(self.rig.urls[number], key) for number in (self.armed, self.living)]
        return replace(there, sender=replace(self.sender, clients=clients))

    def pause(self, what: str) -> str:
        """Pause a section, source or destination by its path; the path of its resume, which is done at the end."""
        assert self.operator.post(f"{what}/pause").status == 200
        self.at_end.append(lambda: self.operator.post(f"{what}/resume"))
        return f"{what}/resume"

    def kind(self, path: str, notes: int = 0, seconds: int = 5, *, unique: bool = False) -> str:
        """A kind of event of its own, with a destination of its own; `path` is where that leads at the receiver.

        An attempt is over after so many seconds, and its claim ends 15 later. `unique`: by its number.
        """
        name = f"kind-{secrets.token_hex(6)}"
        fields = ["number", *(f"note{n}" for n in range(notes))]
        listed = [{"name": one, "type": "text", "description": "A text"} for one in fields]
        about = {"event": f"signals.{name}", "title": "A kind", "description": "One of a test's own."}
        terms = {
            "purpose": "transactional",
            "retentionDays": 365,
            "unique": {"by": ["number"], "hours": 24} if unique else None,
        }
        self.make("/v1/definitions", {**about, **terms, "fields": listed})
        settings = {"url": self.rig.receiver_url + path, "timeoutSeconds": seconds}
        self.make("/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
        self.make("/v1/routes", {"event": f"signals.{name}", "destination": name})
        return name

    def source(self) -> str:
        """A source of the shop's of its own; its id."""
        about = {"name": secrets.token_hex(6), "kind": "shopify", "label": "shop", "types": webhooks.TYPES}
        id = str(self.make("/v1/sources", {**about, "secrets": {"signing": SHOP_SECRET}})["id"])
        self.sources.append(id)
        return id

    def webhook(
        self, source: str, number: int, first: int = LIVING, topic: str = webhooks.KNOWN, **more: Any
    ) -> None:
        """Send a webhook to one host, and to the other if that gives no answer, until it is taken."""
        hook = f"/v1/hooks/{source}"
        self.shop.append((hook, number))
        for host in (self.armed, self.living)[first:]:
            with suppress(*NO_ANSWER):
                told = webhooks.send(self.rig.urls[host], hook, number, topic, **more)
                assert told.status == 202, told.doc
                return

    def row(self, id: str, status: str) -> Entity:
        """The event's one delivery, once it has that status."""
        found: list[Entity] = []

        def is_there() -> bool:
            read = rows(self.rig.storage, "receipts", "status")
            found[:] = [
                one for one in read if one["RowKey"].startswith(f"{id}|") and one.get("status") == status
            ]
            return bool(found)

        wait_until(is_there, f"{id} to be {status}", SECONDS)
        return found[0]

    def send_again(self, id: str, times: int) -> None:
        """Put messages on the bus for a delivery that is being sent."""
        route = self.row(id, "sending")["RowKey"].partition("|")[2]
        body = DeliveryMessage(self.section, route, (id,)).write()
        with (
            ServiceBusClient.from_connection_string(self.rig.bus) as bus,
            bus.get_queue_sender("deliveries") as sender,
        ):
            sender.send_messages([ServiceBusMessage(body) for _ in range(times)])
