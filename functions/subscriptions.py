"""The doors of subscriptions: whom to send events as they come, until they are deleted."""

import secrets

import azure.functions as func

from functions.answers import subscriptions as answers
from functions.calls import KeyedCall
from functions.doors import Gives, Wants, door
from functions.replies import Reply
from functions.routing import RESUME_WITHIN
from shared.bodies import read_body
from shared.errors import Conflict, LimitReached
from shared.exact import Json
from shared.operations import unpark
from shared.operations.pace import Pace
from shared.routing.subscriptions import ID_BYTES, FailuresBody, SubscriptionBody

bp = func.Blueprint()
KEY_BYTES = 32


@door(
    bp,
    "POST /v1/subscriptions",
    Gives(201, answers.NewSubscription, ("Location",)),
    Wants(body=SubscriptionBody, refuses=(LimitReached,), section_in_query=True),
)
async def subscribe(call: KeyedCall) -> Reply:
    """Have events sent to a URL, signed. The secret is answered this once; a DELETE of the Location unsubscribes."""
    return await _subscribed(call, call.body)


@door(
    bp,
    "POST /v1/failure-subscriptions",
    Gives(201, answers.NewSubscription, ("Location",)),
    Wants(body=FailuresBody, refuses=(LimitReached,), section_in_query=True),
)
async def subscribe_to_failures(call: KeyedCall) -> Reply:
    """Have a URL told of each delivery that failed: a subscription to `delivery.failed`, as a path of its own."""
    return await _subscribed(call, read_body(FailuresBody, call.body).whole())


async def _subscribed(call: KeyedCall, body: Json) -> Reply:
    random, key = secrets.token_bytes(ID_BYTES), secrets.token_bytes(KEY_BYTES)
    doc = await call.line.subscriptions.create(call.section, body, random, key)
    # Whoever names the section in the query will follow the Location without a header of ours.
    return Reply(201, doc, {"Location": f"/v1/subscriptions/{doc['id']}{call.asked_in}"})


@door(bp, "GET /v1/subscriptions", Gives(200, answers.Subscriptions))
async def list_subscriptions(call: KeyedCall) -> Reply:
    """List the subscriptions."""
    return Reply(200, {"subscriptions": await call.line.subscriptions.list(call.section)})


@door(
    bp,
    "POST /v1/subscriptions/{id}/resume",
    Gives(200, answers.ResumedSubscription),
    Wants(refuses=(Conflict,)),
)
async def resume_subscription(call: KeyedCall) -> Reply:
    """Let a subscription that was disabled go on, parked deliveries too."""
    doc = await call.line.subscriptions.resume(call.section, call.params["id"])
    return Reply(200, {**doc, "resumed": await _let_go(call)})


@door(bp, "GET /v1/subscriptions/{id}", Gives(200, answers.Subscription))
async def read_subscription(call: KeyedCall) -> Reply:
    """Read a subscription."""
    return Reply(200, await call.line.subscriptions.read(call.section, call.params["id"]))


@door(
    bp, "DELETE /v1/subscriptions/{id}", Gives(204, None), Wants(refuses=(Conflict,), section_in_query=True)
)
async def unsubscribe(call: KeyedCall) -> Reply:
    """End a subscription: nothing is sent any more, nor what was parked."""
    await call.line.subscriptions.remove(call.section, call.params["id"])
    await _let_go(call)
    return Reply(204)


async def _let_go(call: KeyedCall) -> int:
    pace = Pace.of(call.line.clock, RESUME_WITHIN)
    return await unpark.resume(call.line, call.section, call.params["id"], pace)
