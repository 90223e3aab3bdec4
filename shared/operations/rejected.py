"""Requests that failed their signature: a redacted, bounded trace of each source's latest ones.

Table `rejected`: `{section}|{source}` / `{slot}`, a ring that newer ones overwrite, so that a flood costs no space.
It keeps neither the body nor a header's value, only what tells a wrong secret from a broken sender.
"""

import hashlib
import secrets
from collections.abc import Mapping

from shared import times
from shared.exact import Json
from shared.ports import Clock, Row, Tables
from shared.storage import REJECTED

SLOTS = 100
MAX_HEADERS = 40


class Rejected:
    """Writes and lists rejected requests."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def note(
        self, section: str, source: str, reason: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Keep what can be kept of a request that was turned away."""
        row = Row(
            f"{section}|{source}",
            f"{secrets.randbelow(SLOTS):03d}",
            {
                "at": times.text(self._clock.now()),
                "reason": reason,
                "headers": " ".join(sorted(headers)[:MAX_HEADERS])[:2_000],
                "bytes": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "schema": 1,
            },
        )
        await self._tables.upsert(REJECTED.name, row)

    async def list(self, section: str, source: str) -> list[dict[str, Json]]:
        """The latest rejected requests of a source, newest first."""
        rows = [row async for row in self._tables.range(REJECTED.name, f"{section}|{source}")]
        shown = [{name: value for name, value in row.values.items() if name != "schema"} for row in rows]
        return sorted(shown, key=lambda one: str(one["at"]), reverse=True)
