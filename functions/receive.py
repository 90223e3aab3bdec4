"""The doors that events come in by: one, many, or a vendor's webhook."""

from collections.abc import Sequence

import azure.functions as func

from functions.answers import events as answers
from functions.calls import Call, KeyedCall
from functions.doors import Gives, Wants, door, open_door
from functions.replies import Reply, problem_doc, retry_after
from shared import flow, hooks
from shared.errors import (
    KeyReused,
    KeysDiffer,
    LengthRequired,
    MethodNotAllowed,
    QuotaExceeded,
    SignalboxError,
    Unauthenticated,
    Unavailable,
    UnknownEvent,
    UnknownVersion,
)
from shared.event import Draft
from shared.exact import Json
from shared.sources import Greeting
from shared.stages import translate
from shared.stages.account import of_verdicts
from shared.stages.verdict import Accepted, Verdict

bp = func.Blueprint()
GREETING = Gives(200, Json, ("WebHook-Allowed-Origin", "WebHook-Allowed-Rate"))
TAKEN = Gives(200, Json, (*GREETING.headers, "Idempotency-Replayed"))
"""What a sender is answered that takes no other status for success, whether it greets or sends."""
ASKING = (LengthRequired, MethodNotAllowed, Unavailable)


@door(
    bp,
    "POST /v1/events",
    Gives(202, answers.Accepted, ("Idempotency-Replayed",)),
    Wants(
        body=translate.Envelope,
        headers=("Idempotency-Key",),
        refuses=(KeysDiffer, UnknownEvent, UnknownVersion, KeyReused),
        events="event",
        pages=True,
    ),
)
async def post_event(call: KeyedCall) -> Reply:
    """Post one event. Under a known idempotency key the first answer comes again."""
    key = translate.idempotency_key(call.request.headers.get("idempotency-key"))
    told = (await flow.intake(call.line, call.caller, [translate.envelope(call.body, key)]))[0]
    if isinstance(told, SignalboxError):
        raise told
    of_verdicts(call.line.meter, "event", [told])
    return Reply(202, _accepted(told), _replay_header(told))


@door(
    bp,
    "POST /v1/events/batch",
    Gives(207, answers.Results, ("Retry-After",)),
    Wants(body=translate.Batch, events="batch", pages=True),
)
async def post_batch(call: KeyedCall) -> Reply:
    """Post up to 1,000 events; each gets a verdict of its own. Only their own ids count as idempotency keys."""
    drafts = [_drafted(item) for item in translate.batch(call.body)]
    standing = await call.spend(len(drafts))
    told = await flow.intake(call.line, call.caller, drafts)
    of_verdicts(call.line.meter, "batch", told)
    results = [_result(index, one) for index, one in enumerate(told)]
    return Reply(207, {"results": results}, {**standing.headers(), **retry_after(told)})


@open_door(
    bp,
    "POST /v1/hooks/{source}",
    Gives(202, answers.Accepted | answers.Several | answers.Quarantined, ("Idempotency-Replayed",), TAKEN),
    Wants(
        body=bytes, refuses=(Unauthenticated, LengthRequired, QuotaExceeded, Unavailable), events="webhook"
    ),
)
async def post_webhook(call: Call) -> Reply:
    """Take a webhook of a registered source, which signs it in its vendor's way."""
    told = await hooks.webhook(call.line, call.params["source"], call.request)
    if isinstance(told, Greeting):
        return _greeted(told)
    return _hooked(told.policy.accepted, told.events)


@open_door(bp, "GET /v1/hooks/{source}", GREETING, Wants(refuses=ASKING))
async def greet_webhook(call: Call) -> Reply:
    """Answer a vendor that asks whether we are there, before it sends webhooks."""
    return _greeted(await hooks.greet(call.line, call.params["source"], call.request))


@open_door(bp, "OPTIONS /v1/hooks/{source}", GREETING, Wants(refuses=ASKING))
async def allow_webhook(call: Call) -> Reply:
    """Answer a vendor that asks whether it may send webhooks (CloudEvents' abuse protection)."""
    return _greeted(await hooks.greet(call.line, call.params["source"], call.request))


def _greeted(told: Greeting) -> Reply:
    return Reply(200, told.doc, told.headers)


def _hooked(status: int, events: Sequence[Accepted] | None) -> Reply:
    """One event is answered as the API answers it, several each in turn."""
    if events is None:
        return Reply(status, {"status": "quarantined"})
    if len(events) == 1:
        return Reply(status, _accepted(events[0]), _replay_header(events[0]))
    return Reply(status, {"status": "accepted", "events": [_accepted(one) for one in events]})


def _drafted(item: Json) -> Draft | SignalboxError:
    try:
        return translate.envelope(item)
    except SignalboxError as error:
        return error


def _accepted(told: Accepted) -> dict[str, Json]:
    doc = {
        "id": told.id,
        "status": "accepted",
        "event": told.event,
        "version": told.version,
        "receipt": f"/v1/events/{told.id}",
    }
    return doc if told.keyed else {**doc, "deduplicated": False}


def _replay_header(told: Accepted) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if told.replayed else {}


def _result(index: int, told: Verdict) -> dict[str, Json]:
    if isinstance(told, Accepted):
        return {"index": index, "status": "duplicate" if told.replayed else "accepted", "id": told.id}
    status = "retry" if isinstance(told, Unavailable) else "rejected"
    return {"index": index, "status": status, "problem": problem_doc(told)}
