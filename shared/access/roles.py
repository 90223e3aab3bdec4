"""The roles: what those of keys, and Entra's app roles and scopes, mean in ours. The one table of who may do what."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from shared.access.rights import Scope, reach


class Role(StrEnum):
    """What somebody is for: a word for the scopes that this takes, whatever they come to be."""

    INGEST = "ingest"
    """Tools that post events."""
    MARKETER = "marketer"
    DEVELOPER = "developer"
    OPERATOR = "operator"
    PRIVACY_OFFICER = "privacy-officer"
    ADMIN = "admin"


EVERYTHING = frozenset(Scope)
ON_BEHALF = "access_as_user"
"""The scope of an app that does for a person whatever that person may do."""

GRANTS: Mapping[str, frozenset[Scope]] = {
    Role.INGEST: frozenset({Scope.EVENTS_WRITE}),
    Role.MARKETER: frozenset(
        {
            Scope.EVENTS_READ,
            Scope.DEFINITIONS_WRITE,
            Scope.DELIVERY_READ,
            Scope.SOURCES_READ,
            Scope.PEOPLE_READ,
        }
    ),
    Role.DEVELOPER: frozenset(
        {
            Scope.EVENTS_WRITE,
            Scope.EVENTS_READ,
            Scope.DEFINITIONS_WRITE,
            Scope.DELIVERY_WRITE,
            Scope.SOURCES_WRITE,
        }
    ),
    Role.OPERATOR: frozenset(
        {
            Scope.EVENTS_READ,
            Scope.DEFINITIONS_READ,
            Scope.DELIVERY_WRITE,
            Scope.SOURCES_WRITE,
            Scope.OPERATE,
            Scope.TICK,
        }
    ),
    Role.PRIVACY_OFFICER: frozenset(
        {
            Scope.EVENTS_READ,
            Scope.PEOPLE_READ,
            Scope.PEOPLE_WRITE,
            Scope.QUARANTINE_READ,
            Scope.AUDIT_READ,
        }
    ),
    Role.ADMIN: EVERYTHING,
    ON_BEHALF: EVERYTHING,
    # Each scope by itself
    **{scope.value: frozenset({scope}) for scope in Scope},
}
"""What each value of `roles` or `scp` grants, and each role of a key. What is not here grants nothing."""


def granted(values: Collection[str]) -> frozenset[Scope]:
    """All that some roles, or some scopes, come to."""
    return reach([scope for value in values for scope in GRANTS.get(value, ())])
