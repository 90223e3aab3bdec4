"""The doors of sections, keys, clients, webhook sources, and of the audit."""

import secrets
from datetime import timedelta

import azure.functions as func

from functions.answers import access as answers
from functions.calls import KeyedCall
from functions.doors import Gives, Wants, door
from functions.replies import Reply
from shared import sources
from shared.access.client_body import ClientBody
from shared.access.key_body import KeyBody
from shared.access.section_body import SectionBody, SectionSettings
from shared.access.sections import HASH_KEY_BYTES
from shared.access.source_body import QuotaBody, SecretsBody, SettingsBody, SourceBody, TryBody, TypesBody
from shared.access.sources import ID_BYTES
from shared.access.tokens import RANDOM_BYTES, SECRET_BYTES
from shared.bodies import RevokeBody, read_body
from shared.errors import Conflict, LimitReached
from shared.exact import Json
from shared.operations import dry_run, export, mend, unpark
from shared.operations.listing import page_of
from shared.operations.pace import Pace

bp = func.Blueprint()
RESUME_WITHIN = timedelta(seconds=10)
"""How long a door lets go on what came meanwhile; the tick does the rest."""


@door(
    bp,
    "POST /v1/sections",
    Gives(201, answers.Section),
    Wants(body=SectionBody, refuses=(Conflict, LimitReached)),
)
async def create_section(call: KeyedCall) -> Reply:
    """Create a section."""
    return Reply(201, await call.line.sections.create(call.body, secrets.token_bytes(HASH_KEY_BYTES)))


@door(bp, "GET /v1/sections", Gives(200, answers.Sections))
async def list_sections(call: KeyedCall) -> Reply:
    """List the sections; deleted ones too, until they are cleared away."""
    return Reply(200, {"sections": await call.line.sections.list(deleted_too=True)})


@door(
    bp,
    "PUT /v1/sections/{id}",
    Gives(200, answers.Section),
    Wants(body=SectionSettings, refuses=(Conflict,)),
)
async def configure_section(call: KeyedCall) -> Reply:
    """Replace a section's settings. Its id, its buckets and its hash key never change."""
    return Reply(200, await call.line.sections.configure(call.params["id"], call.body))


@door(
    bp,
    "DELETE /v1/sections/{id}",
    Gives(202, answers.Section),
    Wants(query=("confirm",), refuses=(Conflict,)),
)
async def delete_section(call: KeyedCall) -> Reply:
    """Delete a paused section, with all that is in it, for good. `confirm` repeats its id."""
    return Reply(202, await call.line.sections.delete(call.params["id"], call.query.get("confirm")))


@door(bp, "POST /v1/sections/{id}/pause", Gives(200, answers.Section), Wants(refuses=(Conflict,)))
async def pause_section(call: KeyedCall) -> Reply:
    """Pause a section: what comes in is stored, and nothing of it is processed or sent."""
    return Reply(200, await call.line.sections.set_status(call.params["id"], "paused"))


@door(bp, "POST /v1/sections/{id}/resume", Gives(200, answers.ResumedSection), Wants(refuses=(Conflict,)))
async def resume_section(call: KeyedCall) -> Reply:
    """Let a section go on, with what came meanwhile too."""
    doc = await call.line.sections.set_status(call.params["id"], "active")
    pace = Pace.of(call.line.clock, RESUME_WITHIN)
    return Reply(200, {**doc, "resumed": await unpark.resume_section(call.line, call.params["id"], pace)})


@door(bp, "GET /v1/sections/{id}/export", Gives(200, answers.Exported), Wants(query=("after",)))
async def export_section(call: KeyedCall) -> Reply:
    """Read everything of a section, page after page, but its secrets: configuration, audit, people, consent, events."""
    id, after = call.params["id"], call.query.get("after")
    doc = await export.page(call.line, id, after)
    if after is None:
        await call.line.audit.note(id, "section exported", id)
    return Reply(200, doc)


@door(bp, "POST /v1/sections/{id}/rotate", Gives(200, answers.RotatedSection), Wants(refuses=(Conflict,)))
async def rotate_section(call: KeyedCall) -> Reply:
    """Seal a section's secrets anew under the current master key. They stay what they are."""
    section = await call.line.sections.show(call.params["id"])
    return Reply(200, await call.line.reseal.section(section["id"]))


@door(bp, "POST /v1/keys", Gives(201, answers.NewKey), Wants(body=KeyBody, refuses=(Conflict, LimitReached)))
async def create_key(call: KeyedCall) -> Reply:
    """Create a key. Its text is answered this once."""
    random = secrets.token_bytes(RANDOM_BYTES)
    return Reply(201, await call.line.keys.create(call.section, call.body, random, by=call.caller))


@door(bp, "GET /v1/keys", Gives(200, answers.Keys))
async def list_keys(call: KeyedCall) -> Reply:
    """List the keys, revoked ones too, and when each was last used."""
    return Reply(200, {"keys": await _with_last_use(call, await call.line.keys.list(call.section))})


@door(bp, "POST /v1/keys/{id}/rotate", Gives(200, answers.NewKey), Wants(refuses=(Conflict,)))
async def rotate_key(call: KeyedCall) -> Reply:
    """Give a key a second live secret. Its text is answered this once."""
    random = secrets.token_bytes(SECRET_BYTES)
    return Reply(200, await call.line.keys.rotate(call.section, call.params["id"], random, by=call.caller))


@door(
    bp,
    "POST /v1/keys/{id}/revoke",
    Gives(200, answers.Key),
    Wants(body=RevokeBody | None, refuses=(Conflict,)),
)
async def revoke_key(call: KeyedCall) -> Reply:
    """Revoke one secret of a key, or without a body the whole key."""
    wanted = read_body(RevokeBody, call.optional_body)
    return Reply(200, await call.line.keys.revoke(call.section, call.params["id"], wanted.secret))


@door(bp, "GET /v1/audit", Gives(200, answers.Changes), Wants(query=("limit", "after")))
async def list_changes(call: KeyedCall) -> Reply:
    """List who changed what in the section's configuration, newest first; with `after`, what came before that."""
    page = page_of(call.query)
    return Reply(200, await call.line.audit.page(call.section, page.limit, page.after))


@door(
    bp,
    "POST /v1/clients",
    Gives(201, answers.Client),
    Wants(body=ClientBody, refuses=(Conflict, LimitReached)),
)
async def create_client(call: KeyedCall) -> Reply:
    """Register a client: a service principal of Entra, which comes with tokens."""
    return Reply(201, await call.line.clients.create(call.section, call.body, by=call.caller))


@door(bp, "GET /v1/clients", Gives(200, answers.Clients))
async def list_clients(call: KeyedCall) -> Reply:
    """List the clients, revoked ones too, and when each was last used."""
    return Reply(200, {"clients": await _with_last_use(call, await call.line.clients.list(call.section))})


@door(bp, "POST /v1/clients/{id}/revoke", Gives(200, answers.Client), Wants(refuses=(Conflict,)))
async def revoke_client(call: KeyedCall) -> Reply:
    """Revoke a client here. It may be registered again."""
    return Reply(200, await call.line.clients.revoke(call.section, call.params["id"]))


@door(
    bp,
    "POST /v1/sources",
    Gives(201, answers.Source, ("Location",)),
    Wants(body=SourceBody, refuses=(Conflict, LimitReached)),
)
async def create_source(call: KeyedCall) -> Reply:
    """Register a webhook source."""
    random = secrets.token_bytes(ID_BYTES)
    doc = await call.line.sources.create(call.section, call.body, random, sources.KINDS)
    return Reply(201, doc, {"Location": f"/v1/sources/{doc['id']}"})


@door(bp, "GET /v1/sources", Gives(200, answers.Sources))
async def list_sources(call: KeyedCall) -> Reply:
    """List the webhook sources."""
    return Reply(200, {"sources": await call.line.sources.list(call.section)})


@door(bp, "GET /v1/sources/{id}", Gives(200, answers.Source))
async def read_source(call: KeyedCall) -> Reply:
    """Read a webhook source."""
    return Reply(200, await call.line.sources.read(call.section, call.params["id"]))


@door(
    bp, "PUT /v1/sources/{id}/types", Gives(200, answers.Source), Wants(body=TypesBody, refuses=(Conflict,))
)
async def mend_source(call: KeyedCall) -> Reply:
    """Replace what the vendor's types mean, all of them."""
    return Reply(200, await call.line.sources.set_types(call.section, call.params["id"], call.body))


@door(
    bp,
    "PUT /v1/sources/{id}/settings",
    Gives(200, answers.Source),
    Wants(body=SettingsBody, refuses=(Conflict,)),
)
async def set_up_source(call: KeyedCall) -> Reply:
    """Set a source's kind up anew, whole; for kinds that have settings."""
    return Reply(200, await call.line.sources.set_settings(call.section, call.params["id"], call.body))


@door(
    bp, "PUT /v1/sources/{id}/quota", Gives(200, answers.Source), Wants(body=QuotaBody, refuses=(Conflict,))
)
async def limit_source(call: KeyedCall) -> Reply:
    """Say how much a source may send in a minute."""
    return Reply(200, await call.line.sources.set_quota(call.section, call.params["id"], call.body))


@door(bp, "POST /v1/sources/{id}/try", Gives(200, answers.Tried), Wants(body=TryBody))
async def try_source(call: KeyedCall) -> Reply:
    """Try what a source's mapping makes of a payload, and what it leaves out. Nothing is stored."""
    return Reply(200, await dry_run.dry_run(call.line, call.section, call.params["id"], call.body))


@door(bp, "POST /v1/sources/{id}/pause", Gives(200, answers.Source), Wants(refuses=(Conflict,)))
async def pause_source(call: KeyedCall) -> Reply:
    """Keep a source's webhooks in quarantine until it is resumed."""
    return Reply(200, await call.line.sources.pause(call.section, call.params["id"]))


@door(bp, "POST /v1/sources/{id}/resume", Gives(200, answers.ResumedSource), Wants(refuses=(Conflict,)))
async def resume_source(call: KeyedCall) -> Reply:
    """Take a source's webhooks in again, kept ones too."""
    doc = await call.line.sources.resume(call.section, call.params["id"])
    pace = Pace.of(call.line.clock, RESUME_WITHIN)
    return Reply(200, {**doc, "resumed": await mend.resume(call.line, call.section, pace)})


@door(
    bp,
    "POST /v1/sources/{id}/rotate",
    Gives(200, answers.Source),
    Wants(body=SecretsBody, refuses=(Conflict,)),
)
async def rotate_source(call: KeyedCall) -> Reply:
    """Give a source a new signing secret; the one before it still verifies."""
    return Reply(200, await call.line.sources.rotate_secret(call.section, call.params["id"], call.body))


@door(bp, "GET /v1/sources/{id}/rejected", Gives(200, answers.Rejections))
async def list_rejected(call: KeyedCall) -> Reply:
    """List the latest requests of a source whose signature did not hold."""
    await call.line.sources.read(call.section, call.params["id"])
    return Reply(200, {"rejected": await call.line.rejected.list(call.section, call.params["id"])})


async def _with_last_use(call: KeyedCall, listed: list[dict[str, Json]]) -> list[dict[str, Json]]:
    last = await call.line.used.last(call.section)
    return [{**one, "lastUsedAt": last.get(str(one["id"]))} for one in listed]
