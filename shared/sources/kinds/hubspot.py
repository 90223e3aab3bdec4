"""HubSpot webhooks: signed in three ways, with up to a hundred things that happened in one request."""

from collections.abc import Mapping, Sequence
from typing import Literal

from shared import exact, times
from shared.bodies import Body
from shared.errors import Invalid
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SourceKind, Timestamp, Verifier, delivery_of

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

ABOUT = About(
    signed=(
        "version 3: method, URL, body and time, 5 minutes. Versions 2 (no time) and 1 (only the body) are "
        "plain hashes; they count only where version 3 is not sent along, and with the setting "
        '`"oldestVersion": "v3"` not at all'
    ),
    repeat="`portalId`, `subscriptionId`, `eventId`, `objectId` and `occurredAt`",
    notes=(
        "the URL is the section's `publicBaseUrl` with the hook's path. Up to 100 events in a request; a "
        "type is the `subscriptionType`, or `workflow` for what a workflow sends, of which a repeat cannot "
        "be told. The secret is the app's client secret"
    ),
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


class Settings(Body):
    """How a source of HubSpot is set up: `oldest_version` is the oldest signature that counts where no newer one came.

    Who has one request with its headers can send it again without those of version 3, at any time. A repeat is known as one
    for as long as keys are kept; with `v3` here it is refused.
    """

    oldest_version: Literal["v1", "v2", "v3"] = "v1"


def source(settings: Settings) -> SourceKind:
    """The kind as a source has it."""
    proofs = {"v3": (V3,), "v2": (V3, V2), "v1": (V3, V2, V1)}[settings.oldest_version]
    return SourceKind(proofs=proofs, policy=POLICY, about=ABOUT, read=read, mappings=MAPPINGS)


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
