"""The rights: which scopes there are, which of them cover others, and the one that each route needs."""

from collections.abc import Collection, Mapping
from enum import StrEnum


class Scope(StrEnum):
    """What a credential may do in its section."""

    EVENTS_WRITE = "events:write"
    EVENTS_READ = "events:read"
    DEFINITIONS_READ = "definitions:read"
    DEFINITIONS_WRITE = "definitions:write"
    DELIVERY_READ = "delivery:read"
    """Routes, destinations and subscriptions."""
    DELIVERY_WRITE = "delivery:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    """Consent, and erasure."""
    OPERATE = "operate"
    """Dead letters, quarantine, replay."""
    QUARANTINE_READ = "quarantine:read"
    """What lies in quarantine, and whom it mentions; never a body."""
    TICK = "tick"
    """Sweep, due retries and purge of every section."""
    AUDIT_READ = "audit:read"
    """Who changed what."""
    KEYS_WRITE = "keys:write"
    """Keys, and the clients that come with tokens."""
    SECTIONS_WRITE = "sections:write"


COVERS: Mapping[Scope, frozenset[Scope]] = {
    # Whoever edits configuration has to see it. Events and people are left out on purpose: a form's key
    # writes an event or a consent and must never read one back.
    Scope.DEFINITIONS_WRITE: frozenset({Scope.DEFINITIONS_READ}),
    Scope.DELIVERY_WRITE: frozenset({Scope.DELIVERY_READ}),
    Scope.SOURCES_WRITE: frozenset({Scope.SOURCES_READ}),
    Scope.OPERATE: frozenset({Scope.QUARANTINE_READ}),
}
"""The scopes that come along with a scope. What is not named here covers nothing but itself."""

DEPLOYMENT_ONLY = frozenset({Scope.SECTIONS_WRITE, Scope.TICK})
"""Scopes that reach beyond one section, so that only a deployment key can have them."""

NEEDS: Mapping[str, Scope] = {
    "POST /v1/events": Scope.EVENTS_WRITE,
    "POST /v1/events/batch": Scope.EVENTS_WRITE,
    "GET /v1/events": Scope.EVENTS_READ,
    "GET /v1/events/{id}": Scope.EVENTS_READ,
    "GET /v1/events/{id}/fixture": Scope.EVENTS_READ,
    "POST /v1/funnels/count": Scope.OPERATE,
    "GET /v1/definitions": Scope.DEFINITIONS_READ,
    "GET /v1/definitions/{event}": Scope.DEFINITIONS_READ,
    "GET /v1/definitions/{event}/versions": Scope.DEFINITIONS_READ,
    "GET /v1/definitions/{event}/versions/{version}": Scope.DEFINITIONS_READ,
    "GET /v1/definitions/{event}/schema": Scope.DEFINITIONS_READ,
    "GET /v1/definitions/{event}/funnel": Scope.EVENTS_READ,
    "GET /v1/metrics": Scope.EVENTS_READ,
    "GET /v1/usage": Scope.OPERATE,
    "POST /v1/definitions": Scope.DEFINITIONS_WRITE,
    "POST /v1/definitions/{event}/versions": Scope.DEFINITIONS_WRITE,
    "GET /v1/destinations": Scope.DELIVERY_READ,
    "GET /v1/destinations/{id}": Scope.DELIVERY_READ,
    "POST /v1/destinations": Scope.DELIVERY_WRITE,
    "PUT /v1/destinations/{id}": Scope.DELIVERY_WRITE,
    "POST /v1/destinations/{id}/pause": Scope.DELIVERY_WRITE,
    "POST /v1/destinations/{id}/resume": Scope.DELIVERY_WRITE,
    "GET /v1/routes": Scope.DELIVERY_READ,
    "GET /v1/routes/{id}": Scope.DELIVERY_READ,
    "POST /v1/routes/try": Scope.DELIVERY_READ,
    "POST /v1/routes": Scope.DELIVERY_WRITE,
    "PUT /v1/routes/{id}": Scope.DELIVERY_WRITE,
    "POST /v1/routes/{id}/pause": Scope.DELIVERY_WRITE,
    "POST /v1/routes/{id}/resume": Scope.DELIVERY_WRITE,
    "GET /v1/subscriptions": Scope.DELIVERY_READ,
    "GET /v1/subscriptions/{id}": Scope.DELIVERY_READ,
    "POST /v1/subscriptions": Scope.DELIVERY_WRITE,
    "POST /v1/failure-subscriptions": Scope.DELIVERY_WRITE,
    "POST /v1/subscriptions/{id}/resume": Scope.DELIVERY_WRITE,
    "DELETE /v1/subscriptions/{id}": Scope.DELIVERY_WRITE,
    "GET /v1/sources": Scope.SOURCES_READ,
    "GET /v1/sources/{id}": Scope.SOURCES_READ,
    "GET /v1/sources/{id}/rejected": Scope.OPERATE,
    "POST /v1/sources": Scope.SOURCES_WRITE,
    "PUT /v1/sources/{id}/types": Scope.SOURCES_WRITE,
    "PUT /v1/sources/{id}/settings": Scope.SOURCES_WRITE,
    "PUT /v1/sources/{id}/quota": Scope.SOURCES_WRITE,
    "POST /v1/sources/{id}/try": Scope.SOURCES_READ,
    "POST /v1/sources/{id}/pause": Scope.SOURCES_WRITE,
    "POST /v1/sources/{id}/resume": Scope.SOURCES_WRITE,
    "POST /v1/sources/{id}/rotate": Scope.SOURCES_WRITE,
    "GET /v1/people/{id}": Scope.PEOPLE_READ,
    "GET /v1/people/{id}/timeline": Scope.PEOPLE_READ,
    "POST /v1/why": Scope.PEOPLE_READ,
    "POST /v1/consents": Scope.PEOPLE_WRITE,
    "GET /v1/dead-letters": Scope.OPERATE,
    "GET /v1/dead-letter-groups": Scope.OPERATE,
    "GET /v1/dead-letters/{id}": Scope.OPERATE,
    "POST /v1/dead-letters/{id}/replay": Scope.OPERATE,
    "POST /v1/deliveries/{id}/replay": Scope.OPERATE,
    "GET /v1/replays": Scope.OPERATE,
    "GET /v1/replays/{id}": Scope.OPERATE,
    "POST /v1/replays": Scope.OPERATE,
    "POST /v1/replays/try": Scope.OPERATE,
    "POST /v1/replays/{id}/stop": Scope.OPERATE,
    "POST /v1/replays/{id}/resume": Scope.OPERATE,
    "GET /v1/quarantine": Scope.QUARANTINE_READ,
    "GET /v1/quarantine/groups": Scope.QUARANTINE_READ,
    "POST /v1/quarantine/find": Scope.QUARANTINE_READ,
    "POST /v1/quarantine/replay": Scope.OPERATE,
    "POST /v1/quarantine/{id}/replay": Scope.OPERATE,
    "GET /v1/quarantine/{id}/fixture": Scope.OPERATE,
    "POST /v1/tick": Scope.TICK,
    "GET /v1/audit": Scope.AUDIT_READ,
    "GET /v1/keys": Scope.KEYS_WRITE,
    "POST /v1/keys": Scope.KEYS_WRITE,
    "POST /v1/keys/{id}/rotate": Scope.KEYS_WRITE,
    "POST /v1/keys/{id}/revoke": Scope.KEYS_WRITE,
    "GET /v1/clients": Scope.KEYS_WRITE,
    "POST /v1/clients": Scope.KEYS_WRITE,
    "POST /v1/clients/{id}/revoke": Scope.KEYS_WRITE,
    "GET /v1/sections/{id}/export": Scope.SECTIONS_WRITE,
    "GET /v1/sections": Scope.SECTIONS_WRITE,
    "POST /v1/sections": Scope.SECTIONS_WRITE,
    "PUT /v1/sections/{id}": Scope.SECTIONS_WRITE,
    "DELETE /v1/sections/{id}": Scope.SECTIONS_WRITE,
    "POST /v1/sections/{id}/rotate": Scope.SECTIONS_WRITE,
    "POST /v1/sections/{id}/pause": Scope.SECTIONS_WRITE,
    "POST /v1/sections/{id}/resume": Scope.SECTIONS_WRITE,
}
"""What each route needs. A route that is not here has no right at all: looking it up raises KeyError."""


NEEDS_TOO: Mapping[str, tuple[Scope, ...]] = {
    # It tells of events, and what routes ask for.
    "POST /v1/why": (Scope.EVENTS_READ, Scope.DELIVERY_READ),
    # It tells all that these open.
    "GET /v1/sections/{id}/export": (Scope.EVENTS_READ, Scope.PEOPLE_READ, Scope.AUDIT_READ),
}
"""What a few routes need besides."""


def covers(held: Collection[Scope], needed: Scope) -> bool:
    """Whether one of the scopes held is the needed one or brings it along."""
    return needed in held or any(needed in COVERS.get(scope, ()) for scope in held)


def reach(scopes: Collection[Scope]) -> frozenset[Scope]:
    """The scopes with those that come along with them."""
    return frozenset(scopes).union(*(COVERS.get(scope, frozenset()) for scope in scopes))
