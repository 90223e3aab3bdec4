"""The doors of sections, keys and webhook sources."""

import secrets
from datetime import timedelta

import azure.functions as func

from functions.doors import KeyedCall, door
from functions.replies import Reply
from shared import sources
from shared.access.sections import HASH_KEY_BYTES
from shared.access.sources import ID_BYTES
from shared.access.tokens import RANDOM_BYTES, SECRET_BYTES
from shared.bodies import RevokeBody, read_body
from shared.operations import mend, unpark
from shared.operations.pace import Pace

bp = func.Blueprint()
RESUME_WITHIN = timedelta(seconds=10)
"""How long a door lets go on what came meanwhile; the tick does the rest."""


@door(bp, "POST /v1/sections")
async def create_section(call: KeyedCall) -> Reply:
    return Reply(201, await call.line.sections.create(call.body, secrets.token_bytes(HASH_KEY_BYTES)))


@door(bp, "GET /v1/sections")
async def list_sections(call: KeyedCall) -> Reply:
    return Reply(200, {"sections": await call.line.sections.list()})


@door(bp, "POST /v1/sections/{id}/pause")
async def pause_section(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.sections.set_status(call.params["id"], "paused"))


@door(bp, "POST /v1/sections/{id}/resume")
async def resume_section(call: KeyedCall) -> Reply:
    doc = await call.line.sections.set_status(call.params["id"], "active")
    pace = Pace.of(call.line.clock, RESUME_WITHIN)
    return Reply(200, {**doc, "resumed": await unpark.resume_section(call.line, call.params["id"], pace)})


@door(bp, "POST /v1/keys")
async def create_key(call: KeyedCall) -> Reply:
    random = secrets.token_bytes(RANDOM_BYTES)
    return Reply(201, await call.line.keys.create(call.section, call.body, random, by=call.caller))


@door(bp, "GET /v1/keys")
async def list_keys(call: KeyedCall) -> Reply:
    return Reply(200, {"keys": await call.line.keys.list(call.section)})


@door(bp, "POST /v1/keys/{id}/rotate")
async def rotate_key(call: KeyedCall) -> Reply:
    random = secrets.token_bytes(SECRET_BYTES)
    return Reply(200, await call.line.keys.rotate(call.section, call.params["id"], random, by=call.caller))


@door(bp, "POST /v1/keys/{id}/revoke")
async def revoke_key(call: KeyedCall) -> Reply:
    wanted = read_body(RevokeBody, call.optional_body)
    return Reply(200, await call.line.keys.revoke(call.section, call.params["id"], wanted.secret))


@door(bp, "POST /v1/sources")
async def create_source(call: KeyedCall) -> Reply:
    random = secrets.token_bytes(ID_BYTES)
    doc = await call.line.sources.create(call.section, call.body, random, sources.KINDS)
    return Reply(201, doc, {"Location": f"/v1/sources/{doc['id']}"})


@door(bp, "GET /v1/sources")
async def list_sources(call: KeyedCall) -> Reply:
    return Reply(200, {"sources": await call.line.sources.list(call.section)})


@door(bp, "GET /v1/sources/{id}")
async def read_source(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.sources.read(call.section, call.params["id"]))


@door(bp, "PUT /v1/sources/{id}/types")
async def mend_source(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.sources.set_types(call.section, call.params["id"], call.body))


@door(bp, "POST /v1/sources/{id}/pause")
async def pause_source(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.sources.pause(call.section, call.params["id"]))


@door(bp, "POST /v1/sources/{id}/resume")
async def resume_source(call: KeyedCall) -> Reply:
    doc = await call.line.sources.resume(call.section, call.params["id"])
    pace = Pace.of(call.line.clock, RESUME_WITHIN)
    return Reply(200, {**doc, "resumed": await mend.resume(call.line, call.section, pace)})


@door(bp, "POST /v1/sources/{id}/rotate")
async def rotate_source(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.sources.rotate_secret(call.section, call.params["id"], call.body))


@door(bp, "GET /v1/sources/{id}/rejected")
async def list_rejected(call: KeyedCall) -> Reply:
    await call.line.sources.read(call.section, call.params["id"])
    return Reply(200, {"rejected": await call.line.rejected.list(call.section, call.params["id"])})
