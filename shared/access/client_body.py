"""What registers a client: which service principal it is, and what it may do in this section."""

from typing import Annotated

from pydantic import BeforeValidator

from shared.access.claims import GUID
from shared.access.key_body import Events, KeyId, PerMinute, Scopes
from shared.bodies import Body, Text
from shared.faults import matching


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class ClientBody(Body):
    """A client to register."""

    # Validated with `deployment` as context.

    id: Annotated[
        str, BeforeValidator(_lower), matching(GUID.pattern, "an application (client) id of Entra, a GUID")
    ]
    name: Text
    scopes: Scopes
    """The most that it may do here. What it does needs a role in its token as well."""
    source: Text
    """What its events carry as their source, unless they name one."""
    events: Events | None = None
    per_minute: PerMinute | None = None
    """Requests and events that it may send here in a minute: A_CALLER without it."""
    replaces: KeyId | None = None
    """The id of the key whose place it takes: the two then share their idempotency keys."""
