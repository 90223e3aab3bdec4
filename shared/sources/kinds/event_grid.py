"""Azure Event Grid: events in its own schema or as CloudEvents, and the handshake of either."""

from collections.abc import Sequence

from shared import exact
from shared.errors import Invalid
from shared.exact import Json
from shared.sources import About, Facts, Greeting, Policy, Received, SharedSecret, SourceKind, delivery_of
from shared.sources.event_format import HEADERS, WORDS, allowed, facts_of

# It signs nothing. https://learn.microsoft.com/azure/event-grid/security-authentication#using-client-secret-as-a-query-parameter
# (`?code=`), https://learn.microsoft.com/azure/event-grid/delivery-properties (a header of its own).
PROOF = SharedSecret()

# https://learn.microsoft.com/azure/event-grid/delivery-and-retry
POLICY = Policy(
    seconds=30,
    success=(200, 204),
    lost=frozenset({400, 401, 403, 413}),
    gives_up="It repeats for 24 hours, and then dead-letters or drops the event.",
)

ABOUT = About(
    repeat="`topic` and `id`; `source` and `id` of a CloudEvent",
    notes=(
        "its own schema and CloudEvents, single and batched; both handshakes are answered. Put the secret "
        "into a delivery property (`X-Signalbox-Secret`, marked as secret), or into the endpoint's query"
    ),
)

VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


def read(received: Received) -> Sequence[Facts]:
    """The facts of each event of a list, whichever schema the subscription has.

    https://learn.microsoft.com/azure/event-grid/event-schema and .../cloud-event-schema
    """
    payload = exact.loads(received.body)
    return [_facts(event) for event in (payload if isinstance(payload, list) else [payload])]


def _facts(event: Json) -> Facts:
    if isinstance(event, dict) and "specversion" in event:
        return facts_of(event)
    if not isinstance(event, dict) or not all(isinstance(event.get(one), str) for one in ("id", "eventType")):
        raise Invalid("An event of Event Grid has an id and an eventType.")
    time = event.get("eventTime")
    return Facts(
        type=event["eventType"],
        delivery_id=delivery_of(event.get("topic"), event["id"]),
        payload=event,
        occurred_at=time if isinstance(time, str) else None,
    )


def greets(received: Received) -> Greeting | None:
    """A new subscription sends one validation event, or asks by OPTIONS where its events are CloudEvents.

    https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema: the code comes back with
    status 200 and no other.
    """
    if received.method != "POST":
        return allowed(received)
    if received.header("aeg-event-type") != "SubscriptionValidation":
        return None
    code = _validation_code(exact.loads(received.body))
    return Greeting({"validationResponse": code}) if code else None


def _validation_code(events: Json) -> str | None:
    """That of the one event in the list."""
    event = events[0] if isinstance(events, list) and events else None
    if not isinstance(event, dict) or event.get("eventType") != VALIDATION:
        return None
    data = event.get("data")
    code = data.get("validationCode") if isinstance(data, dict) else None
    return code if isinstance(code, str) else None


SOURCE = SourceKind(
    proofs=(PROOF,), policy=POLICY, about=ABOUT, read=read, headers=HEADERS, words=WORDS, greets=greets
)
