"""Intercom webhooks: how they are signed, what their envelope says, and which events they suggest."""

from collections.abc import Mapping, Sequence

from shared import exact, times
from shared.errors import Invalid
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Greeting, Policy, Received, SourceKind, Verifier

# https://developers.intercom.com/docs/webhooks/setting-up-webhooks#validating-the-signature: SHA-1 is all there is. No time
# is signed.
VERIFIER = Verifier(headers=("x-hub-signature",), hash="sha1", extract="prefix", label="sha1=")

# https://developers.intercom.com/docs/webhooks/webhook-notifications
POLICY = Policy(
    seconds=5,
    gives_up="Over 1,000 errors in 15 minutes pause it for 15 minutes; 7 days of them suspend the subscription.",
)

ABOUT = About(
    signed="the body, with SHA-1; no time",
    repeat="the notification's `id`",
    notes="a type is the topic. The secret is the app's client secret",
)

# https://developers.intercom.com/docs/references/webhooks/webhook-models. The object stands in `data.item`.
MAPPINGS: Mapping[str, MappingDoc] = {
    "contact.user.created": {
        "event": "'conversions.contact-created'",
        "person": {
            "email": "data.item.email",
            "mobile": "data.item.phone",
            "externalIds": {"intercom": "data.item.id", "app": "data.item.external_id"},
        },
        "properties": {"contactId": "data.item.id", "role": "data.item.role"},
    },
    "conversation.user.created": {
        "event": "'signals.conversation-started'",
        "person": {"externalIds": {"intercom": "data.item.contacts.contacts[0].id"}},
        "properties": {"conversationId": "data.item.id"},
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of a notification; `id` stays the same when it is sent again."""
    payload = exact.loads(received.body)
    if not isinstance(payload, dict) or not isinstance(payload.get("topic"), str):
        raise Invalid("The notification has no topic.")
    id = payload.get("id")
    return [
        Facts(
            type=payload["topic"],
            delivery_id=id if isinstance(id, str) and id else None,
            payload=payload,
            occurred_at=times.of_unix(payload.get("created_at")),
        )
    ]


def greets(received: Received) -> Greeting | None:
    """A new endpoint is asked with HEAD, and sent a notification of the topic `ping`."""
    if received.method in ("HEAD", "GET"):
        return Greeting({"status": "here"})
    payload = exact.loads(received.body)
    is_ping = isinstance(payload, dict) and payload.get("topic") == "ping"
    return Greeting({"status": "pong"}) if is_ping else None


SOURCE = SourceKind(
    proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, mappings=MAPPINGS, greets=greets
)
