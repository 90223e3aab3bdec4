"""The doors of the catalog: definitions and their versions."""

import azure.functions as func

from functions.answers import catalog as answers
from functions.calls import KeyedCall
from functions.doors import Gives, Wants, door
from functions.replies import Reply
from shared.catalog.bodies import DefinitionBody, VersionBody
from shared.catalog.schema import json_schema
from shared.errors import Conflict, LimitReached
from shared.exact import Json
from shared.operations import define

bp = func.Blueprint()


@door(
    bp,
    "POST /v1/definitions",
    Gives(201, answers.Definition, ("Location",)),
    Wants(body=DefinitionBody, refuses=(Conflict, LimitReached)),
)
async def create_definition(call: KeyedCall) -> Reply:
    """Define an event, with the fields of its first version."""
    section = await call.line.sections.read(call.section)
    doc = await define.create(call.line, section, call.body)
    return Reply(201, doc, {"Location": f"/v1/definitions/{doc['event']}"})


@door(bp, "GET /v1/definitions", Gives(200, answers.Definitions))
async def list_definitions(call: KeyedCall) -> Reply:
    """List the definitions."""
    return Reply(200, {"definitions": await call.line.definitions.list(call.section)})


@door(bp, "GET /v1/definitions/{event}", Gives(200, answers.Definition))
async def read_definition(call: KeyedCall) -> Reply:
    """Read a definition with its active version."""
    return Reply(200, await call.line.definitions.read(call.section, call.params["event"]))


@door(
    bp,
    "POST /v1/definitions/{event}/versions",
    Gives(201, answers.Definition),
    Wants(body=VersionBody, refuses=(Conflict,)),
)
async def add_version(call: KeyedCall) -> Reply:
    """Give an event new fields, active at once; older versions stay accepted."""
    return Reply(201, await define.add_version(call.line, call.section, call.params["event"], call.body))


@door(bp, "GET /v1/definitions/{event}/versions", Gives(200, answers.Versions))
async def list_versions(call: KeyedCall) -> Reply:
    """List the versions of an event."""
    return Reply(200, {"versions": await call.line.definitions.versions(call.section, call.params["event"])})


@door(bp, "GET /v1/definitions/{event}/versions/{version}", Gives(200, answers.Version))
async def read_version(call: KeyedCall) -> Reply:
    """Read a version with its fields."""
    event, version = call.params["event"], call.params["version"]
    return Reply(200, await call.line.definitions.read_version(call.section, event, version))


@door(bp, "GET /v1/definitions/{event}/schema", Gives(200, dict[str, Json]))
async def read_schema(call: KeyedCall) -> Reply:
    """Read the active version as a JSON Schema of an event's properties."""
    doc = await call.line.definitions.read(call.section, call.params["event"])
    return Reply(200, json_schema(doc["version"]))
