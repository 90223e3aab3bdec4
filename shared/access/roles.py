"""The roles: what Entra's app roles and scopes mean in ours. The one table of who may do what."""

from collections.abc import Collection, Mapping

from shared.access.rights import Scope, reach

EVERYTHING = frozenset(Scope)
ON_BEHALF = "access_as_user"
"""The scope of an app that does for a person whatever that person may do."""

GRANTS: Mapping[str, frozenset[Scope]] = {
    # Tools
    "ingest": frozenset({Scope.EVENTS_WRITE}),
    # People
    "marketer": frozenset(
        {
            Scope.EVENTS_READ,
            Scope.DEFINITIONS_WRITE,
            Scope.DELIVERY_READ,
            Scope.SOURCES_READ,
            Scope.PEOPLE_READ,
        }
    ),
    "developer": frozenset(
        {
            Scope.EVENTS_WRITE,
            Scope.EVENTS_READ,
            Scope.DEFINITIONS_WRITE,
            Scope.DELIVERY_WRITE,
            Scope.SOURCES_WRITE,
        }
    ),
    "operator": frozenset(
        {
            Scope.EVENTS_READ,
            Scope.DEFINITIONS_READ,
            Scope.DELIVERY_WRITE,
            Scope.SOURCES_WRITE,
            Scope.OPERATE,
            Scope.TICK,
        }
    ),
    "privacy-officer": frozenset(
        {
            Scope.EVENTS_READ,
            Scope.PEOPLE_READ,
            Scope.PEOPLE_WRITE,
            Scope.QUARANTINE_READ,
            Scope.AUDIT_READ,
        }
    ),
    "admin": EVERYTHING,
    ON_BEHALF: EVERYTHING,
    # Each scope by itself
    **{scope.value: frozenset({scope}) for scope in Scope},
}
"""What each value of `roles` or `scp` grants. What is not here grants nothing."""


def granted(values: Collection[str]) -> frozenset[Scope]:
    """All that some roles, or some scopes, come to."""
    return reach([scope for value in values for scope in GRANTS.get(value, ())])
