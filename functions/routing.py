"""The doors of routes and destinations."""

import secrets
from datetime import timedelta

import azure.functions as func

from functions.answers import routing as answers
from functions.calls import KeyedCall
from functions.doors import Gives, Wants, door
from functions.replies import Reply
from shared.errors import Conflict, LimitReached
from shared.operations import preview, unpark
from shared.operations.pace import Pace
from shared.routing.destinations import ChangeBody, DestinationBody
from shared.routing.routes import RouteBody, RouteChange

bp = func.Blueprint()
RESUME_WITHIN = timedelta(seconds=10)
"""How long the door lets go on what was parked; the tick does the rest."""


@door(
    bp,
    "POST /v1/destinations",
    Gives(201, answers.NewDestination, ("Location",)),
    Wants(body=DestinationBody, refuses=(Conflict, LimitReached)),
)
async def create_destination(call: KeyedCall) -> Reply:
    """Set a destination up. Secrets that are made for it are answered this once."""
    doc = await call.line.destinations.create(call.section, call.body, secrets.token_bytes(32))
    return Reply(201, doc, {"Location": f"/v1/destinations/{doc['id']}"})


@door(bp, "GET /v1/destinations", Gives(200, answers.Destinations))
async def list_destinations(call: KeyedCall) -> Reply:
    """List the destinations."""
    return Reply(200, {"destinations": await call.line.destinations.list(call.section)})


@door(bp, "GET /v1/destinations/{id}", Gives(200, answers.Destination))
async def read_destination(call: KeyedCall) -> Reply:
    """Read a destination."""
    return Reply(200, await call.line.destinations.read(call.section, call.params["id"]))


@door(
    bp,
    "PUT /v1/destinations/{id}",
    Gives(200, answers.Destination),
    Wants(body=ChangeBody, refuses=(Conflict,)),
)
async def change_destination(call: KeyedCall) -> Reply:
    """Replace a destination's settings, whole, and its secrets. Secrets are never answered."""
    return Reply(200, await call.line.destinations.change(call.section, call.params["id"], call.body))


@door(bp, "POST /v1/destinations/{id}/pause", Gives(200, answers.Destination), Wants(refuses=(Conflict,)))
async def pause_destination(call: KeyedCall) -> Reply:
    """Park what goes to a destination until it is resumed."""
    return Reply(200, await call.line.destinations.set_status(call.section, call.params["id"], "paused"))


@door(
    bp,
    "POST /v1/destinations/{id}/resume",
    Gives(200, answers.ResumedDestination),
    Wants(refuses=(Conflict,)),
)
async def resume_destination(call: KeyedCall) -> Reply:
    """Let a destination's deliveries go again, parked ones too."""
    doc = await call.line.destinations.set_status(call.section, call.params["id"], "active")
    pace = Pace.of(call.line.clock, RESUME_WITHIN)
    resumed = await unpark.resume(call.line, call.section, call.params["id"], pace)
    return Reply(200, {**doc, "resumed": resumed})


@door(
    bp,
    "POST /v1/routes",
    Gives(201, answers.Route, ("Location",)),
    Wants(body=RouteBody, refuses=(Conflict, LimitReached)),
)
async def create_route(call: KeyedCall) -> Reply:
    """Route an event to a destination, for a purpose and with a mapping."""
    doc = await call.line.routes.create(call.section, call.body, "rt" + secrets.token_hex(8))
    return Reply(201, doc, {"Location": f"/v1/routes/{doc['id']}"})


@door(bp, "POST /v1/routes/try", Gives(200, answers.Preview), Wants(body=preview.PreviewBody))
async def try_route(call: KeyedCall) -> Reply:
    """Try whether an event would take a route, and what would be sent. Nothing is stored or sent."""
    return Reply(200, await preview.preview(call.line, call.section, call.body))


@door(bp, "GET /v1/routes", Gives(200, answers.Routes))
async def list_routes(call: KeyedCall) -> Reply:
    """List the routes."""
    return Reply(200, {"routes": await call.line.routes.list(call.section)})


@door(bp, "GET /v1/routes/{id}", Gives(200, answers.Route))
async def read_route(call: KeyedCall) -> Reply:
    """Read a route."""
    return Reply(200, await call.line.routes.read(call.section, call.params["id"]))


@door(bp, "PUT /v1/routes/{id}", Gives(200, answers.Route), Wants(body=RouteChange, refuses=(Conflict,)))
async def change_route(call: KeyedCall) -> Reply:
    """Replace a route's purpose, mapping, versions and condition, whole. From where to where it leads stays."""
    return Reply(200, await call.line.routes.change(call.section, call.params["id"], call.body))


@door(bp, "POST /v1/routes/{id}/pause", Gives(200, answers.Route), Wants(refuses=(Conflict,)))
async def pause_route(call: KeyedCall) -> Reply:
    """Pause a route: what arrives meanwhile does not take it later."""
    return Reply(200, await call.line.routes.set_status(call.section, call.params["id"], "paused"))


@door(bp, "POST /v1/routes/{id}/resume", Gives(200, answers.Route), Wants(refuses=(Conflict,)))
async def resume_route(call: KeyedCall) -> Reply:
    """Let events take a route again."""
    return Reply(200, await call.line.routes.set_status(call.section, call.params["id"], "active"))
