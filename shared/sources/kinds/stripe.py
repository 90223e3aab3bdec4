"""Stripe webhooks: how they are signed, what an event says, and which events they suggest."""

from collections.abc import Mapping, Sequence

from shared import exact, times
from shared.errors import Invalid
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SourceKind, Timestamp, Verifier

# https://docs.stripe.com/webhooks#verify-manually. The secret is used as it is shown, `whsec_` included; `v0` is of test
# events only and does not count. While a secret is rolled, there are several `v1`.
VERIFIER = Verifier(
    headers=("stripe-signature",),
    template="{ts}.{raw}",
    extract="kv",
    label="v1",
    timestamp=Timestamp(member="t"),
)

# https://docs.stripe.com/webhooks#behaviors
POLICY = Policy(gives_up="It repeats for 3 days; an endpoint that goes on failing is disabled after mails.")

ABOUT = About(
    signed="the body and the time, 5 minutes",
    repeat="the event's `id`",
    notes=(
        "amounts are whole numbers of the smallest unit. Events by way of Event Grid or EventBridge are not "
        "signed by Stripe"
    ),
)

# https://docs.stripe.com/api/events/types. Amounts are whole numbers of the currency's smallest unit.
MAPPINGS: Mapping[str, MappingDoc] = {
    "checkout.session.completed": {
        "event": "'transactions.order-placed'",
        "person": {
            "email": "data.object.customer_details.email || data.object.customer_email",
            "mobile": "data.object.customer_details.phone",
            "externalIds": {"stripe": "data.object.customer"},
        },
        "properties": {
            "orderId": "data.object.client_reference_id || data.object.id",
            "amountTotal": "data.object.amount_total",
            "currency": "data.object.currency",
        },
    },
    "customer.created": {
        "event": "'conversions.customer-created'",
        "person": {
            "email": "data.object.email",
            "mobile": "data.object.phone",
            "externalIds": {"stripe": "data.object.id"},
        },
        "properties": {"customerId": "data.object.id", "name": "data.object.name"},
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of an event, by https://docs.stripe.com/api/events/object; `id` stays the same when it is sent again."""
    payload = exact.loads(received.body)
    if not isinstance(payload, dict) or not all(isinstance(payload.get(one), str) for one in ("id", "type")):
        raise Invalid("A Stripe event has an id and a type.")
    return [Facts(payload["type"], payload["id"], payload, _created(payload.get("created")))]


def _created(value: Json) -> str | None:
    """Seconds in events of the first API, text in those of the second (https://docs.stripe.com/api/v2/core/events)."""
    return value if isinstance(value, str) else times.of_unix(value)


SOURCE = SourceKind(proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, mappings=MAPPINGS)
