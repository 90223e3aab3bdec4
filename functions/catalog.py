"""The doors of the catalog: definitions and their versions."""

import azure.functions as func

from functions.doors import KeyedCall, door
from functions.replies import Reply
from shared.catalog.schema import json_schema

bp = func.Blueprint()


@door(bp, "POST /v1/definitions")
async def create_definition(call: KeyedCall) -> Reply:
    section = await call.line.sections.read(call.section)
    doc = await call.line.definitions.create(section.id, call.body, section.retention_days)
    return Reply(201, doc, {"Location": f"/v1/definitions/{doc['event']}"})


@door(bp, "GET /v1/definitions")
async def list_definitions(call: KeyedCall) -> Reply:
    return Reply(200, {"definitions": await call.line.definitions.list(call.section)})


@door(bp, "GET /v1/definitions/{event}")
async def read_definition(call: KeyedCall) -> Reply:
    return Reply(200, await call.line.definitions.read(call.section, call.params["event"]))


@door(bp, "POST /v1/definitions/{event}/versions")
async def add_version(call: KeyedCall) -> Reply:
    return Reply(201, await call.line.definitions.add_version(call.section, call.params["event"], call.body))


@door(bp, "GET /v1/definitions/{event}/versions")
async def list_versions(call: KeyedCall) -> Reply:
    return Reply(200, {"versions": await call.line.definitions.versions(call.section, call.params["event"])})


@door(bp, "GET /v1/definitions/{event}/versions/{version}")
async def read_version(call: KeyedCall) -> Reply:
    event, version = call.params["event"], call.params["version"]
    return Reply(200, await call.line.definitions.read_version(call.section, event, version))


@door(bp, "GET /v1/definitions/{event}/schema")
async def read_schema(call: KeyedCall) -> Reply:
    doc = await call.line.definitions.read(call.section, call.params["event"])
    return Reply(200, json_schema(doc["version"]))
