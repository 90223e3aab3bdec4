"""Letter: one dead letter with its attempts, and the request that it is, made again without what must not be seen.

The request is built by the destination's own pure code, of the event, the route and the settings as they are now. Nothing is
sent, and no access token is asked for. Two things are made: the request itself, of which only a hash is compared with what the
last attempt sent; and one of substitutes in the place of the person's identifiers, and for whoever may not read events of all
their values, which is shown.
"""

import asyncio
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared import documents, times
from shared.access.caller import Caller
from shared.access.rights import Scope, covers
from shared.access.sections import Section
from shared.destinations import Parcel
from shared.destinations.excerpt import LEAST_HIDDEN, without
from shared.destinations.outcomes import Cause, Outcome
from shared.event import Event
from shared.exact import Json
from shared.line import Line
from shared.operations.listing import attempt_shown
from shared.operations.preview import shown
from shared.ports import Outgoing
from shared.redaction import Redaction
from shared.stages.build import Unfit, attempt, fingerprint, parcel_of, request_of
from shared.stages.gate import Sending
from shared.stores.trail import Attempt, Delivery

VALUE = "[value]"
"""What stands in an answer for what it repeats of the event."""
UNSHOWN = "It can be built, but not of substitutes for what must not be seen."
Compared = Literal["same", "changed", "unknown"]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A request as it would be sent now, in the form in which it may be seen; `reason` says why there is none."""

    request: Outgoing | None
    reason: str | None
    compared: Compared = "unknown"
    hidden: Collection[str] = ()
    """What must not be seen in answers either."""


async def letter(line: Line, caller: Caller, id: str) -> dict[str, Json]:
    """A dead or held delivery. A caller who may not read events sees none of their values.

    Raises NotFound, Unavailable.
    """
    section = await line.sections.read(caller.require_section())
    delivery = await line.dead_letters.read(section.id, id)
    gate = line.forwarder.gate
    sending = await gate.read(section, delivery)
    if isinstance(sending, Outcome):
        rebuilt = Rebuilt(None, sending.cause.sentence if sending.cause else None)
    else:
        sending = await gate.acquainted(section, delivery, sending)
        values = _may_read(caller, sending.stored.event)
        # A large event takes seconds to be redacted, and others wait.
        rebuilt = await asyncio.to_thread(_rebuilt, section, delivery, sending, values=values)
    return _told(delivery, rebuilt)


def _may_read(caller: Caller, event: Event) -> bool:
    return covers(caller.scopes, Scope.EVENTS_READ) and (
        caller.events is None or event.event in caller.events
    )


def _rebuilt(section: Section, delivery: Delivery, sending: Sending, *, values: bool) -> Rebuilt:
    last = delivery.attempts[-1] if delivery.attempts else None
    now = times.parse(last.at) if last else sending.stored.event.received_at
    hidden = [*_person(sending), *(() if values else _values(sending.stored.event.properties))]
    request = attempt(delivery, sending, now)
    if isinstance(request, Unfit):
        return Rebuilt(None, request.reason, hidden=hidden)
    compared = _compared(last, fingerprint(section.hash_key, request))
    seen = _seen(delivery, sending, now, values=values)
    return Rebuilt(seen, None if seen else UNSHOWN, compared, hidden)


def _compared(last: Attempt | None, now: str) -> Compared:
    if last is None or last.request is None:
        return "unknown"
    return "same" if last.request == now else "changed"


def _seen(delivery: Delivery, sending: Sending, now: datetime, *, values: bool) -> Outgoing | None:
    """The request of substitutes; None where the kind takes only what they are not."""
    target = sending.target
    parcel = _redacted(parcel_of(delivery, sending), [*_person(sending)], values=values)
    try:
        request = request_of(sending.plugin, target.settings, target.secrets, parcel, now)
    except Exception:  # noqa: BLE001  (it could be built of the event itself)
        return None
    if isinstance(request, Unfit):
        return None
    secrets = target.secrets.values()
    body = without(request.body.decode(errors="replace"), secrets)
    headers = {**request.headers, **({"authorization": ""} if sending.access else {})}
    return replace(request, url=without(request.url, secrets), headers=headers, body=body.encode())


def _redacted(parcel: Parcel, person: Collection[str], *, values: bool) -> Parcel:
    """The same parcel with substitutes: the same one for the same value, wherever it stands."""
    event = parcel.event.event
    came = documents.write_person(event.person)
    known = [one for one in (event.event, event.version, event.source, event.purpose) if one]
    given = (came, dict(parcel.identifiers), dict(parcel.properties))
    redaction = Redaction(known, *given)
    hidden = {one.casefold() for one in person}
    properties = {
        name: _without_person(redaction, value, hidden) if values else redaction.value(value, name)
        for name, value in parcel.properties.items()
    }
    redacted = replace(event, person=documents.read_person(redaction.value(came)), properties=properties)
    return replace(
        parcel,
        event=replace(parcel.event, event=redacted),
        properties=properties,
        identifiers={kind: redaction.text(value) for kind, value in parcel.identifiers.items()},
    )


def _without_person(redaction: Redaction, value: Json, person: Collection[str]) -> Json:
    """A property whose texts are as they are, unless they say who somebody is."""
    if isinstance(value, Mapping):
        return {name: _without_person(redaction, member, person) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_person(redaction, item, person) for item in value]
    text = str(value).casefold()
    return redaction.value(value) if any(one in text for one in person) else value


def _person(sending: Sending) -> Iterator[str]:
    """Every identifier that came along or is known."""
    came = documents.write_person(sending.stored.event.person)
    for text in (*_values(came), *sending.identifiers.values()):
        if len(text) >= LEAST_HIDDEN:
            yield text


def _values(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for member in value.values():
            yield from _values(member)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _told(delivery: Delivery, rebuilt: Rebuilt) -> dict[str, Json]:
    cause = Cause(delivery.cause) if delivery.cause else None
    return {
        "id": delivery.id,
        "event": delivery.event_id,
        "route": delivery.route,
        "destination": delivery.destination,
        "status": delivery.status.value,
        "cause": delivery.cause,
        "reason": cause.sentence if cause else None,
        "replays": delivery.replays,
        "attempts": [_attempt(one, rebuilt.hidden) for one in delivery.attempts],
        "request": shown(rebuilt.request) if rebuilt.request else None,
        "withoutRequest": rebuilt.reason,
        "comparedWithLast": rebuilt.compared,
        "receipt": f"/v1/events/{delivery.event_id}",
    }


def _attempt(one: Attempt, hidden: Collection[str]) -> dict[str, Json]:
    return attempt_shown(replace(one, answer=one.answer and _hiding(one.answer, hidden)))


def _hiding(answer: str, hidden: Collection[str]) -> str:
    """An answer without what it repeats of the event, in small or large letters."""
    for value in sorted({*hidden}, key=len, reverse=True):
        if len(value) >= LEAST_HIDDEN and value.casefold() in answer.casefold():
            answer = re.sub(re.escape(value), lambda _: VALUE, answer, flags=re.IGNORECASE)
    return answer
