"""Standard Webhooks 1.0.0, and Svix, whose headers have other names: whoever signs in that way."""

from collections.abc import Sequence

from shared import exact
from shared.exact import Json
from shared.sources import About, Facts, Policy, Received, SourceKind, Timestamp, Verifier

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#verifying-signatures and
# https://docs.svix.com/receiving/verifying-payloads/how-manual. Signatures with a public key (`v1a`) do not count.
VERIFIER = Verifier(
    headers=("webhook-signature", "svix-signature"),
    template="{id}.{ts}.{raw}",
    # people paste the secret with the version before it: https://github.com/standard-webhooks/standard-webhooks/issues/235
    key_prefixes=("v1,", "whsec_"),
    key_encoding="base64",
    extract="list",
    label="v1",
    encoding="base64",
    timestamp=Timestamp(headers=("webhook-timestamp", "svix-timestamp")),
    id_headers=("webhook-id", "svix-id"),
)

# .../spec/standard-webhooks.md#deliverability-and-reliability
POLICY = Policy(
    seconds=15,
    disables=frozenset({410}),
    gives_up="The specification suggests to repeat for 3 days; Svix disables an endpoint after 5.",
)

ABOUT = About(
    signed="the id, the time, 5 minutes, and the body",
    repeat="`webhook-id`, or `svix-id`",
    notes=(
        "[Standard Webhooks](https://www.standardwebhooks.com) and Svix. Several signatures may come, and "
        "one has to hold; those with a public key (`v1a`) do not count. A type is the body's `type` or "
        "`event_type`, or `event` where there is none"
    ),
)

HEADERS = ("webhook-id", "svix-id")
UNTYPED = "event"
"""The type of a payload that has none: the specification only suggests one."""


def read(received: Received) -> Sequence[Facts]:
    """The facts of a message. Its id is signed, and the same when it is sent again."""
    payload = exact.loads(received.body)
    about = payload if isinstance(payload, dict) else {}
    return [
        Facts(
            type=_text(about.get("type")) or _text(about.get("event_type")) or UNTYPED,
            delivery_id=received.required(*HEADERS),
            payload=payload,
            occurred_at=_text(about.get("timestamp")),
        )
    ]


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


SOURCE = SourceKind(proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, headers=HEADERS)
