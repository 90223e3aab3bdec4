"""Calendly webhooks: how they are signed, what they say of an invitee, and which events they suggest."""

from collections.abc import Mapping, Sequence

from shared import exact
from shared.errors import Invalid
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SourceKind, Timestamp, Verifier, delivery_of

# https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures. Its example takes 3 minutes; ours are 5.
VERIFIER = Verifier(
    headers=("calendly-webhook-signature",),
    template="{ts}.{raw}",
    extract="kv",
    label="v1",
    timestamp=Timestamp(member="t"),
)

# https://developer.calendly.com/api-docs/d7755e2f9e5fe-calendly-api and
# https://community.calendly.com/api-webhook-help-61/webhook-retries-548
POLICY = Policy(
    gives_up="It repeats for 24 hours, and then disables the subscription and tells nobody: make it again."
)

ABOUT = About(
    signed="the body and the time, 5 minutes",
    repeat="`payload.uri`, for the same `event`",
    notes=(
        "the secret is the subscription's signing key. A subscription that has failed for 24 hours has to "
        "be made again"
    ),
)

_INVITEE: MappingDoc = {
    "email": "payload.email",
    "mobile": "payload.text_reminder_number",
}

# https://developer.calendly.com/api-docs/ZG9jOjM2MzE2MDM4-webhook-payload
MAPPINGS: Mapping[str, MappingDoc] = {
    "invitee.created": {
        "event": "'conversions.meeting-booked'",
        "occurredAt": "created_at",
        "person": _INVITEE,
        "properties": {
            "inviteeId": "payload.uri",
            "meeting": "payload.scheduled_event.name",
            "startsAt": "payload.scheduled_event.start_time",
        },
    },
    "invitee.canceled": {
        "event": "'signals.meeting-cancelled'",
        "occurredAt": "created_at",
        "person": _INVITEE,
        "properties": {
            "inviteeId": "payload.uri",
            "meeting": "payload.scheduled_event.name",
            "reason": "payload.cancellation.reason",
        },
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of a webhook. It has no id: what happened to which object is the same when it is sent again."""
    payload = exact.loads(received.body)
    if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
        raise Invalid("The webhook has no event.")
    uri = _uri(payload.get("payload"))
    return [Facts(payload["event"], uri and delivery_of(payload["event"], uri), payload)]


def _uri(about: Json) -> str | None:
    uri = about.get("uri") if isinstance(about, dict) else None
    return uri if isinstance(uri, str) and uri else None


SOURCE = SourceKind(proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, mappings=MAPPINGS)
