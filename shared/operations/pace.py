"""Pace: long work in small pieces, side by side, and no longer than the time it was given."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.ports import Clock

AT_ONCE = 50
"""Pieces that are worked on together."""
Item = TypeVar("Item")
Place = TypeVar("Place")


@dataclass(frozen=True, slots=True)
class Pace:
    """Work stops beginning anything new after `until`; what is left is for the next time."""

    clock: Clock
    until: datetime

    @classmethod
    def of(cls, clock: Clock, time: timedelta) -> "Pace":
        """Work for that long from now."""
        return cls(clock, clock.now() + time)

    @property
    def is_over(self) -> bool:
        return self.clock.now() > self.until

    def shuffled(self, places: Sequence[Place]) -> Sequence[Place]:
        """In an order of its own each time, so that no place is always the one for which no time is left."""
        return random.sample(places, len(places))

    async def chunks(self, items: AsyncIterator[Item], size: int = AT_ONCE) -> AsyncIterator[list[Item]]:
        """The items, `size` at a time, for as long as there is time."""
        chunk: list[Item] = []
        if self.is_over:
            return
        async for item in items:
            chunk.append(item)
            if len(chunk) == size:
                yield chunk
                chunk = []
                if self.is_over:
                    return
        if chunk:
            yield chunk
