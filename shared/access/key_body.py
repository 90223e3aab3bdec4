"""What creates a key: who uses it, what for, and until when."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from shared import times
from shared.access.caller import A_CALLER
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.access.roles import Role
from shared.access.section_body import is_base_url
from shared.bodies import DATE_TIME, Body, Discriminator, Text, Whole, context
from shared.errors import Fault
from shared.exact import Json
from shared.faults import refusal

MAX_EVENTS = 100
MAX_ORIGINS = 20
A_PUBLISHABLE = 6_000
"""Requests and events a minute of a key for web pages, where it says nothing else."""
_ORIGIN = "https:// and a host, in the way that browsers send it (http:// for this machine only)"


def _grantable(scope: Scope, info: ValidationInfo) -> Scope:
    if scope in DEPLOYMENT_ONLY and not context(info)["deployment"]:
        raise refusal("Leave this scope out.", "a scope that stays within one section")
    return scope


def _later(text: str, info: ValidationInfo) -> str:
    try:
        at = times.parse(text)
        later = times.text(at)
    except (ValueError, OverflowError):
        raise refusal("Write it in the expected form.", "an RFC 3339 time with an offset") from None
    if at <= context(info)["now"]:
        raise refusal("Choose a later time.", "a time that has not passed yet")
    return later


def _origin(text: str) -> str:
    if not is_base_url(text) or text != text.lower() or text.endswith("/"):
        raise refusal("Write it in the expected form.", _ORIGIN)
    return text


Scopes = Annotated[
    list[Annotated[Scope, Field(strict=False), AfterValidator(_grantable)]],
    Field(min_length=1, max_length=50),
]
"""Validated with `deployment` as context: whether they are for the whole deployment."""
Roles = Annotated[list[Annotated[Role, Field(strict=False)]], Field(min_length=1, max_length=len(Role))]
Events = Annotated[list[Discriminator], Field(min_length=1, max_length=MAX_EVENTS)]
PerMinute = Annotated[Whole, Field(ge=1, le=1_000_000)]
KeyId = Annotated[str, StringConstraints(max_length=64)]
Origins = Annotated[
    list[Annotated[str, Field(max_length=300), AfterValidator(_origin)]],
    Field(min_length=1, max_length=MAX_ORIGINS),
]


class KeyBody(Body):
    """A key to create."""

    # Validated with `now` and `deployment` as context.

    name: Text
    scopes: Scopes | None = None
    roles: Roles | None = None
    """By name: what each grants follows the table of roles. A key has some scopes or some roles, or both."""
    source: Text
    """What its events carry as their source, unless they name one."""
    events: Events | None = None
    per_minute: PerMinute | None = None
    """Requests and events that it may send in a minute: A_CALLER without it, A_PUBLISHABLE with `origins`."""
    origins: Origins | None = None
    """Makes it publishable: a key for the web pages of these origins, which may post the named events, and no more."""
    expires_at: Annotated[str, AfterValidator(_later), DATE_TIME] | None = None
    replaces: KeyId | None = None
    """The id of the key whose place it takes: the two then share their idempotency keys."""

    @property
    def quota(self) -> int:
        """Requests and events a minute."""
        return self.per_minute or (A_PUBLISHABLE if self.origins else A_CALLER)


def faults_between(body: Json) -> Sequence[Fault]:
    """What the members of a key's body say together: it may do something, and no more than a page's key may."""
    if not isinstance(body, dict):
        return []
    if body.get("scopes") is None and body.get("roles") is None:
        return [Fault("/scopes", "Say what the key may do: name scopes, roles or both.", "a list of scopes")]
    return [] if body.get("origins") is None else _publishable_faults(body)


def _publishable_faults(body: Mapping[str, Json]) -> Sequence[Fault]:
    """What a key that everybody can read must not have. A role may come to grant more one day."""
    faults = []
    if body.get("roles") is not None:
        faults.append(Fault("/roles", "A key for web pages has scopes only. Leave this out."))
    if body.get("scopes") != [Scope.EVENTS_WRITE]:
        detail = "A key for web pages can do no more than post events."
        faults.append(Fault("/scopes", detail, f'["{Scope.EVENTS_WRITE}"]'))
    if not body.get("events"):
        detail = "Name the events that web pages may post."
        faults.append(Fault("/events", detail, "a list of events"))
    return faults
