"""The doors of operators: receipts, quarantine, dead letters and replay."""

import azure.functions as func

from functions.doors import KeyedCall, door
from functions.replies import Reply
from shared.operations import listing, mend, replay
from shared.operations.listing import page_of

bp = func.Blueprint()


@door(bp, "GET /v1/events/{id}")
async def read_receipt(call: KeyedCall) -> Reply:
    return Reply(200, await listing.receipt(call.line, call.caller, call.params["id"]))


@door(bp, "GET /v1/events")
async def list_events(call: KeyedCall) -> Reply:
    return Reply(200, await listing.newest(call.line, call.caller, page_of(call.query)))


@door(bp, "GET /v1/quarantine")
async def list_quarantine(call: KeyedCall) -> Reply:
    page = page_of(call.query)
    found = await call.line.quarantine.list(call.section, call.query.get("cause"), page.limit, page.after)
    return Reply(200, {"quarantine": found})


@door(bp, "POST /v1/quarantine/{id}/replay")
async def replay_quarantined(call: KeyedCall) -> Reply:
    return Reply(202, await mend.replay(call.line, call.section, call.params["id"]))


@door(bp, "GET /v1/dead-letters")
async def list_dead_letters(call: KeyedCall) -> Reply:
    page = page_of(call.query)
    found = await call.line.dead_letters.list(call.section, call.query.get("cause"), page.limit, page.after)
    return Reply(200, {"deadLetters": found})


@door(bp, "POST /v1/dead-letters/{id}/replay")
async def replay_dead_letter(call: KeyedCall) -> Reply:
    return Reply(202, await replay.dead_letter(call.line, call.section, call.params["id"]))
