"""The doors of routes and destinations."""

import secrets
from datetime import timedelta

import azure.functions as func

from functions.doors import KeyedCall, door
from functions.replies import Reply
from shared.operations import unpark
from shared.operations.pace import Pace

bp = func.Blueprint()
RESUME_WITHIN = timedelta(seconds=10)
"""How long the door lets go on what was parked; the tick does the rest."""


@door(bp, "POST /v1/destinations")
async def create_destination(call: KeyedCall) -> Reply:
    doc = await call.line.destinations.create(call.section, call.body, secrets.token_bytes(32))
    return Reply(201, doc, {"Location": f"/v1/destinations/{doc['id']}"})


@door(bp, "GET /v1/destinations")
async def list_destinations(call: KeyedCall) -> Reply:
    return Reply(200, {"destinations": await call.line.destinations.list(call.section)})


@door(bp, "GET /v1/destinations/{id}")
async def read_destination(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.destinations.read(call.section, call.params["id"]))


@door(bp, "POST /v1/destinations/{id}/pause")
async def pause_destination(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.destinations.set_status(call.section, call.params["id"], "paused"))


@door(bp, "POST /v1/destinations/{id}/resume")
async def resume_destination(call: KeyedCall) -> Reply:
    doc = await call.line.destinations.set_status(call.section, call.params["id"], "active")
    pace = Pace.of(call.line.clock, RESUME_WITHIN)
    resumed = await unpark.resume(call.line, call.section, call.params["id"], pace)
    return Reply(200, {**doc, "resumed": resumed})


@door(bp, "POST /v1/routes")
async def create_route(call: KeyedCall) -> Reply:
    doc = await call.line.routes.create(call.section, call.body, "rt" + secrets.token_hex(8))
    return Reply(201, doc, {"Location": f"/v1/routes/{doc['id']}"})


@door(bp, "GET /v1/routes")
async def list_routes(call: KeyedCall) -> Reply:
    return Reply(200, {"routes": await call.line.routes.list(call.section)})


@door(bp, "GET /v1/routes/{id}")
async def read_route(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.routes.read(call.section, call.params["id"]))


@door(bp, "POST /v1/routes/{id}/pause")
async def pause_route(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.routes.set_status(call.section, call.params["id"], "paused"))


@door(bp, "POST /v1/routes/{id}/resume")
async def resume_route(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.routes.set_status(call.section, call.params["id"], "active"))
