"""Subscriptions: a URL that is sent the events of some names, signed, until whoever subscribed deletes it or it answers 410."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated

from pydantic import Field

from shared import exact, times
from shared.bodies import Body, Discriminator, Slug, read_body
from shared.catalog import own
from shared.destinations import load, secrets
from shared.destinations.settings import Url
from shared.errors import Conflict, Fault, Invalid, NotFound
from shared.exact import Json
from shared.ports import Clock, Seal
from shared.registry import Kind, Record, Registry
from shared.routing import subscribed
from shared.routing.destinations import disabled_in

MAX_EVENTS = 50
"""Of one subscription."""
ID_BYTES = 16


class SubscriptionBody(Body):
    """What to send where: `events`, or the one `event`, as forms have it that draw its fields.

    `purpose` is that of the events by definition, in the place of each definition's own. `destination` and `definition` narrow Signalbox's own events to those about one.
    """

    events: Annotated[list[Discriminator], Field(min_length=1, max_length=MAX_EVENTS)] | None = None
    event: Discriminator | None = None
    url: Url
    purpose: Slug | None = None
    destination: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    definition: Discriminator | None = None

    @property
    def names(self) -> list[str]:
        """Of all its events."""
        return [self.event] if self.event else list(self.events or ())


class FailuresBody(Body):
    """Where to tell of deliveries that failed: of all, or of those to one destination or of one definition's events."""

    url: Url
    destination: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    definition: Discriminator | None = None

    def whole(self) -> Json:
        """The same as the body of a subscription."""
        return {
            **self.model_dump(by_alias=True, exclude_none=True, mode="json"),
            "event": own.DELIVERY_FAILED,
        }


class Subscriptions:
    """Creates, lists, reads, resumes and removes subscriptions."""

    def __init__(self, registry: Registry, seal: Seal, clock: Clock) -> None:
        self._registry, self._seal, self._clock = registry, seal, clock

    async def create(self, section: str, body: Json, random: bytes, key: bytes) -> dict[str, Json]:
        """Subscribe; the id is of ID_BYTES random bytes, the secret of 32, and shown this once.

        Raises Invalid with every fault, LimitReached.
        """
        wanted = read_body(SubscriptionBody, body, also=_unnamed)
        purposes = await self._purposes(section, wanted)
        made = secrets.made(load(subscribed.KIND).secrets, key)
        id = subscribed.new_id(random)
        doc = {
            **wanted.model_dump(by_alias=True, exclude={"event"}),
            "events": wanted.names,
            "purposes": purposes,
            "secrets": self._seal.seal(subscribed.context(section, id), exact.dumps(made)),
            "status": "active",
            "createdAt": times.text(self._clock.now()),
        }
        record = Record(Kind.SUBSCRIPTION, section, id, doc)
        await self._registry.create(record)
        return {**_shown(record), "secrets": made}

    async def list(self, section: str) -> list[dict[str, Json]]:
        return [_shown(record) for record in await self._registry.list(Kind.SUBSCRIPTION, section)]

    async def read(self, section: str, id: str) -> dict[str, Json]:
        """Raises NotFound."""
        return _shown(await self._record(section, id))

    async def resume(self, section: str, id: str) -> dict[str, Json]:
        """Let one go on that was disabled; instances follow within CACHE_SECONDS. Raises NotFound, Conflict."""
        now = times.text(self._clock.now())
        record = (await self._record(section, id)).with_doc(
            status="active", changedAt=now, disabledAt=None, disabledBy=None
        )
        await self._registry.replace(record)
        return _shown(record)

    async def remove(self, section: str, id: str) -> None:
        """Unsubscribe; instances follow within CACHE_SECONDS. Raises NotFound, Conflict."""
        await self._registry.remove(await self._record(section, id), "removed")

    async def end(self, section: str, id: str) -> None:
        """The same, in the name of its receiver: that it is gone already is success."""
        with suppress(NotFound, Conflict):
            await self.remove(section, id)

    async def is_there(self, section: str, id: str) -> bool:
        """Whether it is there at this moment."""
        return await self._registry.read(Kind.SUBSCRIPTION, section, id) is not None

    async def _purposes(self, section: str, wanted: SubscriptionBody) -> dict[str, Json]:
        """What each event is sent for. Raises Invalid."""
        found: dict[str, Json] = {}
        faults = [*_wrong_filters(wanted)]
        for number, event in enumerate(wanted.names):
            at = "/event" if wanted.event else f"/events/{number}"
            known = own.definition(event) or await self._registry.read(Kind.DEFINITION, section, event)
            if event in found:
                faults.append(Fault(at, "Name each event once.", "another event", "the same again"))
            elif known is None:
                names = f"an event of this section, or one of {', '.join(own.EVENTS)}"
                faults.append(Fault(at, "Define the event first.", names, "unknown"))
            else:
                given = None if own.is_own(event) else wanted.purpose
                found[event] = given or known.doc["purpose"]
        if faults:
            raise Invalid("Nobody could be sent this. Correct each member that is listed.", faults=faults)
        return found

    async def _record(self, section: str, id: str) -> Record:
        is_one = subscribed.is_subscription(id)
        record = await self._registry.read(Kind.SUBSCRIPTION, section, id) if is_one else None
        if record is None:
            raise NotFound("There is no such subscription in this section.")
        return record


def _unnamed(body: Json) -> Sequence[Fault]:
    """Neither or both of two ways to say which events."""
    if not isinstance(body, Mapping) or (body.get("events") is None) != (body.get("event") is None):
        return []
    return [Fault("/events", "List the events here, or name one in `event`.", "a list of events")]


def _wrong_filters(wanted: SubscriptionBody) -> list[Fault]:
    """Filters that would narrow nothing."""
    takes_ours = any(own.is_own(event) for event in wanted.names)
    given = [name for name in ("destination", "definition") if getattr(wanted, name) is not None]
    detail = f"Leave it out: it narrows {', '.join(own.EVENTS)}, of which none is subscribed to."
    return [] if takes_ours else [Fault(f"/{name}", detail, "nothing") for name in given]


def _shown(record: Record) -> dict[str, Json]:
    names = ("events", "url", "purpose", "destination", "definition", "status", "createdAt")
    return {"id": record.id, **{name: record.doc[name] for name in names}, **disabled_in(record)}
