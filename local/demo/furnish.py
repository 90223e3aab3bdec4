"""Creates the demo section with what the sample needs, through the API; what exists already is left as it is."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from local.client import Client, Response
from local.issuer import ERP

SECTION = "demo"
SHOP_SECRET = "demo-shop-secret"  # noqa: S105  (plays the vendor in this demonstration)
ORDER, SURVEY, BOOKING = "transactions.order-placed", "signals.survey-submitted", "transactions.booking-made"

DEFINITIONS = [
    {
        "event": ORDER,
        "title": "Order placed",
        "description": "A customer has placed an order in the shop.",
        "purpose": "marketing",
        "retentionDays": 365,
        "fields": [
            {"name": "orderId", "type": "text", "required": True, "description": "The shop's order number"},
            {"name": "totalValue", "type": "decimal", "required": True, "description": "With tax"},
            {"name": "currency", "type": "text", "description": "ISO 4217"},
        ],
    },
    {
        "event": SURVEY,
        "title": "Survey submitted",
        "description": "Somebody has answered the satisfaction survey.",
        "purpose": "transactional",
        "retentionDays": 90,
        "fields": [
            {"name": "surveyId", "type": "text", "required": True, "description": "Which survey"},
            {"name": "score", "type": "integer", "required": True, "description": "0 to 10"},
        ],
    },
    {
        "event": BOOKING,
        "title": "Booking made",
        "description": "A customer has booked a visit.",
        "purpose": "transactional",
        "retentionDays": 365,
        "fields": [
            {"name": "bookingId", "type": "text", "required": True, "description": "The booking's number"},
            {"name": "startsAt", "type": "timestamp", "description": "When the visit begins"},
        ],
    },
]
DESTINATIONS = {"journeys": "/ok", "surveys": "/flaky", "bookings": "/bad"}
ROUTES = [(ORDER, "journeys"), (SURVEY, "surveys"), (BOOKING, "bookings")]
TYPES = {"orders/create": {"event": ORDER}}
SHOP = {
    "name": "the shop of the demo",
    "kind": "shopify",
    "label": "webshop",
    "secrets": {"signing": SHOP_SECRET},
}
KEY = {
    "name": "demo",
    "source": "checkout",
    "scopes": [
        "events:write", "events:read", "definitions:read", "delivery:read", "sources:write",
        "people:read", "people:write", "operate",
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Demo:
    """What the sample needs to know of its section."""

    client: Client
    key: str
    hook: str
    source: str


CLIENT = {"id": ERP.id, "name": "ERP", "source": "erp", "scopes": ["events:write", "events:read"]}


class NotFurnished(RuntimeError):
    """The API refused a part of the demo section."""

    def __init__(self, what: str, response: Response) -> None:
        super().__init__(f"{what} answered {response.status}: {json.dumps(response.doc)}")


def furnish(base_url: str, deployment_key: str, receiver_url: str, key: str | None) -> Demo:
    """The demo section, made or found again; `key` is the one of an earlier run. Raises NotFurnished."""
    operator = Client.keyed(base_url, deployment_key, SECTION)
    _create(Client.keyed(base_url, deployment_key), "/v1/sections", _section(base_url))
    for definition in DEFINITIONS:
        _create(operator, "/v1/definitions", definition)
    for name, path in DESTINATIONS.items():
        settings = {"url": receiver_url + path, "timeoutSeconds": 5}
        _create(operator, "/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
    routed = {route["event"] for route in _read(operator, "/v1/routes")["routes"]}
    for event, destination in ROUTES:
        if event not in routed:
            _create(operator, "/v1/routes", {"event": event, "destination": destination})
    if key is None or not is_known(base_url, key):
        key = str(_create(operator, "/v1/keys", KEY)["key"])
    _create(operator, "/v1/clients", CLIENT)
    source = _source(operator)
    return Demo(Client.keyed(base_url, key), key, source["hookPath"], source["id"])


def is_known(base_url: str, key: str) -> bool:
    """Whether a key of an earlier run still opens doors: storage that was killed forgets its last seconds."""
    return Client.keyed(base_url, key, SECTION).get("/v1/events?limit=1").status != HTTPStatus.UNAUTHORIZED


def _section(base_url: str) -> dict[str, Any]:
    return {
        "id": SECTION,
        "name": "Demo",
        "country": "SE",
        "timeZone": "Europe/Stockholm",
        "publicBaseUrl": base_url,
        "retentionDays": 365,
    }


def _source(operator: Client) -> dict[str, Any]:
    """The shop, knowing only the type that it knows at first, also when an earlier sample has mended it."""
    known = [one for one in _read(operator, "/v1/sources")["sources"] if one["name"] == SHOP["name"]]
    found: dict[str, Any] = known[0] if known else _create(operator, "/v1/sources", {**SHOP, "types": TYPES})
    operator.put(f"/v1/sources/{found['id']}/types", TYPES)
    return found


def _create(client: Client, path: str, doc: dict[str, Any]) -> dict[str, Any]:
    """What was created; a conflict means that an earlier run has created it."""
    response = client.post(path, doc)
    if response.status not in (HTTPStatus.CREATED, HTTPStatus.CONFLICT):
        raise NotFurnished(f"POST {path}", response)
    created: dict[str, Any] = response.doc
    return created


def _read(client: Client, path: str) -> dict[str, Any]:
    response = client.get(path)
    if response.status != HTTPStatus.OK:
        raise NotFurnished(f"GET {path}", response)
    found: dict[str, Any] = response.doc
    return found
