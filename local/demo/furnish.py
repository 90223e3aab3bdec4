"""Creates the demo section with what the sample needs, through the API; what exists already is left as it is."""

from dataclasses import dataclass
from typing import Any

from local.client import Client

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


def furnish(base_url: str, deployment_key: str, receiver_url: str, key: str | None) -> Demo:
    """The demo section, made or found again; `key` is the one of an earlier run."""
    operator = Client.keyed(base_url, deployment_key, SECTION)
    _create(Client.keyed(base_url, deployment_key), "/v1/sections", _section(base_url))
    for definition in DEFINITIONS:
        _create(operator, "/v1/definitions", definition)
    for name, path in DESTINATIONS.items():
        settings = {"url": receiver_url + path, "timeoutSeconds": 5}
        _create(operator, "/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
    if not operator.get("/v1/routes").doc["routes"]:
        for event, destination in ROUTES:
            _create(operator, "/v1/routes", {"event": event, "destination": destination})
    key = key or _create(operator, "/v1/keys", KEY)["key"]
    source = _source(operator)
    return Demo(Client.keyed(base_url, key), key, source["hookPath"], source["id"])


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
    known = operator.get("/v1/sources").doc["sources"]
    source = {"name": "shop", "kind": "shopify", "label": "webshop", "secrets": {"signing": SHOP_SECRET}}
    found: dict[str, Any] = (
        known[0] if known else _create(operator, "/v1/sources", {**source, "types": TYPES})
    )
    operator.put(f"/v1/sources/{found['id']}/types", TYPES)
    return found


def _create(client: Client, path: str, doc: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, doc)
    if response.status not in (201, 409):
        raise RuntimeError(f"POST {path} answered {response.status}: {response.doc}")
    created: dict[str, Any] = response.doc
    return created
