"""Authenticate: who is calling, in which section, and whether they may."""

from collections.abc import Mapping

from shared.access.caller import SECTION_HEADER, Caller, for_section
from shared.access.clients import Clients
from shared.access.keys import Keys, unknown_key
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.access.sections import Sections
from shared.errors import Unauthenticated
from shared.killpoints import reached


async def authenticate(
    keys: Keys, clients: Clients, sections: Sections, headers: Mapping[str, str], needed: Scope
) -> Caller:
    """The caller of a request. Raises Unauthenticated, Forbidden, NotFound (no such section for it), Unavailable."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Send a key or a token: `Authorization: Bearer sbx_...`.")
    named, text = headers.get(SECTION_HEADER.lower()), text.strip()
    # A token has dots between its parts (RFC 7519 section 3), and no key has one.
    known = await (clients.authenticate(text, named) if "." in text else _by_key(keys, sections, text))
    caller = for_section(known, named)
    caller.require(needed)
    if needed not in DEPLOYMENT_ONLY:
        # A deployment key may misspell the section: nothing may come to lie in one that does not exist.
        await sections.read(caller.require_section())
    reached("authenticate.known")
    return caller


async def _by_key(keys: Keys, sections: Sections, text: str) -> Caller:
    """A key goes with its section, also while its rows are still there."""
    caller = await keys.authenticate(text)
    if caller.section is not None and await sections.find(caller.section) is None:
        raise unknown_key()
    return caller
