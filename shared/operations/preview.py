"""Preview: whether an event would take a route, and what its destination would be sent; nothing is stored or sent."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from shared import destinations
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.bodies import Body, read_body
from shared.errors import Invalid, SignalboxError, Unavailable
from shared.event import Stored
from shared.exact import Json
from shared.line import Line
from shared.people.identifiers import identifiers
from shared.ports import Outgoing
from shared.routing.routes import Route, RouteBody
from shared.stages import translate
from shared.stages.build import Unfit, attempt
from shared.stages.gate import Sending
from shared.stores.trail import Delivery

_ID = "00000000-0000-8000-8000-000000000000"
"""Of an event that does not exist."""


class PreviewBody(Body):
    """A route as it would be created, and an event as it would be posted."""

    route: RouteBody
    event: dict[str, Json]


async def preview(line: Line, section_id: str, body: Json) -> dict[str, Json]:
    """Raises Invalid for a route that cannot be, NotFound, Unavailable. Whatever else is wrong is told."""
    wanted = read_body(PreviewBody, body)
    section = await line.sections.read(section_id)
    route = await _route(line, section, wanted.route)
    try:
        stored = await _event(line, section, wanted.event)
    except Unavailable:
        raise
    except SignalboxError as error:
        return _told(error.detail, errors=[fault.shown() for fault in getattr(error, "faults", ())])
    if stored.event.event != route.event or not route.takes(stored):
        return _told("The event does not meet what the route asks for.")
    request = await _request(line, section, route, stored)
    if isinstance(request, Unfit):
        return _told(request.reason, takes=True)
    return _told(None, takes=True, request=shown(request))


async def _route(line: Line, section: Section, wanted: RouteBody) -> Route:
    try:
        return await line.routes.draft(section.id, wanted)
    except Invalid as error:
        faults = [replace(fault, pointer=f"/route{fault.pointer}") for fault in error.faults]
        raise Invalid(error.detail, faults=faults) from None


async def _event(line: Line, section: Section, envelope: Json) -> Stored:
    caller = Caller(section.id, frozenset(), "preview", "preview", "preview")
    draft = translate.envelope(envelope)
    fits = await line.checker.validator.validate(section, caller, draft, line.clock.now())
    return Stored(_ID, fits.event)


async def _request(line: Line, section: Section, route: Route, stored: Stored) -> Outgoing | Unfit:
    """What would be sent, by the identifiers that come with the event."""
    target = await line.destinations.open(section.id, route.destination)
    if target is None:
        raise Invalid("The route's destination is gone. Choose another.")
    came = identifiers(stored.event.person, section.country)
    known = {one.kind: one.value for one in reversed(came)}
    sending = Sending(stored, route, target, destinations.load(target.kind), identifiers=known)
    delivery = Delivery(stored.id, route.id, target.id, route.purpose, attempt=1)
    request = attempt(delivery, sending, line.clock.now())
    if isinstance(request, Unfit) or sending.plugin.access(target.settings, target.secrets) is None:
        return request
    # No token is asked for; that there would be one is told by its header's name.
    return replace(request, headers={**request.headers, "authorization": ""})


def shown(request: Outgoing) -> dict[str, Json]:
    """A request without what may be secret: a query, and the values of headers."""
    url = urlsplit(request.url)._replace(query="", fragment="").geturl()
    body = request.body.decode(errors="replace")
    return {"method": request.method, "url": url, "headers": sorted(request.headers), "body": body}


def _told(
    reason: str | None, *, takes: bool = False, errors: Any = (), request: Any = None
) -> dict[str, Json]:
    return {"takes": takes, "reason": reason, "errors": [*errors], "request": request}
