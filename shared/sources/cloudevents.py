"""CloudEvents 1.0 over HTTP: binary, structured and batched, with the handshake of its webhook profile."""

from shared.sources import Policy, SharedSecret, SourceKind
from shared.sources.event_format import HEADERS, WORDS, allowed, read_events

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md: a bearer token or access_token (section 3);
# 410 ends it, 415 is final, and there need not be any retry (section 2.2).
PROOF = SharedSecret()
POLICY = Policy(
    lost=frozenset({415}),
    disables=frozenset({410}),
    gives_up="The specification leaves it to the sender.",
)

SOURCE = SourceKind(
    proofs=(PROOF,), policy=POLICY, read=read_events, headers=HEADERS, words=WORDS, greets=allowed
)
