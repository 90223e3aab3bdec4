"""Authenticate: who is calling, in which section, and whether they may."""

from collections.abc import Mapping

from shared.access.caller import SECTION_HEADER, Caller, for_section
from shared.access.keys import Keys
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.access.sections import Sections
from shared.errors import Unauthenticated
from shared.killpoints import reached


async def authenticate(keys: Keys, sections: Sections, headers: Mapping[str, str], needed: Scope) -> Caller:
    """The caller of a request. Raises Unauthenticated, Forbidden, NotFound (no such section for it), Unavailable."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Send a key in the header `Authorization: Bearer sbx_...`.")
    caller = for_section(await keys.authenticate(text.strip()), headers.get(SECTION_HEADER.lower()))
    caller.require(needed)
    if needed not in DEPLOYMENT_ONLY:
        # A deployment key may misspell the section: nothing may come to lie in one that does not exist.
        await sections.read(caller.require_section())
    reached("authenticate.known")
    return caller
