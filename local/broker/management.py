"""The request-response operations of an entity's $management node, and the token node $cbs.

Protocol: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from proton import UNDESCRIBED, Array, Data, Message, int32, symbol

from local.broker.content import MAX_MESSAGE_BYTES, decode
from local.broker.entity import encoded
from local.broker.errors import Malformed, NotImplementedHere, Refused, TooLarge
from local.broker.queue import Queue

_MAX_PEEKED = 250
_MAX_PEEKED_BYTES = 1 << 20

Body = Mapping[str, Any]


def authorize(request: Message) -> Message:
    """Answer a put-token request on $cbs. Every token is good: this broker serves one machine."""
    return Message(
        correlation_id=request.id, properties={"status-code": int32(202), "status-description": "Accepted"}
    )


def answer(queue: Queue, request: Message) -> Message:
    """Do one management operation; a refusal becomes the status code and condition of the reply."""
    try:
        body = _operation(request)(queue, request.body)
    except Refused as error:
        return _reply(request, error.status, str(error), {"errorCondition": symbol(error.condition)})
    except (AttributeError, KeyError, TypeError, ValueError):
        malformed = {"errorCondition": symbol(Malformed.condition)}
        return _reply(request, Malformed.status, "the request lacks a field or has a wrong type", malformed)
    reply = _reply(request, 200 if body else 204, "OK", {})
    reply.body = body
    return reply


def _reply(request: Message, status: int, description: str, more: Mapping[str, object]) -> Message:
    properties = {"statusCode": int32(status), "statusDescription": description, **more}
    return Message(correlation_id=request.id, properties=properties)


def _operation(request: Message) -> Callable[[Queue, Body], Body]:
    name = str(request.properties["operation"]).removeprefix("com.microsoft:")
    if name not in _OPERATIONS:
        raise NotImplementedHere(f"the local broker has no operation {name}")
    return _OPERATIONS[name]


def _schedule(queue: Queue, body: Body) -> Body:
    raws = [bytes(item["message"]) for item in body["messages"]]
    if any(len(raw) > MAX_MESSAGE_BYTES for raw in raws):
        raise TooLarge(f"a message may have {MAX_MESSAGE_BYTES} bytes")
    numbers = queue.send_all([decode(raw) for raw in raws])
    return {"sequence-numbers": Array(UNDESCRIBED, Data.LONG, *numbers)}


def _cancel(queue: Queue, body: Body) -> Body:
    queue.cancel(body["sequence-numbers"].elements)
    return {"cancelled": True}


def _renew(queue: Queue, body: Body) -> Body:
    ends = [int(queue.renew(lock) * 1000) for lock in body["lock-tokens"].elements]
    return {"expirations": Array(UNDESCRIBED, Data.TIMESTAMP, *ends)}


def _peek(queue: Queue, body: Body) -> Body:
    found: list[dict[str, bytes]] = []
    total = 0
    for message in queue.peek(body["from-sequence-number"], min(body["message-count"], _MAX_PEEKED)):
        raw = encoded(replace(message, lock=None))
        total += len(raw)
        if found and total > _MAX_PEEKED_BYTES:
            break
        found.append({"message": raw})
    return {"messages": found} if found else {}


def _receive_deferred(queue: Queue, body: Body) -> Body:
    # receiver-settle-mode: 0 (first) is receive and delete, 1 (second) is peek-lock.
    lock = body["receiver-settle-mode"] == 1
    found = queue.receive_deferred(body["sequence-numbers"].elements, lock=lock)
    return {
        "messages": [{"message": encoded(m), **({"lock-token": m.lock} if m.lock else {})} for m in found]
    }


def _settle(queue: Queue, body: Body) -> Body:
    verbs = {"completed": queue.complete, "abandoned": queue.abandon, "defered": queue.defer}
    status = body["disposition-status"]
    for lock in body["lock-tokens"].elements:
        if status == "suspended":
            reason, description = body.get("deadletter-reason"), body.get("deadletter-description")
            queue.dead_letter(lock, reason or "", description or "")
        else:
            verbs[status](lock)
    return {"settled": True}


_OPERATIONS: dict[str, Callable[[Queue, Body], Body]] = {
    "schedule-message": _schedule,
    "cancel-scheduled-message": _cancel,
    "renew-lock": _renew,
    "peek-message": _peek,
    "receive-by-sequence-number": _receive_deferred,
    "update-disposition": _settle,
}
