"""Clients: service principals of Entra, each registered in the sections that it may reach, and let in by its tokens."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared import times
from shared.access.caller import A_CALLER, DEPLOYMENT, SECTION_HEADER, SECTION_ID, Caller, no_such_section
from shared.access.claims import Grant
from shared.access.client_body import ClientBody
from shared.access.entra import Entra
from shared.access.keys import scope_of_replaced, scopes_of
from shared.access.rights import reach
from shared.bodies import read_body
from shared.cached import Cached
from shared.errors import Forbidden, NotFound, Unauthenticated
from shared.exact import Json
from shared.ports import Clock
from shared.registry import CACHE_SECONDS, Kind, Record, Registry

_MOST_KNOWN = 100
"""Clients of which is remembered where they are registered."""
_ANSWERED = ("name", "scopes", "source", "events", "perMinute", "createdAt", "revokedAt")


class Clients:
    """The clients of all sections, and of the deployment."""

    def __init__(self, registry: Registry, clock: Clock, entra: Entra | None) -> None:
        self._registry = registry
        self._clock = clock
        self._entra = entra
        self._everywhere = Cached(
            self._registrations, seconds=CACHE_SECONDS, most=_MOST_KNOWN, clock=clock.seconds
        )

    async def create(self, section: str, body: Json, *, by: Caller | None = None) -> dict[str, Json]:
        """Register a client, for the first time or after it was revoked.

        `by` is who asks; None is the local command, which may grant anything. Raises Invalid, Conflict when it is
        registered here already, and Forbidden when it would reach further than `by` does.
        """
        wanted = read_body(ClientBody, body, deployment=section == DEPLOYMENT)
        if by:
            by.require_reach(wanted.scopes, wanted.events)
        doc = {
            **wanted.model_dump(by_alias=True, mode="json", exclude={"id", "replaces"}),
            "perMinute": wanted.per_minute or A_CALLER,
            "sourceId": await scope_of_replaced(self._registry, section, wanted.replaces) or wanted.id,
            "createdAt": times.text(self._clock.now()),
            "revokedAt": None,
        }
        record = Record(Kind.CLIENT, section, wanted.id, doc)
        before = await self._registry.read(Kind.CLIENT, section, wanted.id)
        if before and before.doc["revokedAt"]:
            await self._registry.replace(before.with_doc(**doc))
        else:
            await self._registry.create(record)
        return _answer(record)

    async def list(self, section: str) -> list[dict[str, Json]]:
        """The section's clients, revoked ones too, by id."""
        return [_answer(record) for record in await self._registry.list(Kind.CLIENT, section)]

    async def revoke(self, section: str, id: str) -> dict[str, Json]:
        """Refuse a client here from now on; other instances follow within CACHE_SECONDS. Raises NotFound, Conflict."""
        record = await self._registry.read(Kind.CLIENT, section, id.lower())
        if record is None:
            raise NotFound("There is no such client here. List the clients to find its id.")
        revoked = record.with_doc(revokedAt=record.doc["revokedAt"] or times.text(self._clock.now()))
        await self._registry.replace(revoked)
        return _answer(revoked)

    async def authenticate(self, text: str, section: str | None) -> Caller:
        """The caller that a token's text names, in the section that its request names.

        Its scopes are those that both its token and its registration give. Raises Unauthenticated, NotFound for a
        section that it is not registered in, Forbidden when it has to name one, and Unavailable when storage is
        away, or the issuer before its keys were ever had.
        """
        grant = await self._grant(text)
        record = await self._find(grant.client, section)
        if record.doc["revokedAt"]:
            raise Unauthenticated("This client has been revoked. Register it again, or use another.")
        return _caller(grant, record)

    async def everywhere(self, text: str, sections: Sequence[str]) -> Mapping[str, Caller]:
        """The caller that a token's text names in each of the sections that it reaches. Raises as `authenticate`.

        Forbidden says that it reaches none.
        """
        grant = await self._grant(text)
        records = await self._everywhere.get((grant.client, (DEPLOYMENT, *sections))) or {}
        reached = {one: records.get(one) or records.get(DEPLOYMENT) for one in sections}
        found = {
            section: replace(_caller(grant, record), section=section)
            for section, record in reached.items()
            if record and not record.doc["revokedAt"]
        }
        if not found:
            raise Forbidden("This client is registered in no section. Have it registered: POST /v1/clients.")
        return found

    async def _grant(self, text: str) -> Grant:
        if self._entra is None:
            raise Unauthenticated(
                "Tokens are not taken here: the operator has not set an issuer. Send a key."
            )
        return await self._entra.read(text)

    async def _find(self, id: str, section: str | None) -> Record:
        """Its registration: in the section itself, or else in the deployment."""
        if section is not None and not SECTION_ID.fullmatch(section):
            raise no_such_section()
        places = (DEPLOYMENT,) if section is None else (section, DEPLOYMENT)
        for place in places:
            record = await self._registry.find(Kind.CLIENT, place, id)
            if record is not None:
                return record
        if section is None:
            raise Forbidden(f"A token belongs to no section. Name one in the header {SECTION_HEADER}.")
        raise NotFound(
            f"There is no such section for this client. Correct the header {SECTION_HEADER}, or have the client "
            "registered there: POST /v1/clients."
        )

    async def _registrations(self, asked: tuple[str, tuple[str, ...]]) -> Mapping[str, Record]:
        """A client's registrations in some places, by place.

        Past the registry's cache, from which so many would drive what the line needs.
        """
        id, places = asked
        records = await asyncio.gather(*(self._registry.read(Kind.CLIENT, one, id) for one in places))
        return {one.section: one for one in records if one}


def _caller(grant: Grant, record: Record) -> Caller:
    events = record.doc["events"]
    return Caller(
        section=None if record.section == DEPLOYMENT else record.section,
        scopes=grant.scopes & reach(scopes_of(record)),
        source_id=record.doc["sourceId"],
        source=record.doc["source"],
        key_id=record.id,
        home=record.section,
        events=None if events is None else frozenset(events),
        per_minute=_per_minute(record),
        person=grant.person,
    )


def _per_minute(record: Record) -> int:
    """Clients that were registered before there were quotas name none."""
    return int(record.doc.get("perMinute") or A_CALLER)


def _answer(record: Record) -> dict[str, Json]:
    doc = {**record.doc, "perMinute": _per_minute(record)}
    return {"id": record.id, **{name: doc[name] for name in _ANSWERED}}
