"""Zendesk webhooks: how they are signed, what events and triggers send, and which events they suggest."""

from collections.abc import Mapping, Sequence

from shared import exact
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SourceKind, Timestamp, Verifier

# https://developer.zendesk.com/documentation/webhooks/verifying/: the time comes first. No age is asked for there.
VERIFIER = Verifier(
    headers=("x-zendesk-webhook-signature",),
    template="{ts}{raw}",
    encoding="base64",
    timestamp=Timestamp(headers=("x-zendesk-webhook-signature-timestamp",), unit="iso"),
)

# https://developer.zendesk.com/documentation/webhooks/monitoring/: only 409, and 429 and 503 with Retry-After, are repeated.
POLICY = Policy(
    seconds=12,
    retries="some",
    retried=frozenset({409, 429, 503}),
    gives_up="Its circuit breaker stops sending for a while at 70 % errors, or 1,000 of them, in 5 minutes.",
)

ABOUT = About(
    signed="the time, 5 minutes, and the body",
    repeat="the event's `id`, or for a trigger `X-Zendesk-Webhook-Invocation-Id`, which is not signed",
    notes=(
        "a type is the event's, or `trigger` for what a trigger or an automation sends. The test before a "
        "webhook is saved is signed with a secret that everybody knows, and is refused"
    ),
)

HEADERS = ("x-zendesk-webhook-invocation-id",)
TRIGGER = "trigger"
"""The type of what a trigger or an automation sends: its author makes up the body, which may be none."""

# https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/
MAPPINGS: Mapping[str, MappingDoc] = {
    "zen:event-type:user.created": {
        "event": "'conversions.user-created'",
        "person": {"email": "detail.email", "externalIds": {"zendesk": "detail.id"}},
        "properties": {"userId": "detail.id", "role": "detail.role"},
    },
    "zen:event-type:ticket.created": {
        "event": "'signals.ticket-created'",
        "person": {"externalIds": {"zendesk": "detail.requester_id"}},
        "properties": {"ticketId": "detail.id", "subject": "detail.subject", "priority": "detail.priority"},
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of an event, or of what a trigger sends.

    An event's own id is signed, so it counts before the invocation's, which is a header that is not.
    """
    payload = exact.loads(received.body) if received.body else None
    about = payload if isinstance(payload, dict) else {}
    return [
        Facts(
            type=_text(about.get("type")) or TRIGGER,
            delivery_id=_event_id(about) or received.required(*HEADERS),
            payload=payload,
            occurred_at=_text(about.get("time")),
        )
    ]


def _event_id(about: Mapping[str, Json]) -> str | None:
    return _text(about.get("id")) if "zendesk_event_version" in about else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


SOURCE = SourceKind(
    proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, headers=HEADERS, mappings=MAPPINGS
)
