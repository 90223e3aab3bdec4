"""The doors of operators: receipts, quarantine, dead letters and replay."""

import secrets
from datetime import timedelta

import azure.functions as func

from functions.answers import events
from functions.answers import operate as answers
from functions.calls import KeyedCall
from functions.doors import Gives, Wants, door
from functions.replies import Reply
from shared.bodies import read_body
from shared.errors import (
    BodyTooLarge,
    BrokenSource,
    Conflict,
    Invalid,
    MalformedBody,
    UnknownEvent,
    UnknownType,
    UnknownVersion,
    UnsupportedMediaType,
)
from shared.operations import capture, letter, listing, mend, mentioning, replay, replay_many
from shared.operations.listing import page_of
from shared.operations.pace import Pace
from shared.operations.replay_choice import ReplayFilter

bp = func.Blueprint()
MENDABLE = (
    MalformedBody,
    UnsupportedMediaType,
    BodyTooLarge,
    Invalid,
    UnknownType,
    UnknownEvent,
    UnknownVersion,
    BrokenSource,
)
"""What can still be wrong with a kept webhook."""
REPLAY_WITHIN = timedelta(seconds=10)
"""How long a door goes on with a group; asked again, it does the rest."""


@door(bp, "GET /v1/events/{id}", Gives(200, events.Receipt))
async def read_receipt(call: KeyedCall) -> Reply:
    """Read everything that is known of one event."""
    return Reply(200, await listing.receipt(call.line, call.caller, call.params["id"]))


@door(bp, "GET /v1/events/{id}/fixture", Gives(200, events.Posted, ("Content-Disposition",)))
async def capture_event(call: KeyedCall) -> Reply:
    """Make a body to post of an event, with substitutes for its values."""
    return _file(await capture.posted(call.line, call.caller, call.params["id"]))


@door(bp, "GET /v1/events", Gives(200, events.Events), Wants(query=("limit", "before", "after")))
async def list_events(call: KeyedCall) -> Reply:
    """List events, newest first; with `after`, the oldest ones since then."""
    return Reply(200, await listing.newest(call.line, call.caller, page_of(call.query)))


@door(bp, "GET /v1/quarantine", Gives(200, answers.Quarantine), Wants(query=("limit", "after", "cause")))
async def list_quarantine(call: KeyedCall) -> Reply:
    """List webhooks that cannot become an event yet."""
    page = page_of(call.query)
    found = await call.line.quarantine.list(call.section, call.query.get("cause"), page.limit, page.after)
    return Reply(200, {"quarantine": found})


@door(bp, "GET /v1/quarantine/groups", Gives(200, answers.Groups))
async def list_groups(call: KeyedCall) -> Reply:
    """Count what lies in quarantine, by cause and source."""
    return Reply(200, {"groups": [*await call.line.quarantine.groups(call.section)]})


@door(bp, "POST /v1/quarantine/find", Gives(200, answers.Mentioning), Wants(body=mentioning.Sought))
async def find_quarantined(call: KeyedCall) -> Reply:
    """Find the webhooks in quarantine that mention a person."""
    return Reply(200, await mentioning.mentioning(call.line, call.section, call.body))


@door(bp, "POST /v1/quarantine/replay", Gives(200, answers.ReplayedGroup), Wants(body=mend.Group))
async def replay_group(call: KeyedCall) -> Reply:
    """Try all kept webhooks of a cause again, or those of one source, for up to ten seconds."""
    group = read_body(mend.Group, call.body)
    await call.line.audit.note(call.section, "quarantine replayed", group.cause, source=group.source)
    pace = Pace.of(call.line.clock, REPLAY_WITHIN)
    return Reply(200, await mend.replay_group(call.line, call.section, group, pace))


@door(
    bp,
    "POST /v1/quarantine/{id}/replay",
    Gives(202, answers.Replayed | answers.ReplayedSeveral),
    Wants(refuses=MENDABLE),
)
async def replay_quarantined(call: KeyedCall) -> Reply:
    """Try a kept webhook again, with its source's types and mappings of now."""
    await call.line.audit.note(call.section, "quarantine replayed", call.params["id"])
    return Reply(202, await mend.replay(call.line, call.section, call.params["id"]))


@door(
    bp,
    "GET /v1/quarantine/{id}/fixture",
    Gives(200, answers.Fixture, ("Content-Disposition",)),
    Wants(refuses=(BrokenSource,)),
)
async def capture_quarantined(call: KeyedCall) -> Reply:
    """Make a fixture of a kept webhook, with substitutes for its values."""
    return _file(await capture.fixture(call.line, call.section, call.params["id"]))


@door(bp, "GET /v1/dead-letters", Gives(200, answers.DeadLetters), Wants(query=("limit", "after", "cause")))
async def list_dead_letters(call: KeyedCall) -> Reply:
    """List deliveries that ended without success, or are held."""
    page = page_of(call.query)
    found = await call.line.dead_letters.list(call.section, call.query.get("cause"), page.limit, page.after)
    return Reply(200, {"deadLetters": found})


@door(bp, "GET /v1/dead-letter-groups", Gives(200, answers.DeadGroups))
async def list_dead_groups(call: KeyedCall) -> Reply:
    """Count what is dead or held, by cause and destination."""
    return Reply(200, {"groups": [*await call.line.dead_letters.groups(call.section)]})


@door(bp, "GET /v1/dead-letters/{id}", Gives(200, answers.Letter))
async def read_dead_letter(call: KeyedCall) -> Reply:
    """Read what was sent and what came back, without secrets and without what says who somebody is."""
    return Reply(200, await letter.letter(call.line, call.caller, call.params["id"]))


@door(bp, "POST /v1/dead-letters/{id}/replay", Gives(202, answers.Redelivered), Wants(refuses=(Conflict,)))
async def replay_dead_letter(call: KeyedCall) -> Reply:
    """Start a dead or held delivery anew, under its own id."""
    await call.line.audit.note(call.section, "dead letter replayed", call.params["id"])
    return Reply(202, await replay.dead_letter(call.line, call.section, call.params["id"]))


@door(
    bp,
    "POST /v1/deliveries/{id}/replay",
    Gives(202, answers.Redelivered),
    Wants(body=replay.ReplayOne | None, refuses=(Conflict,)),
)
async def replay_delivery(call: KeyedCall) -> Reply:
    """Start a delivery anew that has ended, one that was delivered too: that gets another id, unless asked otherwise."""
    wanted = read_body(replay.ReplayOne, call.optional_body)
    await call.line.audit.note(call.section, "delivery replayed", call.params["id"])
    return Reply(202, await replay.delivery(call.line, call.section, call.params["id"], wanted))


@door(bp, "POST /v1/replays/try", Gives(200, answers.Survey), Wants(body=ReplayFilter))
async def survey_replay(call: KeyedCall) -> Reply:
    """Count the deliveries that a filter chooses, and show some. Nothing is replayed."""
    pace = Pace.of(call.line.clock, REPLAY_WITHIN)
    return Reply(200, await replay_many.survey(call.line, call.section, call.body, pace))


@door(bp, "POST /v1/replays", Gives(201, answers.Replay, ("Location",)), Wants(body=replay_many.ReplayBody))
async def begin_replay(call: KeyedCall) -> Reply:
    """Start the deliveries that a filter chooses anew, so many a minute."""
    wanted = read_body(replay_many.ReplayBody, call.body)
    id, pace = "rp" + secrets.token_hex(8), Pace.of(call.line.clock, REPLAY_WITHIN)
    await call.line.audit.note(call.section, "replay begun", id)
    doc = await replay_many.begin(call.line, call.section, wanted, id, call.caller.name, pace)
    return Reply(201, doc, {"Location": f"/v1/replays/{id}"})


@door(bp, "GET /v1/replays", Gives(200, answers.Replays))
async def list_replays(call: KeyedCall) -> Reply:
    """List the replays of the last 30 days."""
    found = await call.line.replays.list(call.section)
    return Reply(200, {"replays": [replay_many.shown(one) for one in found]})


@door(bp, "GET /v1/replays/{id}", Gives(200, answers.Replay))
async def read_replay(call: KeyedCall) -> Reply:
    """Read how far a replay is."""
    return Reply(200, replay_many.shown(await call.line.replays.read(call.section, call.params["id"])))


@door(bp, "POST /v1/replays/{id}/stop", Gives(200, answers.Replay), Wants(refuses=(Conflict,)))
async def stop_replay(call: KeyedCall) -> Reply:
    """Stop a replay where it is. What was started anew goes on."""
    await call.line.audit.note(call.section, "replay stopped", call.params["id"])
    return Reply(200, await replay_many.set_status(call.line, call.section, call.params["id"], "stopped"))


@door(bp, "POST /v1/replays/{id}/resume", Gives(200, answers.Replay), Wants(refuses=(Conflict,)))
async def resume_replay(call: KeyedCall) -> Reply:
    """Let a stopped replay go on with the next tick."""
    await call.line.audit.note(call.section, "replay resumed", call.params["id"])
    return Reply(200, await replay_many.set_status(call.line, call.section, call.params["id"], "running"))


def _file(made: capture.Fixture) -> Reply:
    named = f'attachment; filename="{made.kind}.{made.case}.json"'
    return Reply(200, dict(made.doc), {"Content-Disposition": named})
