"""GitHub webhooks: how they are signed, what their headers say, and which events they suggest."""

from collections.abc import Mapping, Sequence

from shared import exact
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Greeting, Policy, Received, SourceKind, Verifier

# https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries. The older SHA-1 header, which GitHub
# sends along, is not looked at. No time is signed, so there is no tolerance.
VERIFIER = Verifier(headers=("x-hub-signature-256",), extract="prefix", label="sha256=")

# https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks and
# https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries
POLICY = Policy(
    seconds=10,
    retries="none",
    gives_up="It never repeats by itself. Somebody can redeliver what failed in the last 3 days.",
)

ABOUT = About(
    signed="the body; not the event, the id, or any time",
    repeat="`X-GitHub-Delivery`, also when somebody redelivers",
    notes=(
        "a type is the event and its action, such as `issues.opened`; choose the content type "
        "`application/json`"
    ),
)

HEADERS = ("x-github-event", "x-github-delivery")

# https://docs.github.com/webhooks/webhook-events-and-payloads. A type is the event and, where there is one, its action.
MAPPINGS: Mapping[str, MappingDoc] = {
    "issues.opened": {
        "event": "'conversions.issue-opened'",
        "occurredAt": "issue.created_at",
        "person": {"externalIds": {"github": "to_string(issue.user.id)"}},
        "properties": {
            "issueId": "to_string(issue.id)",
            "number": "issue.number",
            "title": "issue.title",
            "repository": "repository.full_name",
        },
    },
    "star.created": {
        "event": "'signals.repository-starred'",
        "occurredAt": "starred_at",
        "person": {"externalIds": {"github": "to_string(sender.id)"}},
        "properties": {"repository": "repository.full_name"},
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of a delivery, by https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers."""
    payload = exact.loads(received.body)
    event, action = received.required("x-github-event"), _action(payload)
    # the delivery's id stays the same when somebody redelivers it
    return [Facts(f"{event}.{action}" if action else event, received.required("x-github-delivery"), payload)]


def _action(payload: exact.Json) -> str | None:
    action = payload.get("action") if isinstance(payload, dict) else None
    return action if isinstance(action, str) else None


def greets(received: Received) -> Greeting | None:
    """A new webhook sends a ping: https://docs.github.com/webhooks/webhook-events-and-payloads#ping."""
    return Greeting({"status": "pong"}) if received.header("x-github-event") == "ping" else None


SOURCE = SourceKind(
    proofs=(VERIFIER,),
    policy=POLICY,
    about=ABOUT,
    read=read,
    headers=HEADERS,
    mappings=MAPPINGS,
    greets=greets,
)
