"""Authenticate: who is calling, in which section, and whether they may."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.access.caller import SECTION_HEADER, Caller, for_section
from shared.access.clients import Clients
from shared.access.keys import Keys, unknown_key
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.access.sections import Sections
from shared.errors import Unauthenticated
from shared.exact import Json
from shared.killpoints import reached


async def authenticate(
    keys: Keys, clients: Clients, sections: Sections, headers: Mapping[str, str], needed: Scope
) -> Caller:
    """The caller of a request. Raises Unauthenticated, Forbidden, NotFound (no such section for it), Unavailable."""
    text, named = _credential(headers), headers.get(SECTION_HEADER.lower())
    known = await (clients.authenticate(text, named) if _is_token(text) else _by_key(keys, sections, text))
    caller = for_section(known, named)
    caller.require(needed)
    if needed not in DEPLOYMENT_ONLY:
        # A deployment key may misspell the section: nothing may come to lie in one that does not exist.
        await sections.read(caller.require_section())
    reached("authenticate.known")
    return caller


async def everywhere(
    keys: Keys, clients: Clients, sections: Sections, headers: Mapping[str, str]
) -> Sequence[tuple[Mapping[str, Json], Caller]]:
    """Each section that the caller of a request reaches, as the API answers it, with who they are there.

    Raises Unauthenticated, Forbidden for a client that is registered nowhere, Unavailable.
    """
    text = _credential(headers)
    if _is_token(text):
        docs = await sections.list()
        found = await clients.everywhere(text, [doc["id"] for doc in docs])
    else:
        caller = await _by_key(keys, sections, text)
        docs = [await sections.show(caller.section)] if caller.section else await sections.list()
        found = {doc["id"]: replace(caller, section=doc["id"]) for doc in docs}
    return [(doc, found[doc["id"]]) for doc in docs if doc["id"] in found]


def _credential(headers: Mapping[str, str]) -> str:
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Send a key or a token: `Authorization: Bearer sbx_...`.")
    return text.strip()


def _is_token(text: str) -> bool:
    """A token has dots between its parts (RFC 7519 section 3), and no key has one."""
    return "." in text


async def _by_key(keys: Keys, sections: Sections, text: str) -> Caller:
    """A key goes with its section, also while its rows are still there."""
    caller = await keys.authenticate(text)
    if caller.section is not None and await sections.find(caller.section) is None:
        raise unknown_key()
    return caller
