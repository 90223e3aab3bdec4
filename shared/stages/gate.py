"""Gate: everything that an attempt needs, and everything that can keep it from being made."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from shared import destinations, logs
from shared.access.sections import Section
from shared.destinations import DestinationKind
from shared.destinations.access import Access
from shared.destinations.outcomes import NO_ACCESS, Cause, Outcome
from shared.documents import is_stale
from shared.errors import Invalid, SignalboxError
from shared.event import Stored
from shared.killpoints import reached
from shared.people.identity import People
from shared.ports import Answer, Clock, NoAnswer
from shared.routing.access_tokens import AccessTokens
from shared.routing.destinations import Destinations, Target
from shared.routing.routes import Route, Routes
from shared.stores.ledger import Ledger
from shared.stores.trail import Delivery, Status, Trail

ASKED_AGAIN_AFTER = timedelta(seconds=5)
"""What an event's processing found of consent holds for so long; for what is sent later it is asked again."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What one attempt needs."""

    stored: Stored
    route: Route
    target: Target
    plugin: DestinationKind[Any]
    access: Access | None = None
    """How an access token is had, where the destination needs one."""
    resends: bool = False
    """Whether an attempt may be made again although nobody knows whether it arrived."""
    per_minute: int | None = None
    """How many requests the destination is sent in a minute at most."""
    counted_as: str = ""
    """Where they are counted: with those of its account."""
    identifiers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Gate:
    """Looks at a delivery before it is claimed."""

    ledger: Ledger
    routes: Routes
    destinations: Destinations
    people: People
    tokens: AccessTokens
    clock: Clock

    async def open(self, section: Section, delivery: Delivery) -> Sending | Outcome:
        """What the attempt needs, or what the delivery comes to without one. As `read`, but for what is known by now."""
        sending = await self.read(section, delivery)
        if isinstance(sending, Outcome):
            return sending
        return self.stops(delivery, sending) or sending

    def stops(self, delivery: Delivery, sending: Sending) -> Outcome | None:
        """What the delivery comes to without an attempt, if what is known by now keeps one from being made."""
        reached("gate.opened")
        return _unknown(delivery, sending) or _expired(delivery, sending, self.clock.now())

    async def read(self, section: Section, delivery: Delivery) -> Sending | Outcome:
        """All that a request is made of, however the delivery stands.

        `retry` where the destination's plug-in is broken here: that is not the event's fault. Raises Unavailable.
        """
        stored = await self.ledger.event(section.id, delivery.event_id)
        route = await self.routes.find(section.id, delivery.route)
        try:
            target = await self.destinations.open(section.id, delivery.destination)
            if stored is None or route is None or target is None:
                return Outcome("dead", Cause.NO_DESTINATION)
            return _sending(stored, route, target)
        except Invalid:
            return Outcome("dead", Cause.MAPPING)
        except SignalboxError:
            raise
        except Exception as error:  # noqa: BLE001  (whatever broke in this version)
            logs.fail(
                "gate",
                "cannot be opened",
                section=section.id,
                destination=delivery.destination,
                error=logs.told_of(error),
            )
            return Outcome("retry", Cause.BROKEN_DESTINATION)

    async def refuses(
        self, section: Section, trail: Trail, delivery: Delivery, sending: Sending, now: datetime
    ) -> bool:
        """Whether the person has opted out by now, by any address that came along or is known."""
        if trail.consent_at and now - trail.consent_at <= ASKED_AGAIN_AFTER:
            return False
        refused = await self.people.refused(section, delivery.person, sending.stored.event.person)
        return delivery.purpose in refused

    async def furnish(self, section: Section, delivery: Delivery, sending: Sending) -> Sending | Outcome:
        """With the access token and the identifiers that the destination needs.

        `retry` where there is no token right now. Raises Unavailable.
        """
        access, place = sending.access, (section.id, sending.target.id)
        token = await self.tokens.get(place, access) if access else None
        if access and token is None:
            return Outcome("retry", Cause.NO_ACCESS)
        return replace(await self.acquainted(section, delivery, sending), token=token)

    async def acquainted(self, section: Section, delivery: Delivery, sending: Sending) -> Sending:
        """With the identifiers that the destination needs. Raises Unavailable."""
        sent = sending.stored.event.person
        known = await self.people.known(section, delivery.person, sent) if sending.plugin.looks_up else {}
        return replace(sending, identifiers=known)

    def heard(self, section: Section, sending: Sending, answer: Answer | NoAnswer) -> None:
        """Take note of an answer: a token that was refused is not used again."""
        if sending.token and isinstance(answer, Answer) and _refused(answer.status, sending.plugin):
            self.tokens.forget((section.id, sending.target.id), sending.token)


def _sending(stored: Stored, route: Route, target: Target) -> Sending:
    """All that the plug-in is asked before it builds a request. Raises whatever the plug-in raises."""
    plugin, settings = destinations.load(target.kind), target.settings
    return Sending(
        stored,
        route,
        target,
        plugin,
        access=plugin.access(settings, target.secrets),
        resends=plugin.deduplicates(settings) or settings.on_unknown == "resend",
        per_minute=plugin.per_minute(settings),
        counted_as=_counted_as(target, plugin),
    )


def _counted_as(target: Target, plugin: DestinationKind[Any]) -> str:
    account = plugin.account(target.settings, target.secrets)
    if account is None:
        return f"destination|{target.id}"
    return f"account|{hashlib.sha256(account.encode()).hexdigest()[:32]}"


def _refused(status: int, plugin: DestinationKind[Any]) -> bool:
    return status == HTTPStatus.UNAUTHORIZED or plugin.answers.get(status) == NO_ACCESS


def _unknown(delivery: Delivery, sending: Sending) -> Outcome | None:
    """An attempt that was begun and has no end: made again where that is right, but not for ever."""
    if delivery.status is not Status.SENDING:
        return None
    if not sending.resends:
        return Outcome("held", Cause.OUTCOME_UNKNOWN)
    is_last = delivery.attempt > len(sending.target.settings.retry_seconds)
    return Outcome("dead", Cause.EXHAUSTED) if is_last else None


def _expired(delivery: Delivery, sending: Sending, now: datetime) -> Outcome | None:
    """An event that is too old is not sent for the first time, nor once more. One that may have arrived is no such case."""
    event, hours = sending.stored.event, sending.target.settings.max_age_hours
    is_old = hours is not None and now - event.received_at > timedelta(hours=hours)
    is_expired = delivery.status is not Status.SENDING and (is_old or is_stale(event, now))
    return Outcome("dead", Cause.EXPIRED) if is_expired else None
