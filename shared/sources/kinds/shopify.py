"""Shopify webhooks: how they are signed, what their headers say, and which events they suggest."""

from collections.abc import Mapping, Sequence

from shared import exact
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SourceKind, Verifier

# https://shopify.dev/docs/apps/build/webhooks/verify-deliveries. Without X- it is the newer Events interface:
# https://shopify.dev/docs/apps/build/events/verify-deliveries. No time is signed, so there is no tolerance.
VERIFIER = Verifier(headers=("x-shopify-hmac-sha256", "shopify-hmac-sha256"), encoding="base64")

HEADERS = (
    "x-shopify-topic",
    "x-shopify-webhook-id",
    "x-shopify-triggered-at",
    "shopify-topic",
    "shopify-webhook-id",
    "shopify-triggered-at",
)

# Payloads: https://shopify.dev/docs/api/webhooks. An order names its own e-mail and phone, the customer's are second.
MAPPINGS: Mapping[str, MappingDoc] = {
    "orders/create": {
        "event": "'transactions.order-placed'",
        "occurredAt": "created_at",
        "person": {
            "email": "email || contact_email || customer.email",
            "mobile": "phone || customer.phone",
            "externalIds": {"shopify": "to_string(customer.id)"},
        },
        "properties": {
            "orderId": "to_string(id)",
            "totalValue": "to_number(total_price)",
            "currency": "currency",
        },
    },
    "customers/create": {
        "event": "'conversions.customer-created'",
        "occurredAt": "created_at",
        "person": {
            "email": "email",
            "mobile": "phone",
            "externalIds": {"shopify": "to_string(id)"},
        },
        "properties": {
            "customerId": "to_string(id)",
            "firstName": "first_name",
            "lastName": "last_name",
        },
    },
}


# https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks: 8 failures in 4 hours.
POLICY = Policy(seconds=5, gives_up="After 8 failures in 4 hours it deletes the subscription.")

ABOUT = About(
    signed="the body; not the topic, the id, or any time",
    repeat="`X-Shopify-Webhook-Id`",
    notes="a type is the topic, such as `orders/create`",
)


def read(received: Received) -> Sequence[Facts]:
    """The facts of a delivery, by https://shopify.dev/docs/apps/build/webhooks/delivery-structure#headers."""
    facts = Facts(
        type=received.required("x-shopify-topic", "shopify-topic"),
        # not X-Shopify-Event-Id: one action of a merchant gives it to the webhooks of several topics
        delivery_id=received.required("x-shopify-webhook-id", "shopify-webhook-id"),
        payload=exact.loads(received.body),
        occurred_at=received.header("x-shopify-triggered-at", "shopify-triggered-at"),
    )
    return [facts]


SOURCE = SourceKind(
    proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, headers=HEADERS, mappings=MAPPINGS
)
