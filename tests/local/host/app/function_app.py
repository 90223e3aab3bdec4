"""A Functions app that uses every binding the local host runs, and tells what it was given."""

import asyncio
import json
import logging
import os
import threading
import typing
from pathlib import Path

import azure.functions as func

print("an app may print")  # noqa: T201
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

calls: list[dict[str, object]] = []


async def _released() -> None:
    """Wait until the test says so with a file, which also works when the host takes no more requests."""
    while not Path(os.environ["RELEASE_FILE"]).exists():  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0.01)


def _answer(content: object) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(content), mimetype="application/json")


def _described(req: func.HttpRequest) -> dict[str, object]:
    return {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "length": len(req.get_body()),
        "body": req.get_body()[:100].hex(),
    }


@app.function_name("echo")
@app.route("echo/{id:int?}")
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    parent = context.trace_context.trace_parent
    return _answer(_described(req) | {"invocation": context.invocation_id, "parent": parent})


@app.function_name("exact")
@app.route("echo/me", methods=["GET", "HEAD"])
async def exact(req: func.HttpRequest) -> func.HttpResponse:
    return _answer({"function": "exact", "method": req.method})


@app.function_name("b_literal")
@app.route("ordered/literal", methods=["GET"])
async def b_literal(req: func.HttpRequest) -> func.HttpResponse:
    return _answer({"function": "b_literal"})


@app.function_name("a_parameter")
@app.route("ordered/{name}", methods=["GET"])
async def a_parameter(req: func.HttpRequest) -> func.HttpResponse:
    return _answer({"function": "a_parameter"})


@app.function_name("rest")
@app.route("files/{*rest}", methods=["GET"])
async def rest(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(dict(req.route_params))


@app.function_name("posted")
@app.route("posted", methods=["POST"])
async def posted(req: func.HttpRequest) -> func.HttpResponse:
    calls.append({"name": "posted", "length": len(req.get_body())})
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.function_name("other_method")
@app.route("posted", methods=["PUT"])
async def other_method(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@app.function_name("in_thread")
@app.route("thread")
def in_thread(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("app").info("in a thread")
    return _answer({"main": threading.current_thread() is threading.main_thread()})


@app.function_name("text")
@app.route("text")
async def text(req: func.HttpRequest) -> str:
    return "plain \u00fc"


@app.function_name("nothing")
@app.route("nothing")
async def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None  # type: ignore[return-value]


@app.function_name("raising")
@app.route("raising")
async def raising(req: func.HttpRequest) -> func.HttpResponse:
    raise LookupError("secret-in-the-text")


@app.function_name("dressed")
@app.route("dressed")
async def dressed(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(b"made", status_code=201, headers={"X-Name": "value", "Location": "/there"})
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=60")
    response.headers.add("Set-Cookie", "b=2; Secure")
    return response


@app.function_name("split")
@app.route("split")
async def split(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("x")
    response.headers._list.append(("X-Bad", "a\r\nInjected: yes"))
    return response


@app.function_name("waiting")
@app.route("waiting")
async def waiting(req: func.HttpRequest) -> func.HttpResponse:
    calls.append({"name": "waiting", "state": "begun"})
    await _released()
    calls.append({"name": "waiting", "state": "done"})
    return func.HttpResponse("released")


@app.function_name("logged")
@app.route("logged")
async def logged(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    await asyncio.sleep(0.01)
    logging.getLogger("app").info("call %s", context.invocation_id)
    return func.HttpResponse(context.invocation_id)


@app.function_name("switched_off")
@app.route("switched-off")
async def switched_off(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("never")


@app.function_name("seen")
@app.route("calls", methods=["GET"])
async def seen(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(calls)


def _told(message: func.ServiceBusMessage) -> dict[str, object]:
    return {
        "body": message.get_body().decode(),
        "id": message.message_id,
        "deliveries": message.delivery_count,
        "enqueued": str(message.enqueued_time_utc),
        "sequence": message.sequence_number,
        "lock": message.lock_token,
        "properties": message.application_properties,
        "correlation": message.correlation_id,
        "content_type": message.content_type,
        "subject": message.subject,
    }


@app.function_name("single")
@app.service_bus_queue_trigger(
    arg_name="message", queue_name="%SINGLE_QUEUE%", connection="ServiceBusConnection"
)
async def single(message: func.ServiceBusMessage) -> None:
    calls.append({"name": "single"} | _told(message))
    body = message.get_body()
    if body == b"fail once" and message.delivery_count == 1:
        raise RuntimeError("once")
    if body == b"poison":
        raise RuntimeError("always")
    if body.startswith(b"slow"):
        await _released()
        calls.append({"name": "single", "body": "released"})


@app.function_name("batched")
@app.service_bus_queue_trigger(
    arg_name="messages", queue_name="batched", connection="ServiceBusConnection", cardinality="many"
)
async def batched(messages: typing.List[func.ServiceBusMessage]) -> None:  # noqa: UP006 - the worker takes no other
    told = [_told(message) for message in messages]
    calls.append({"name": "batched", "messages": told})
    if any(each["body"] == "fail once" and each["deliveries"] == 1 for each in told):
        raise RuntimeError("once")


@app.function_name("every_second")
@app.timer_trigger(arg_name="timer", schedule="%TICK%")
async def every_second(timer: func.TimerRequest) -> None:
    status = timer.schedule_status  # type: ignore[attr-defined]
    calls.append({"name": "every_second", "past_due": timer.past_due, "status": status})
