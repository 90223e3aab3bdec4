"""Quarantine: webhooks that are genuine but cannot become an event yet, kept until they are mended and replayed.

Table `quarantine`: `{section}|{cause}` / `{id}`, and beside it the index by identifiers (`kept`). A body above the row
limit lies in a blob, which `{section}|bodies` / `{id}` names before it is there, so that no crash leaves one for ever.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

from shared import ids, times
from shared.errors import NotFound, SignalboxError
from shared.exact import Json
from shared.killpoints import reached
from shared.ports import Blobs, Clock, Operation, Row, RowChanged, Tables, Verb, bytes_of
from shared.sources import Received
from shared.storage import QUARANTINE
from shared.stores.kept import (
    MENTIONED,
    SHOWN,
    Cause,
    Item,
    cause_of,
    faults_of,
    item_in,
    place_of,
    rows_of,
)
from shared.stores.ledger import MAX_ROW_BYTES

KEPT = timedelta(days=30)
MOST_GROUPED = 10_000
"""Requests of a cause that are counted when they are grouped."""
MOST_FOUND = 100
"""Requests that are found by what they mention, the oldest."""
_CONTENT_HEADERS = ("content-type", "content-encoding")


class Quarantine:
    """Keeps, lists and gives back quarantined requests."""

    def __init__(self, tables: Tables, blobs: Blobs, clock: Clock) -> None:
        self._tables = tables
        self._blobs = blobs
        self._clock = clock

    def item(
        self,
        source: str,
        request: Received,
        refusal: SignalboxError,
        headers: Collection[str],
        mentions: Sequence[str] = (),
        events: Mapping[str, int] | None = None,
    ) -> Item:
        """A request to keep, with why it could not become an event. Its id sorts by time.

        Of its headers only the named ones (`ce-*`: all that begin so) and those of its content are kept: others may be
        credentials. `mentions`: the keyed hashes of the identifiers that are seen in it; 99 rows fit beside its own.
        `events`: how many events of which definition it was to be.
        """
        now = self._clock.now()
        id = ids.new_commit(now, 0, secrets.token_bytes(7)).id
        return Item(
            id=id,
            cause=cause_of(refusal),
            source=source,
            at=times.text(now),
            detail=refusal.detail,
            faults=faults_of(refusal),
            headers={name: value for name, value in request.headers.items() if _is_kept(name, headers)},
            size=len(request.body),
            blob=f"quarantine-{id}" if len(request.body) > MAX_ROW_BYTES else None,
            body=request.body,
            mentions=tuple(mentions),
            events=events or {},
        )

    async def keep(self, section: str, item: Item) -> None:
        """Store a request, all of it or nothing; storing the same item again changes nothing."""
        if item.blob:
            named = Row(_bodies(section), item.id, {"blob": item.blob, "schema": 1})
            await self._tables.upsert(QUARANTINE.name, named)
            reached("quarantine.body-listed")
            await self._blobs.put(f"{section}/{item.blob}", item.body or b"")
            reached("quarantine.body-put")
        await self._tables.transact(
            QUARANTINE.name, [Operation(Verb.UPSERT, row) for row in rows_of(section, item)]
        )

    async def list(
        self, section: str, cause: str | None, most: int, after: str | None = None
    ) -> list[dict[str, Json]]:
        """What is kept, by cause, oldest first within a cause; `after` is the id to go on from. Raises NotFound."""
        if cause is not None and cause not in set(Cause):
            raise NotFound(f"There is no such cause. Use one of: {', '.join(Cause)}.")
        found: list[dict[str, Json]] = []
        for one in Cause if cause is None else (Cause(cause),):
            items = self.of_cause(section, one, most - len(found), after)
            found += [item.shown() async for item in items]
        return found

    async def groups(self, section: str) -> Sequence[dict[str, Json]]:
        """How many requests of which source are kept for which cause, and since when; MOST_GROUPED of each cause."""
        found: list[dict[str, Json]] = []
        for cause in Cause:
            oldest: dict[str, str] = {}
            counts = Counter[str]()
            async for item in self.of_cause(section, cause, MOST_GROUPED):
                oldest.setdefault(item.source, item.at)
                counts[item.source] += 1
            found += [
                {"cause": cause.value, "source": source, "count": count, "oldest": oldest[source]}
                for source, count in counts.most_common()
            ]
        return found

    async def sources(self, section: str, most: int) -> Counter[str]:
        """How many requests of which source, by its id, are kept; of at most so many."""
        counts = Counter[str]()
        for cause in Cause:
            async for item in self.of_cause(section, cause, most - counts.total()):
                counts[item.source] += 1
        return counts

    async def find(self, section: str, mentions: Collection[str], after: str | None = None) -> Sequence[Item]:
        """The requests that mention one of some identifiers, given by their keyed hashes, oldest first; at most MOST_FOUND.

        `after` is the id to go on from.
        """
        since = max(f"{after}{MENTIONED}" if after else "", self._oldest)
        parts = await asyncio.gather(
            *(self._mentioning(section, cause, one, since) for cause in Cause for one in mentions)
        )
        found = sorted({place for part in parts for place in part})[:MOST_FOUND]
        rows = await asyncio.gather(*(self._shown(section, id, cause) for id, cause in found))
        return tuple({row.rk: item_in(row) for row in rows if row}.values())

    async def _mentioning(
        self, section: str, cause: Cause, hashed: str, since: str
    ) -> Sequence[tuple[str, Cause]]:
        low = f"{MENTIONED}{hashed}|"
        place = QUARANTINE.name, place_of(section, cause), low + since, low + MENTIONED
        rows = self._tables.range(*place, limit=MOST_FOUND, select=())
        return [(row.rk.removeprefix(low), cause) async for row in rows]

    async def _shown(self, section: str, id: str, cause: Cause) -> Row | None:
        place = QUARANTINE.name, place_of(section, cause), id, f"{id}{MENTIONED}"
        return await anext(self._tables.range(*place, limit=1, select=SHOWN), None)

    async def of_cause(
        self, section: str, cause: Cause, most: int, after: str | None = None
    ) -> AsyncIterator[Item]:
        """The items of one cause, oldest first, without their bodies; none that is past its time."""
        low = max(f"{after}{MENTIONED}" if after else "", self._oldest)
        async for item in self._range(section, cause, most, low, MENTIONED):
            yield item

    async def between(self, section: str, low: str, high: str) -> Sequence[Item]:
        """What lies here and came in a time, given by the ids at its ends; at most MOST_GROUPED of each cause."""
        parts = await asyncio.gather(*(self._between(section, cause, low, high) for cause in Cause))
        return [item for part in parts for item in part]

    async def _between(self, section: str, cause: Cause, low: str, high: str) -> Sequence[Item]:
        return [item async for item in self._range(section, cause, MOST_GROUPED, low, high)]

    async def read(self, section: str, id: str) -> Item:
        """One kept request with its body. Raises NotFound."""
        for cause in Cause if self._oldest <= id < MENTIONED else ():
            row = await self._tables.get(QUARANTINE.name, place_of(section, cause), id)
            if row is not None:
                item = item_in(row)
                body = await self._blobs.get(f"{section}/{item.blob}") if item.blob else bytes_of(row, "body")
                if body is not None:  # else it is just being removed
                    return replace(item, body=body)
        raise NotFound("There is no such request in quarantine. It may have been replayed already.")

    async def move(self, section: str, item: Item, refusal: SignalboxError) -> None:
        """Keep a request under what is wrong with it now. Raises NotFound when it is gone."""
        kept = await self.read(section, item.id)
        moved = replace(kept, cause=cause_of(refusal), detail=refusal.detail, faults=faults_of(refusal))
        await self.keep(section, moved)
        reached("quarantine.moving")
        if moved.cause is not item.cause:
            await self._delete(section, replace(kept, cause=item.cause))

    async def remove(self, section: str, item: Item) -> None:
        """Forget a request that became an event, or that is past its time, with all that leads to it."""
        await self._delete(section, item)
        if item.blob:
            reached("quarantine.unlisted")
            await self.remove_body(section, item.id, item.blob)

    async def expired(self, section: str, most: int) -> AsyncIterator[Item]:
        """What has been kept for longer than KEPT."""
        for cause in Cause:
            async for item in self._range(section, cause, most, "", self._oldest):
                yield item

    async def bodies_left(self, section: str, most: int) -> AsyncIterator[tuple[str, str]]:
        """The ids and blobs of bodies past their time, of which no request may know any more."""
        rows = self._tables.range(QUARANTINE.name, _bodies(section), "", self._oldest, limit=most)
        async for row in rows:
            yield row.rk, str(row.values["blob"])

    async def remove_body(self, section: str, id: str, blob: str) -> None:
        """Delete a body that lies in a blob."""
        await self._blobs.delete(f"{section}/{blob}")
        await self._tables.delete(QUARANTINE.name, _bodies(section), id)

    @property
    def _oldest(self) -> str:
        """Where the ids begin that are within their time."""
        return ids.lowest(self._clock.now() - KEPT)

    async def _range(self, section: str, cause: Cause, most: int, low: str, high: str) -> AsyncIterator[Item]:
        place = QUARANTINE.name, place_of(section, cause), low, high
        async for row in self._tables.range(*place, limit=max(most, 0), select=SHOWN):
            yield item_in(row)

    async def _delete(self, section: str, item: Item) -> None:
        rows = [Row(row.pk, row.rk) for row in rows_of(section, item)]
        try:
            await self._tables.transact(QUARANTINE.name, [Operation(Verb.DELETE, row) for row in rows])
        except RowChanged:
            # Somebody else is deleting it.
            for row in rows:
                await self._tables.delete(QUARANTINE.name, row.pk, row.rk)


def _is_kept(name: str, headers: Collection[str]) -> bool:
    return any(fnmatchcase(name, one) for one in (*headers, *_CONTENT_HEADERS))


def _bodies(section: str) -> str:
    return f"{section}|bodies"
