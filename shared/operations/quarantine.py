"""Quarantine: webhooks that are genuine but cannot become an event yet, kept until they are mended and replayed.

Table `quarantine`: `{section}|{cause}` / `{id}`. A body above the row limit lies in a blob.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared import exact, ids, times
from shared.errors import NotFound, SignalboxError
from shared.exact import Json
from shared.ledger import MAX_ROW_BYTES
from shared.ports import Blobs, Clock, Row, Tables, Value, bytes_of
from shared.sources import Received
from shared.storage import QUARANTINE

KEPT = timedelta(days=30)


class Cause(StrEnum):
    """Why a genuine webhook is not an event. The names are those of the problems that it would have been."""

    MALFORMED_BODY = "malformed-body"
    UNKNOWN_TYPE = "unknown-type"
    UNKNOWN_EVENT = "unknown-event"
    UNKNOWN_VERSION = "unknown-version"
    INVALID = "invalid"
    BODY_TOO_LARGE = "body-too-large"


@dataclass(frozen=True, slots=True)
class Item:
    """One kept request with what was wrong with it."""

    id: str
    cause: Cause
    source: str
    at: str
    detail: str
    faults: tuple[Mapping[str, Json], ...]
    headers: Mapping[str, str]
    body: bytes

    def shown(self) -> dict[str, Json]:
        """As operators see it in a list: never the body, which may hold anything."""
        return {
            "id": self.id,
            "cause": self.cause.value,
            "source": self.source,
            "at": self.at,
            "detail": self.detail,
            "errors": list(self.faults),
            "bytes": len(self.body),
        }


class Quarantine:
    """Keeps, lists and gives back quarantined requests."""

    def __init__(self, tables: Tables, blobs: Blobs, clock: Clock) -> None:
        self._tables = tables
        self._blobs = blobs
        self._clock = clock

    async def keep(self, section: str, item: Item) -> None:
        """Store a request; storing the same item again changes nothing."""
        about = {"source": item.source, "at": item.at, "detail": item.detail, "errors": list(item.faults)}
        values: dict[str, Value] = {
            "doc": exact.dumps({**about, "headers": dict(item.headers)}).encode(),
            "schema": 1,
        }
        if len(item.body) > MAX_ROW_BYTES:
            values["blob"] = f"{section}/quarantine/{item.id}"
            await self._blobs.put(f"{section}/quarantine/{item.id}", item.body)
        else:
            values["body"] = item.body
        await self._tables.upsert(QUARANTINE.name, Row(f"{section}|{item.cause}", item.id, values))

    def item(self, source: str, request: Received, refusal: SignalboxError) -> Item:
        """A request to keep, with why it could not become an event. Its id sorts by time."""
        now = self._clock.now()
        faults = [{n: v for n, v in asdict(fault).items() if v is not None} for fault in refusal.faults]
        return Item(
            id=ids.new_commit(now, 0, secrets.token_bytes(7)).id,
            cause=Cause(refusal.type) if refusal.type in set(Cause) else Cause.INVALID,
            source=source,
            at=times.text(now),
            detail=refusal.detail,
            faults=tuple(faults),
            headers=dict(request.headers),
            body=request.body,
        )

    async def list(self, section: str, cause: str | None, most: int) -> list[dict[str, Json]]:
        """What is kept, by cause, oldest first within a cause."""
        if cause is not None and cause not in set(Cause):
            raise NotFound(f"There is no such cause. Use one of: {', '.join(Cause)}.")
        found: list[dict[str, Json]] = []
        for one in Cause if cause is None else (Cause(cause),):
            rows = self._tables.range(QUARANTINE.name, f"{section}|{one}", limit=max(most - len(found), 0))
            found += [(await self._item(row)).shown() async for row in rows]
        return found

    async def read(self, section: str, id: str) -> Item:
        """One kept request. Raises NotFound."""
        for cause in Cause:
            row = await self._tables.get(QUARANTINE.name, f"{section}|{cause}", id)
            if row is not None:
                return await self._item(row)
        raise NotFound("There is no such request in quarantine. It may have been replayed already.")

    async def remove(self, section: str, item: Item) -> None:
        """Forget a request that became an event, or that is past its time."""
        await self._blobs.delete(f"{section}/quarantine/{item.id}")
        await self._tables.delete(QUARANTINE.name, f"{section}|{item.cause}", item.id)

    async def expired(self, section: str, now: datetime, most: int) -> AsyncIterator[Item]:
        """What has been kept for longer than KEPT."""
        for cause in Cause:
            rows = self._tables.range(
                QUARANTINE.name, f"{section}|{cause}", "", ids.lowest(now - KEPT), limit=most
            )
            async for row in rows:
                yield await self._item(row)

    async def _item(self, row: Row) -> Item:
        doc = exact.loads(bytes_of(row, "doc"))
        blob = row.values.get("blob")
        body = await self._blobs.get(str(blob)) if blob else bytes_of(row, "body")
        return Item(
            id=row.rk,
            cause=Cause(row.pk.partition("|")[2]),
            source=doc["source"],
            at=doc["at"],
            detail=doc["detail"],
            faults=tuple(doc["errors"]),
            headers=doc["headers"],
            body=body or b"",
        )
