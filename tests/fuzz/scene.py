"""The section that the storm hits: something real at the end of every path, and keys for who may do what there."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.client import Client, Response
from shared import sources
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.sources import Received, Verifier
from tests.running import Running
from tests.sources.cases import kind_of, settings_of
from tests.sources.signing import sign

VICTIM = "storm-victim"
CLIENT = "c0ffee00-1111-4222-8333-444455556666"
"""A section and a destination that the storm may pause."""
SECTION, EVENT, ROUTED, REFUSED = "storm", "storm.everything", "storm.routed", "storm.refused"
"""Most events are of the first, which goes nowhere: a delivery costs the stack more than all that comes before."""
SIGNING = "canary-signing-7f3a"
MARKS = ("canary", "701740699", "Y2FuYXJ5")
"""In every text that is sent: as it is, the telephone number, and the mark in base64."""
SCOPES = [scope.value for scope in Scope if scope not in DEPLOYMENT_ONLY]
TYPES = ("text", "integer", "decimal", "boolean", "date", "timestamp")
MAPPING = {
    "occurredAt": "created_at",
    "person": {"email": "email", "mobile": "phone"},
    "properties": {"text": "to_string(id)", "decimal": "`1`"},
}
PERSON = {"email": "canary-ada@canary.example", "mobile": "+46 70-174 06 99"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Who asks, and what there is."""

    callers: Mapping[str, Mapping[str, str]]
    """Headers: of a section's key, of the deployment key in the section, and of nobody."""
    places: Mapping[str, str]
    """A real id for the parameter of a path, by what stands before it, such as `/v1/keys/`."""
    hooks: Mapping[str, tuple[str, str]]
    """The paths of two sources, by kind: one that stays as it is, and one that the storm maps, pauses and rotates."""
    canaries: tuple[str, ...]
    """What is sent and must not be found in a log."""


def furnished(running: Running) -> Scene:
    """Everything of the scene, made through the API."""
    base, deployment = running.stack.base_url, running.deployment_key
    for section in (SECTION, VICTIM):
        made(Client.keyed(base, deployment).post("/v1/sections", _section(section, base)))
    operator = Client.keyed(base, deployment, SECTION)
    key = made(operator.post("/v1/keys", {"name": "storm", "scopes": SCOPES, "source": "checkout"}))["key"]
    victim = made(operator.post("/v1/keys", {"name": "victim", "scopes": ["operate"], "source": "a"}))
    made(operator.post("/v1/clients", {"id": CLIENT, "name": "victim", "scopes": ["operate"], "source": "a"}))
    made(operator.post("/v1/definitions", _definition(EVENT, TYPES)))
    made(operator.post("/v1/definitions", _definition(ROUTED, TYPES)))
    refused = made(operator.post("/v1/definitions", _definition(REFUSED, ())))
    _way_out(operator, ROUTED, "storm-out", running.stack.receiver_url + "/ok")
    route = _way_out(operator, REFUSED, VICTIM, running.stack.receiver_url + "/bad")
    hooks = {kind: (_hook(operator, kind), _hook(operator, kind)) for kind in sources.KINDS}
    steady, shifting = hooks[sources.KINDS[0]]
    places = {
        "/problems/": "invalid",
        "/v1/sections/": VICTIM,
        "/v1/keys/": victim["id"],
        "/v1/clients/": CLIENT,
        "/v1/sources/": shifting.rpartition("/")[2],
        "/v1/hooks/": steady.rpartition("/")[2],
        "/v1/destinations/": VICTIM,
        "/v1/routes/": route,
        "/v1/definitions/": REFUSED,
        f"/v1/definitions/{REFUSED}/versions/": refused["version"]["id"],
        "/v1/quarantine/": _kept(operator, base, sources.KINDS[0], steady),
        "/v1/replays/": _replayed(operator),
        "/v1/subscriptions/": _subscribed(operator, running.stack.receiver_url + "/ok"),
        "/v1/deliveries/": _dead(operator)["deliveries"][0]["id"],
        **_delivered(operator),
    }
    callers = {
        "section": {"Authorization": f"Bearer {key}"},
        "deployment": {"Authorization": f"Bearer {deployment}", "Signalbox-Section": SECTION},
        "nobody": {},
    }
    texts = (key, deployment, victim["key"])
    return Scene(callers, places, hooks, (*MARKS, *(text.rpartition("_")[2] for text in texts)))


def signed(kind: str, request: Received) -> Received:
    """The request as its vendor would sign it now."""
    return sign(kind_of(kind).proofs[0], request, secret_of(kind), datetime.now(UTC))


def secret_of(kind: str) -> str:
    """The secret of its sources, as its vendor would show it."""
    proof = kind_of(kind).proofs[0]
    if isinstance(proof, Verifier) and proof.key_encoding == "base64":
        return "".join(proof.key_prefixes) + base64.b64encode(SIGNING.encode()).decode()
    return SIGNING


def made(response: Response) -> dict[str, Any]:
    """What was answered, well."""
    assert response.status in (200, 201, 202), response
    doc: dict[str, Any] = response.doc
    return doc


def _section(id: str, base: str) -> dict[str, Any]:
    place = {"country": "SE", "timeZone": "Europe/Stockholm", "publicBaseUrl": base}
    return {"id": id, "name": "Storm", **place, "retentionDays": 30, "buckets": 1}


def _definition(event: str, types: tuple[str, ...]) -> dict[str, Any]:
    fields = [{"name": one, "type": one, "required": one in ("text", "decimal")} for one in types]
    about = {"title": "Storm", "description": "Anything.", "purpose": "marketing", "retentionDays": 30}
    return {"event": event, **about, "fields": fields}


def _hook(operator: Client, kind: str) -> str:
    """The path of a new source that knows all types which its kind suggests a mapping for."""
    types = {name: {"event": EVENT, "mapping": MAPPING} for name in kind_of(kind).mappings}
    about = {"name": f"storm {kind}", "kind": kind, "label": "webshop", "settings": settings_of(kind)}
    secrets = {"signing": secret_of(kind)}
    return str(made(operator.post("/v1/sources", {**about, "secrets": secrets, "types": types}))["hookPath"])


def _way_out(operator: Client, event: str, name: str, url: str) -> str:
    """The id of a new route to a new destination."""
    settings = {"url": url, "timeoutSeconds": 5}
    made(operator.post("/v1/destinations", {"name": name, "kind": "webhook", "settings": settings}))
    return str(made(operator.post("/v1/routes", {"event": event, "destination": name}))["id"])


def _subscribed(operator: Client, url: str) -> str:
    """The id of a subscription to what is routed."""
    return str(made(operator.post("/v1/subscriptions", {"events": [ROUTED], "url": url}))["id"])


def _kept(operator: Client, base: str, kind: str, hook: str) -> str:
    """The id of a genuine webhook that nothing can be made of."""
    request = signed(kind, Received("POST", base + hook, {}, b"{}"))
    made(Client(base).send("POST", hook, request.body, dict(request.headers)))
    return str(operator.get("/v1/quarantine").doc["quarantine"][0]["id"])


def _replayed(operator: Client) -> str:
    """The id of a replay that is not done yet: of two dead letters it has started one."""
    for _ in range(2):
        _dead(operator)
    chosen = {"filter": {"destination": VICTIM}, "perMinute": 1}
    return str(made(operator.post("/v1/replays", chosen))["id"])


def _dead(operator: Client) -> dict[str, Any]:
    """The receipt of an event whose delivery is dead."""
    id = made(operator.post("/v1/events", {"event": REFUSED, "person": PERSON}))["id"]
    receipt: dict[str, Any] = operator.receipt(id, lambda doc: doc["status"] == "failed")
    return receipt


def _delivered(operator: Client) -> dict[str, str]:
    """An event, its person, and its delivery, which is dead."""
    receipt = _dead(operator)
    return {
        "/v1/events/": receipt["id"],
        "/v1/people/": receipt["personId"],
        "/v1/dead-letters/": receipt["deliveries"][0]["id"],
    }
