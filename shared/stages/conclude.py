"""Conclude: what attempts and ends of deliveries say about a destination, which is disabled if it takes nothing any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import logs, times
from shared.acting import SYSTEM, acting
from shared.catalog import own
from shared.destinations.outcomes import Cause
from shared.errors import SignalboxError
from shared.killpoints import reached
from shared.ports import Clock
from shared.registry import CACHE_SECONDS
from shared.routing import subscribed
from shared.routing.destinations import Destinations, Doubt
from shared.routing.subscriptions import Subscriptions
from shared.stages.breakers import FAILING
from shared.stages.tell import Teller
from shared.stores.delivered import Delivered
from shared.stores.trail import Delivery, Status

FAILS_FOR = timedelta(days=1)
"""How long nothing must have arrived before a delivery that used up its attempts disables its destination."""
ALL_FAILS_FOR = timedelta(days=5)
"""How long everything must have failed before that alone disables it."""
_OWN = FAILING | {Cause.NO_ACCESS}
"""What a destination itself is at fault for."""


@dataclass(frozen=True, slots=True)
class Conclude:
    """Draws the conclusions. Whatever goes wrong here, the delivery has ended as it has."""

    destinations: Destinations
    subscriptions: Subscriptions
    delivered: Delivered
    teller: Teller
    clock: Clock

    async def is_unsubscribed(self, section: str, delivery: Delivery, cause: Cause | None) -> bool:
        """Whether whoever was subscribed wants no more of it: then that it did not arrive alarms nobody.

        410 from the receiver ends the subscription, as with Zapier's REST hooks. Raises Unavailable.
        """
        id = delivery.destination
        if not subscribed.is_subscription(id) or cause not in (Cause.GONE, Cause.NO_DESTINATION):
            return False
        if cause is Cause.GONE:
            with acting(SYSTEM):
                await self.subscriptions.end(section, id)
            reached("conclude.unsubscribed")
        return not await self.subscriptions.is_there(section, id)

    async def fails(self, section: str, delivery: Delivery) -> None:
        """A delivery is about to end as dead or held."""
        await self.teller.happens(section, own.DELIVERY_FAILED, delivery.id)

    async def attempted(self, section: str, delivery: Delivery) -> None:
        """After an attempt, and after the delivery's end: note that something arrived, or doubt the destination."""
        try:
            if delivery.status is Status.DELIVERED:
                await self.delivered.note(section, delivery.destination)
            elif delivery.attempts:
                await self._doubt(section, delivery)
        except SignalboxError as error:
            logs.warn(
                "conclude",
                "not looked after",
                section=section,
                destination=delivery.destination,
                error=logs.name_of(error),
            )

    async def _doubt(self, section: str, delivery: Delivery) -> None:
        """Disable a destination that is gone, or that has taken nothing for long."""
        if delivery.cause == Cause.GONE:
            await self._disable(section, delivery, Doubt.GONE)
        elif delivery.cause == Cause.EXHAUSTED:
            since = _at(delivery, delivery.attempt)
            last = await self.delivered.last(section, delivery.destination)
            if (last is None or last < since) and await self._lasts(section, delivery, since, FAILS_FOR):
                await self._disable(section, delivery, Doubt.EXHAUSTED)
        elif delivery.cause in _OWN:
            failing = await self.delivered.failing_since(section, delivery.destination)
            if failing is not None and await self._lasts(section, delivery, failing, ALL_FAILS_FOR):
                await self._disable(section, delivery, Doubt.FAILING)

    async def _lasts(self, section: str, delivery: Delivery, since: datetime, long: timedelta) -> bool:
        """Whether it has gone on for so long, also since somebody last changed or resumed the destination."""
        now = self.clock.now()
        if now - since < long:
            return False
        return now - await self.destinations.changed_at(section, delivery.destination) >= long

    async def _disable(self, section: str, delivery: Delivery, doubt: Doubt) -> None:
        """What somebody has changed meanwhile is theirs: the attempt may have been made with what was before."""
        tried = _at(delivery, 1)
        await self.teller.happens(section, own.DESTINATION_DISABLED, delivery.destination)
        with acting(SYSTEM):
            disabled = await self.destinations.disable(
                section,
                delivery.destination,
                doubt,
                unless_changed_since=tried - timedelta(seconds=CACHE_SECONDS),
            )
        if disabled:
            logs.warn(
                "conclude",
                "disabled",
                section=section,
                destination=delivery.destination,
                reason=doubt.name.lower(),
            )
            reached("conclude.disabled")


def _at(delivery: Delivery, back: int) -> datetime:
    """When the attempt was made that many from the end, the last one being 1."""
    attempts = delivery.attempts
    return times.parse(attempts[-min(back, len(attempts))].at)
