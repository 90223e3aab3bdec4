"""Who is calling, and what they may do here."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from shared.access.rights import Scope, covers
from shared.errors import Forbidden, NotFound
from shared.event import Trust

SECTION_HEADER = "Signalbox-Section"
DEPLOYMENT = "*"
"""The section of what reaches every section. Only the local commands make it."""
A_CALLER = 60_000
"""Requests and events a minute, where a credential says nothing else."""
SECTION_ID = re.compile(r"[a-z][a-z0-9-]{1,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `section` is None for one of the whole deployment that has not named one yet."""

    section: str | None
    scopes: frozenset[Scope]
    source_id: str
    source: str
    key_id: str
    """Of the key, or of the client that came with a token."""
    events: frozenset[str] | None = None
    """The only events it may send, or None for all."""
    trust: Trust = "server"
    per_minute: int = A_CALLER
    """Requests and events that it may send in a minute."""
    origins: frozenset[str] | None = None
    """The web pages that may use it, by their origins, or None: it is no key for pages."""
    home: str = DEPLOYMENT
    """Where its key or client is registered, whichever section its request names."""
    person: str | None = None
    """Of a token: the object id in Entra of the person that the client acts for."""

    @property
    def name(self) -> str:
        """As the audit writes it."""
        return f"{self.key_id} for {self.person}" if self.person else self.key_id

    def require(self, scope: Scope) -> None:
        """Raises Forbidden unless the caller has the scope."""
        if not covers(self.scopes, scope):
            raise Forbidden(
                f"This needs the scope {scope}. Use a key that has it, or a token with a role that has it, "
                "of a client that is registered with it."
            )

    def require_reach(self, scopes: Collection[Scope], events: Collection[str] | None) -> None:
        """Nobody hands out more than they have, or `keys:write` would be every right there is. Raises Forbidden."""
        beyond = sorted(scope for scope in scopes if not covers(self.scopes, scope))
        if beyond:
            raise Forbidden(f"You lack {', '.join(beyond)} yourself, so you cannot give that to others.")
        if self.events is not None and (events is None or not self.events.issuperset(events)):
            raise Forbidden("You are limited to some events yourself. Limit the other one to some of these.")

    def require_event(self, event: str) -> None:
        """Raises Forbidden when the caller is limited to other events."""
        if self.events is not None and event not in self.events:
            raise Forbidden("You may send other events only. Use a key or a client that may send this one.")

    def require_origin(self, origin: str | None) -> None:
        """Raises Forbidden when a key for pages is used elsewhere. Whoever is no browser can send any origin."""
        if self.origins is not None and (origin or "").lower() not in self.origins:
            raise Forbidden("This key is for other web pages. Add the page's origin to a new key for it.")

    def require_section(self) -> str:
        """The section that the request is about. Raises Forbidden when none was named."""
        if self.section is None:
            raise Forbidden(f"You belong to no section. Name one in the header {SECTION_HEADER}.")
        return self.section


def for_section(caller: Caller, header: str | None) -> Caller:
    """The caller in the section that its request names.

    Raises NotFound for a name that a section cannot have, and for a section that is not the key's own: whether it
    exists is none of its business. That a well-formed name exists is for whoever reads the section to check.
    """
    if header is None:
        return caller
    if not SECTION_ID.fullmatch(header) or caller.section not in (None, header):
        raise no_such_section()
    return replace(caller, section=header)


def no_such_section() -> NotFound:
    """The same for a section that does not exist and for one that is none of the caller's business."""
    return NotFound(
        f"There is no such section for you. Correct the header {SECTION_HEADER}, or leave it out."
    )
