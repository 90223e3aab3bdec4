"""CloudEvents 1.0 over HTTP: binary, structured and batched, with the handshake of its webhook profile."""

from shared.sources import About, Policy, SharedSecret, SourceKind
from shared.sources.event_format import HEADERS, WORDS, allowed, read_events

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md: a bearer token or access_token (section 3);
# 410 ends it, 415 is final, and there need not be any retry (section 2.2).
PROOF = SharedSecret()
POLICY = Policy(
    lost=frozenset({415}),
    disables=frozenset({410}),
    gives_up="The specification leaves it to the sender.",
)

ABOUT = About(
    repeat="`source` and `id`",
    notes=(
        "CloudEvents 1.0, binary, structured and batched; `OPTIONS` is answered to whoever asks, and grants "
        "nothing. The mapping sees the event in its structured form in each mode; data that is no JSON is "
        "in `data_base64`. A format other than JSON is kept in quarantine, and answered 202 rather than the "
        "415 of the specification"
    ),
)

SOURCE = SourceKind(
    proofs=(PROOF,),
    policy=POLICY,
    about=ABOUT,
    read=read_events,
    headers=HEADERS,
    words=WORDS,
    greets=allowed,
)
