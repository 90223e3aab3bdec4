"""Requests that failed their signature: a redacted, bounded trace of each source's latest ones.

Table `rejected`: `{section}|{source}` / `{slot}`, a ring that newer ones overwrite, so that a flood costs no space.
It keeps neither the body nor a header's value, only what tells a wrong secret from a broken sender.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count

from shared import times
from shared.exact import Json
from shared.ports import Clock, Row, Tables
from shared.storage import REJECTED

SLOTS = 100
MAX_HEADERS = 40
KEPT = timedelta(days=7)


class Rejected:
    """Writes and lists rejected requests."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._slots = count(secrets.randbelow(SLOTS))

    async def note(
        self, section: str, source: str, reason: str, headers: Mapping[str, str], body: bytes, diagnosis: str
    ) -> None:
        """Keep what can be kept of a request that was turned away; the diagnosis repeats nothing of it."""
        row = Row(
            f"{section}|{source}",
            f"{next(self._slots) % SLOTS:03d}",
            {
                "at": times.text(self._clock.now()),
                "reason": reason,
                "diagnosis": diagnosis,
                "headers": " ".join(sorted(headers)[:MAX_HEADERS])[:2_000],
                "bytes": len(body),
                "schema": 1,
            },
        )
        await self._tables.upsert(REJECTED.name, row)

    async def purge(self, section: str, source: str, now: datetime) -> int:
        """Delete what is older than KEPT; answers how many."""
        place = REJECTED.name, f"{section}|{source}"
        old = [
            row async for row in self._tables.range(*place) if str(row.values["at"]) < times.text(now - KEPT)
        ]
        for row in old:
            await self._tables.delete(REJECTED.name, row.pk, row.rk)
        return len(old)

    async def list(self, section: str, source: str) -> list[dict[str, Json]]:
        """The latest rejected requests of a source, newest first."""
        rows = [row async for row in self._tables.range(REJECTED.name, f"{section}|{source}")]
        shown = [{name: value for name, value in row.values.items() if name != "schema"} for row in rows]
        return sorted(shown, key=lambda one: str(one["at"]), reverse=True)
