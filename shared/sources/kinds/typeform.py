"""Typeform webhooks: how they are signed, what a submission says, and which event it suggests."""

from collections.abc import Mapping, Sequence

from shared import exact
from shared.errors import Invalid
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SourceKind, Verifier

# https://www.typeform.com/developers/webhooks/secure-your-webhooks/. Base64, although the label looks like GitHub's.
VERIFIER = Verifier(headers=("typeform-signature",), extract="prefix", label="sha256=", encoding="base64")

# https://www.typeform.com/developers/webhooks/#retries-and-failures
POLICY = Policy(
    seconds=30,
    disables=frozenset({404, 410}),
    gives_up="It repeats for up to 10 hours; many failures turn the webhook off.",
)

ABOUT = About(
    signed="the body; not any time",
    repeat="`event_id`",
    notes="of several answers of a kind, the first one is the person's",
)

# https://www.typeform.com/developers/webhooks/example-payload/. Of several answers of a kind the first counts.
MAPPINGS: Mapping[str, MappingDoc] = {
    "form_response": {
        "event": "'signals.form-submitted'",
        "occurredAt": "form_response.submitted_at",
        "person": {
            "email": "form_response.answers[?type=='email'].email | [0]",
            "mobile": "form_response.answers[?type=='phone_number'].phone_number | [0]",
        },
        "properties": {
            "formId": "form_response.form_id",
            "formTitle": "form_response.definition.title",
            "responseId": "form_response.token",
        },
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of a submission; `event_id` stays the same when it is sent again."""
    payload = exact.loads(received.body)
    if not isinstance(payload, dict) or not all(
        isinstance(payload.get(one), str) for one in ("event_id", "event_type")
    ):
        raise Invalid("A Typeform webhook has an event_id and an event_type.")
    return [Facts(payload["event_type"], payload["event_id"], payload)]


SOURCE = SourceKind(proofs=(VERIFIER,), policy=POLICY, about=ABOUT, read=read, mappings=MAPPINGS)
