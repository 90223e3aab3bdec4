"""Power Automate and Logic Apps: flows that post plain JSON with their HTTP action, and carry a secret."""

from collections.abc import Mapping, Sequence

from shared import exact
from shared.errors import Invalid
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SharedSecret, SourceKind

# The action signs nothing. https://learn.microsoft.com/connectors/custom-connectors/connection-parameters and
# https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-actions-triggers#http-action
PROOF = SharedSecret()

# https://learn.microsoft.com/azure/logic-apps/error-exception-handling#retry-policies: the default policy repeats 408, 429
# and 5xx up to 4 times. https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-config: 120 s in one request.
POLICY = Policy(
    seconds=120,
    retries="some",
    retried=frozenset({408, 429, *range(500, 600)}),
    gives_up="It repeats 4 times, a few seconds apart, and then the action and its run fail.",
)

ABOUT = About(
    repeat="the body's `id`; without one a repeat cannot be told",
    notes=(
        "the HTTP action of a flow, also of Logic Apps; a type is the body's `type`, or `event` where there "
        "is none. [A flow with a token or a key](#power-automate-and-logic-apps) posts to the API"
    ),
)

HEADERS = ("x-ms-workflow-run-id", "x-ms-client-tracking-id")

# A flow's author makes up the body. We ask for `type`, and for `id` where the flow has something of the kind.
MAPPINGS: Mapping[str, MappingDoc] = {
    "event": {
        "event": "event",
        "person": {"email": "person.email", "mobile": "person.mobile", "crmId": "person.crmId"},
        "properties": "properties",
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of what a flow posts: `{"type": "...", "id": "...", "occurredAt": "...", ...}`.

    Without an `id` a repeat cannot be told: an action that is repeated has no id of its own, only its run has one, and a
    run may post several times.
    """
    payload = exact.loads(received.body)
    if not isinstance(payload, dict):
        raise Invalid("The flow posts no object. Have it post an object with a type.")
    return [
        Facts(
            type=_text(payload.get("type")) or "event",
            delivery_id=_text(payload.get("id")),
            payload=payload,
            occurred_at=_text(payload.get("occurredAt")),
        )
    ]


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


SOURCE = SourceKind(
    proofs=(PROOF,), policy=POLICY, about=ABOUT, read=read, headers=HEADERS, mappings=MAPPINGS
)
