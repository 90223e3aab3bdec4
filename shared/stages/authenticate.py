"""Authenticate: who is calling, in which section, and whether they may."""

from collections.abc import Mapping

from shared.access.caller import SECTION_HEADER, Caller, for_section
from shared.access.keys import Keys
from shared.access.rights import Scope
from shared.errors import Unauthenticated


async def authenticate(keys: Keys, headers: Mapping[str, str], needed: Scope) -> Caller:
    """The caller of a request. Raises Unauthenticated, Forbidden, NotFound (another's section), Unavailable."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Send a key in the header `Authorization: Bearer sbx_...`.")
    caller = for_section(await keys.authenticate(text.strip()), headers.get(SECTION_HEADER.lower()))
    caller.require(needed)
    return caller
