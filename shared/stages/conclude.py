"""Conclude: what the end of a delivery says about its destination, which is disabled where it takes nothing any more."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import times
from shared.acting import SYSTEM, acting
from shared.destinations.outcomes import Cause
from shared.errors import SignalboxError
from shared.killpoints import reached
from shared.ports import Clock
from shared.registry import CACHE_SECONDS
from shared.routing.destinations import Destinations
from shared.stores.delivered import Delivered
from shared.stores.trail import Delivery, Status

FAILS_FOR = timedelta(days=1)
"""How long nothing must have arrived before a delivery that used up its attempts disables its destination."""
_log = logging.getLogger("signalbox.conclude")


@dataclass(frozen=True, slots=True)
class Conclude:
    """Draws the conclusions. Whatever goes wrong here, the delivery has ended as it has."""

    destinations: Destinations
    delivered: Delivered
    clock: Clock

    async def ended(self, section: str, delivery: Delivery) -> None:
        """Note that something arrived, or disable a destination that is gone or has taken nothing for a day."""
        try:
            if delivery.status is Status.DELIVERED:
                await self.delivered.note(section, delivery.destination)
            elif delivery.status is Status.DEAD and delivery.attempts:
                await self._doubt(section, delivery)
        except SignalboxError as error:
            _log.warning("%s could not be looked after: %s", delivery.destination, type(error).__name__)

    async def _doubt(self, section: str, delivery: Delivery) -> None:
        if delivery.cause == Cause.GONE:
            await self._disable(section, delivery, Cause.GONE, _at(delivery, 1))
        elif delivery.cause == Cause.EXHAUSTED:
            changed = await self.destinations.changed_at(section, delivery.destination)
            begun = max(_at(delivery, delivery.attempt), changed)
            last = await self.delivered.last(section, delivery.destination)
            if self.clock.now() - begun >= FAILS_FOR and (last is None or last < begun):
                await self._disable(section, delivery, Cause.EXHAUSTED, _at(delivery, 1))

    async def _disable(self, section: str, delivery: Delivery, cause: Cause, tried: datetime) -> None:
        """What somebody has changed meanwhile is theirs: the attempt may have been made with what was before."""
        with acting(SYSTEM):
            disabled = await self.destinations.disable(
                section,
                delivery.destination,
                cause,
                unless_changed_since=tried - timedelta(seconds=CACHE_SECONDS),
            )
        if disabled:
            _log.error("%s is disabled: %s", delivery.destination, cause)
            reached("conclude.disabled")


def _at(delivery: Delivery, back: int) -> datetime:
    """When the attempt was made that many from the end, the last one being 1."""
    attempts = delivery.attempts
    return times.parse(attempts[-min(back, len(attempts))].at)
