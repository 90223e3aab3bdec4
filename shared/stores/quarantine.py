"""Quarantine: webhooks that are genuine but cannot become an event yet, kept until they are mended and replayed.

Table `quarantine`: `{section}|{cause}` / `{id}`. A body above the row limit lies in a blob.
"""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from shared import exact, ids, times
from shared.errors import NotFound, SignalboxError
from shared.exact import Json
from shared.killpoints import reached
from shared.ports import Blobs, Clock, Row, Tables, Value, bytes_of
from shared.sources import Received
from shared.storage import QUARANTINE
from shared.stores.ledger import MAX_ROW_BYTES

KEPT = timedelta(days=30)
MOST_GROUPED = 10_000
"""Requests of a cause that are counted when they are grouped."""
_CONTENT_HEADERS = ("content-type", "content-encoding")


MAX_FAULTS = 20


class Cause(StrEnum):
    """Why a genuine webhook is not an event. The names are those of the problems that it would have been."""

    MALFORMED_BODY = "malformed-body"
    UNKNOWN_TYPE = "unknown-type"
    UNKNOWN_EVENT = "unknown-event"
    UNKNOWN_VERSION = "unknown-version"
    INVALID = "invalid"
    BODY_TOO_LARGE = "body-too-large"
    BROKEN_SOURCE = "broken-source"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Item:
    """One kept request with what was wrong with it. `body` is None where only the list was read."""

    id: str
    cause: Cause
    source: str
    at: str
    detail: str
    faults: tuple[Mapping[str, Json], ...]
    headers: Mapping[str, str]
    size: int
    blob: str | None = None
    body: bytes | None = None

    def shown(self) -> dict[str, Json]:
        """As operators see it in a list: never the body, which may hold anything."""
        return {
            "id": self.id,
            "cause": self.cause.value,
            "source": self.source,
            "at": self.at,
            "detail": self.detail,
            "errors": list(self.faults),
            "bytes": self.size,
        }


class Quarantine:
    """Keeps, lists and gives back quarantined requests."""

    def __init__(self, tables: Tables, blobs: Blobs, clock: Clock) -> None:
        self._tables = tables
        self._blobs = blobs
        self._clock = clock

    def item(self, source: str, request: Received, refusal: SignalboxError, headers: Collection[str]) -> Item:
        """A request to keep, with why it could not become an event. Its id sorts by time.

        Of its headers only the named ones (`ce-*`: all that begin so) and those of its content are kept: others may be
        credentials.
        """
        now = self._clock.now()
        id = ids.new_commit(now, 0, secrets.token_bytes(7)).id
        return Item(
            id=id,
            cause=_cause(refusal),
            source=source,
            at=times.text(now),
            detail=refusal.detail,
            faults=_faults(refusal),
            headers={name: value for name, value in request.headers.items() if _is_kept(name, headers)},
            size=len(request.body),
            blob=f"quarantine-{id}" if len(request.body) > MAX_ROW_BYTES else None,
            body=request.body,
        )

    async def keep(self, section: str, item: Item) -> None:
        """Store a request; storing the same item again changes nothing."""
        about = {"source": item.source, "at": item.at, "detail": item.detail, "errors": list(item.faults)}
        doc = exact.dumps({**about, "headers": dict(item.headers)}).encode()
        values: dict[str, Value] = {"doc": doc, "bytes": item.size, "blob": item.blob, "schema": 1}
        if item.blob:
            await self._blobs.put(f"{section}/{item.blob}", item.body or b"")
            reached("quarantine.body-put")
        else:
            values["body"] = item.body
        await self._tables.upsert(QUARANTINE.name, Row(f"{section}|{item.cause}", item.id, values))

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

    async def of_cause(
        self, section: str, cause: Cause, most: int, after: str | None = None, before: str | None = None
    ) -> AsyncIterator[Item]:
        """The items of one cause, oldest first, without their bodies."""
        low = f"{after}~" if after else ""
        place = QUARANTINE.name, f"{section}|{cause}", low, before
        async for row in self._tables.range(*place, limit=max(most, 0), select=("doc", "bytes", "blob")):
            yield _item(row)

    async def read(self, section: str, id: str) -> Item:
        """One kept request with its body. Raises NotFound."""
        for cause in Cause:
            row = await self._tables.get(QUARANTINE.name, f"{section}|{cause}", id)
            if row is not None:
                item = _item(row)
                body = await self._blobs.get(f"{section}/{item.blob}") if item.blob else bytes_of(row, "body")
                return replace(item, body=body or b"")
        raise NotFound("There is no such request in quarantine. It may have been replayed already.")

    async def move(self, section: str, item: Item, refusal: SignalboxError) -> None:
        """Keep a request under what is wrong with it now. Raises NotFound when it is gone."""
        kept = await self.read(section, item.id)
        moved = replace(kept, cause=_cause(refusal), detail=refusal.detail, faults=_faults(refusal))
        await self.keep(section, moved)
        reached("quarantine.moving")
        if moved.cause is not item.cause:
            await self._tables.delete(QUARANTINE.name, f"{section}|{item.cause}", item.id)

    async def remove(self, section: str, item: Item) -> None:
        """Forget a request that became an event, or that is past its time."""
        if item.blob:
            await self._blobs.delete(f"{section}/{item.blob}")
        await self._tables.delete(QUARANTINE.name, f"{section}|{item.cause}", item.id)

    async def expired(self, section: str, now: datetime, most: int) -> AsyncIterator[Item]:
        """What has been kept for longer than KEPT."""
        for cause in Cause:
            async for item in self.of_cause(section, cause, most, before=ids.lowest(now - KEPT)):
                yield item


def _is_kept(name: str, headers: Collection[str]) -> bool:
    return any(fnmatchcase(name, one) for one in (*headers, *_CONTENT_HEADERS))


def _cause(refusal: SignalboxError) -> Cause:
    return Cause(refusal.type) if refusal.type in set(Cause) else Cause.INVALID


def _faults(refusal: SignalboxError) -> tuple[Mapping[str, Json], ...]:
    return tuple(fault.shown() for fault in refusal.faults[:MAX_FAULTS])


def _item(row: Row) -> Item:
    doc = exact.read(bytes_of(row, "doc"))
    blob = row.values.get("blob")
    return Item(
        id=row.rk,
        cause=Cause(row.pk.partition("|")[2]),
        source=doc["source"],
        at=doc["at"],
        detail=doc["detail"],
        faults=tuple(doc["errors"]),
        headers=doc["headers"],
        size=int(row.values["bytes"] or 0),
        blob=blob if isinstance(blob, str) else None,
    )
