"""The access tokens that destinations ask for: one request for many deliveries, kept until shortly before they end."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache

from shared.destinations.access import Access, TokenRequest, read_token
from shared.ports import AccessToken, Answer, Clock, Http, Identity

TOKEN_SECONDS = 10
"""How long a token endpoint may take."""
RENEWED_BEFORE = timedelta(minutes=2)
"""How long before its end a token is not used any more, or half its life where that is shorter: clocks differ."""
FAILED_FOR = timedelta(seconds=30)
"""How long nobody asks again after a failure: some endpoints take ten requests a minute."""
MOST = 1_000
"""Destinations whose tokens an instance keeps."""

Place = tuple[str, str]
"""A section, and a destination of it."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A token, or that there is none, and until when that stands."""

    token: str | None
    until: datetime


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is, or was, asked for."""

    access: Access
    answer: "asyncio.Task[_Told]"

    def stands(self, access: Access, now: datetime) -> bool:
        if self.access != access or (
            self.answer.done() and (self.answer.cancelled() or self.answer.exception())
        ):
            return False
        return not self.answer.done() or self.answer.result().until > now


class AccessTokens:
    """Gets and keeps the tokens of all destinations."""

    def __init__(self, http: Http, identity: Identity, clock: Clock) -> None:
        self._http, self._identity, self._clock = http, identity, clock
        self._kept: LRUCache[Place, _Asked] = LRUCache(MOST)

    async def get(self, place: Place, access: Access) -> str | None:
        """A token of a destination; None where none is to be had right now."""
        asked = self._kept.get(place)
        if asked is None or not asked.stands(access, self._clock.now()):
            asked = self._kept[place] = _Asked(access, asyncio.create_task(self._ask(access)))
        return (await asyncio.shield(asked.answer)).token

    def forget(self, place: Place, token: str) -> None:
        """The destination takes a token no more: the next delivery asks for another."""
        asked = self._kept.get(place)
        if asked and asked.answer.done() and asked.answer.result().token == token:
            del self._kept[place]

    async def _ask(self, access: Access) -> _Told:
        found = await self._found(access)
        now = self._clock.now()
        if found is None or found.until <= now:
            return _Told(None, now + FAILED_FOR)
        return _Told(found.text, found.until - min(RENEWED_BEFORE, (found.until - now) / 2))

    async def _found(self, access: Access) -> AccessToken | None:
        if not isinstance(access, TokenRequest):
            return await self._identity.token(access.scope)
        answer = await self._http.send(access.request, timeout_seconds=TOKEN_SECONDS)
        return read_token(answer, self._clock.now()) if isinstance(answer, Answer) else None
