"""HubSpot webhooks: signed in three ways, with up to a hundred things that happened in one request."""

from collections.abc import Mapping, Sequence

from shared import exact, times
from shared.errors import Invalid
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources import Facts, Policy, Received, SourceKind, Timestamp, Verifier, delivery_of

# https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests. The first two are plain hashes
# and bind no time; HubSpot sends one of them along with the third, which alone counts when it is there.
V3 = Verifier(
    headers=("x-hubspot-signature-v3",),
    template="{method}{url_decoded}{raw}{ts}",
    encoding="base64",
    timestamp=Timestamp(headers=("x-hubspot-request-timestamp",), unit="ms"),
)
V2 = Verifier(
    headers=("x-hubspot-signature",),
    when=("x-hubspot-signature-version", "v2"),
    mac="secret-first",
    template="{method}{url}{raw}",
)
V1 = Verifier(headers=("x-hubspot-signature",), mac="secret-first")

# https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide#retries and
# https://community.hubspot.com/t5/APIs-Integrations/Webhooks-response/td-p/277558
POLICY = Policy(
    seconds=5,
    lost=frozenset({400, 401, 403, 404, 405}),
    gives_up="It repeats up to 10 times in 24 hours.",
)

WORKFLOW = "workflow"
"""The type of what a workflow sends: an object as it is then, without an id."""

# https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide#webhook-payloads
MAPPINGS: Mapping[str, MappingDoc] = {
    "contact.creation": {
        "event": "'conversions.contact-created'",
        "person": {"externalIds": {"hubspot": "to_string(objectId)"}},
        "properties": {"contactId": "to_string(objectId)", "changeSource": "changeSource"},
    },
    "contact.propertyChange": {
        "event": "'signals.contact-changed'",
        "person": {"externalIds": {"hubspot": "to_string(objectId)"}},
        "properties": {
            "contactId": "to_string(objectId)",
            "property": "propertyName",
            "value": "propertyValue",
        },
    },
}


def read(received: Received) -> Sequence[Facts]:
    """The facts of each item of a list, or of the one object that a workflow sends."""
    payload = exact.loads(received.body)
    return [_facts(item) for item in (payload if isinstance(payload, list) else [payload])]


def _facts(item: Json) -> Facts:
    if not isinstance(item, dict):
        raise Invalid("HubSpot sends objects, or a list of them.")
    type = item.get("subscriptionType")
    if not isinstance(type, str):
        return Facts(WORKFLOW, None, item)
    return Facts(type, _delivery(item, type), item, times.of_unix(item.get("occurredAt"), 1000))


def _delivery(item: Mapping[str, Json], type: str) -> str | None:
    """`eventId` alone is "not guaranteed to be unique" (HubSpot's table of fields); only `attemptNumber` may differ."""
    parts = [item.get(one) for one in ("portalId", "subscriptionId", "eventId", "objectId", "occurredAt")]
    return None if item.get("eventId") is None else delivery_of(type, *parts)


SOURCE = SourceKind(proofs=(V3, V2, V1), policy=POLICY, read=read, mappings=MAPPINGS)
