"""Probe: whether what the line stands on is there; looked at once for all who ask, within bounded time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from shared import times
from shared.access.sections import Sections
from shared.cached import Cached
from shared.errors import SignalboxError
from shared.ports import Blobs, Clock, Queue
from shared.stores.beat import Beat

REMEMBERED_SECONDS = 10
"""How long what was found is told again: nobody who asks often costs more."""
PATIENCE_SECONDS = 3.0
"""How long one part is waited for."""
TICK_LATE = timedelta(minutes=10)
"""It runs every minute, for at most half of this (host.json)."""
Part = Literal["tables", "masterKeys", "blobs", "bus", "tick"]
NEEDED: tuple[Part, ...] = ("tables", "masterKeys")
"""Without these nothing is accepted. Without the others everything that is accepted is safe, and goes on later."""
_NOTHING = "-/nothing"
"""A blob that there is not: that nothing is found is an answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """One part: whether it is there, how many milliseconds it took to find out, and what is wrong."""

    part: Part
    is_there: bool
    milliseconds: int
    detail: str | None = None


class Probe:
    """Looks at every part, at most once at a time and in REMEMBERED_SECONDS."""

    def __init__(
        self, beat: Beat, sections: Sections, blobs: Blobs, bus: tuple[Queue, str], clock: Clock
    ) -> None:
        """`bus`: with the queue that events go to."""
        self._beat, self._sections, self._blobs, self._bus, self._clock = beat, sections, blobs, bus, clock
        self._found = Cached(self._look, seconds=REMEMBERED_SECONDS, most=1, clock=clock.seconds)

    async def look(self) -> Sequence[Found]:
        """All parts as they were found in the last REMEMBERED_SECONDS. Raises nothing of theirs."""
        return await self._found.get("") or ()

    async def _look(self, _: str) -> Sequence[Found]:
        stored, blobs, bus = await asyncio.gather(
            self._stored(), self._asked("blobs", self._ask_blobs), self._asked("bus", self._ask_bus)
        )
        return *stored, blobs, bus

    async def _stored(self) -> Sequence[Found]:
        """What the tables tell: of themselves, of the tick, and whether the master key is there that sealed what they hold."""
        late: list[str | None] = []

        async def read() -> None:
            late.append(await self._late())

        tables = await self._asked("tables", read)
        if not tables.is_there:
            unknown = "Not known while tables are away."
            parts: tuple[Part, ...] = ("masterKeys", "tick")
            return tables, *(Found(part, is_there=False, milliseconds=0, detail=unknown) for part in parts)
        [why] = late
        keys = await self._asked("masterKeys", self._open_one)
        return tables, keys, Found("tick", is_there=why is None, milliseconds=tables.milliseconds, detail=why)

    async def _late(self) -> str | None:
        """What is wrong with the tick."""
        last = await self._beat.last()
        if last is None:
            return "It has not run yet."
        is_late = self._clock.now() - last > TICK_LATE
        return f"It was last through at {times.text(last)}." if is_late else None

    async def _open_one(self) -> None:
        """A section, so that its hash key is unsealed."""
        for section in (await self._sections.list())[:1]:
            await self._sections.find(section["id"])

    async def _ask_blobs(self) -> None:
        await self._blobs.get(_NOTHING)

    async def _ask_bus(self) -> None:
        queue, name = self._bus
        await queue.reach(name)

    async def _asked(self, part: Part, ask: Callable[[], Awaitable[None]]) -> Found:
        begun = self._clock.seconds()
        why: str | None = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ask()
        except TimeoutError:
            why = f"No answer within {PATIENCE_SECONDS:g} s."
        except SignalboxError as error:
            why = error.detail
        except Exception as error:  # noqa: BLE001  (whatever broke, it is not there)
            why = f"It broke: {type(error).__name__}."
        return Found(
            part, is_there=why is None, milliseconds=round((self._clock.seconds() - begun) * 1000), detail=why
        )
