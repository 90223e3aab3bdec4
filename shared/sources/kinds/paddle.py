"""Paddle Billing webhooks: how they are signed, what an event says, and which events they suggest."""

from collections.abc import Mapping, Sequence

from shared import exact
from shared.errors import Invalid
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SourceKind, Timestamp, Verifier

# https://developer.paddle.com/webhooks/signature-verification. The secret is used as it is shown, `pdl_ntfset_` included;
# while it is changed, there are several `h1`. Paddle's own SDKs take 5 seconds, which no clock and no queue keeps to.
VERIFIER = Verifier(
    headers=("paddle-signature",),
    template="{ts}:{raw}",
    extract="kv",
    label="h1",
    between=";",
    timestamp=Timestamp(member="ts"),
)

# https://developer.paddle.com/webhooks/respond-to-webhooks: 200 is success, and nothing else is said to be.
POLICY = Policy(
    seconds=5,
    success=(200, 200),
    accepted=200,
    gives_up="It repeats 60 times in 3 days (in a sandbox 3 times in 15 minutes); then its notification has failed.",
)

ABOUT = About(
    signed="the body and the time, 5 minutes",
    repeat="`event_id`, also when somebody replays a notification",
    notes=(
        "the secret is the notification destination's (`pdl_ntfset_...`). Amounts are whole numbers of the smallest "
        "unit. Only a customer's own events have the e-mail address, the others have the customer's id. Paddle Classic "
        "signs in another way, and is refused"
    ),
)

# https://developer.paddle.com/webhooks. A transaction's and a subscription's customer is only an id.
MAPPINGS: Mapping[str, MappingDoc] = {
    "transaction.completed": {
        "event": "'transactions.order-placed'",
        "person": {"externalIds": {"paddle": "data.customer_id"}},
        "properties": {
            "orderId": "data.id",
            "amountTotal": "to_number(data.details.totals.grand_total)",
            "currency": "data.currency_code",
        },
    },
    "subscription.created": {
        "event": "'conversions.subscription-started'",
        "person": {"externalIds": {"paddle": "data.customer_id"}},
        "properties": {
            "subscriptionId": "data.id",
            "orderId": "data.transaction_id",
            "nextBilledAt": "data.next_billed_at",
        },
    },
    "customer.created": {
        "event": "'conversions.customer-created'",
        "person": {"email": "data.email", "externalIds": {"paddle": "data.id"}},
        "properties": {"customerId": "data.id", "name": "data.name"},
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of an event, by https://developer.paddle.com/webhooks/about/how-webhooks-work.

    `event_id` stays the same however often and to however many destinations it is sent; `notification_id` does not.
    """
    payload = exact.loads(received.body)
    if not isinstance(payload, dict) or not all(
        isinstance(payload.get(one), str) and payload[one] for one in ("event_id", "event_type")
    ):
        raise Invalid("An event of Paddle has an event_id and an event_type.")
    time = payload.get("occurred_at")
    return [
        Facts(payload["event_type"], payload["event_id"], payload, time if isinstance(time, str) else None)
    ]


SOURCE = SourceKind(proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, mappings=MAPPINGS)
