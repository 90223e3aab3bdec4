"""Webhooks as the demo section's shop sends them, signed."""

import base64
import hashlib
import hmac
import json
from typing import Any

from local.client import Client, Response
from local.demo.furnish import ORDER, SHOP_SECRET

KNOWN, UNKNOWN = "orders/create", "orders/paid"
"""What a source knows at first, and what it knows only once it is mended."""
TYPES = {KNOWN: {"event": ORDER}}
MENDED = {
    **TYPES,
    UNKNOWN: {
        "event": ORDER,
        "mapping": {
            "person": {"email": "email"},
            "properties": {"orderId": "to_string(id)", "totalValue": "to_number(total_price)"},
        },
    },
}


def key_of(number: int) -> str:
    """What the shop calls the webhook of an order."""
    return f"webhook-{number}"


def signed(number: int, topic: str = KNOWN, **more: Any) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an order's webhook.

    https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    """
    order = {"id": number, "total_price": "9.50", "currency": "EUR", "email": f"{number}@example.com", **more}
    body = json.dumps(order).encode()
    signature = base64.b64encode(hmac.digest(SHOP_SECRET.encode(), body, hashlib.sha256)).decode()
    named = {"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": key_of(number)}
    return body, {**named, "X-Shopify-Hmac-Sha256": signature}


def send(url: str, hook: str, number: int, topic: str = KNOWN, **more: Any) -> Response:
    """Post one to a host. Raises OSError without an answer."""
    body, headers = signed(number, topic, **more)
    return Client(url).send("POST", hook, body, headers)
