"""A small web server that plays a destination: it records every request and answers as its path says.

`/<name>/...` is the stand-in of that name (`local.standins`), `/<name>~<label>/...` another one of its kind · `/ok` 200 · `/flaky` 503 to the first attempt of each `webhook-id`, then 200 · `/later/<seconds>` the same, with that
`Retry-After` · `/gone` 410 · `/bad` 400 · `/status/<code>` that code · `/slow/<ms>` 200 after that time · `/hang`
never · `/redirect` 302 to `/ok`.
`POST /control {"path": "/bad", "status": 200}` changes what a path and all below it answer: a status, `hang`, `reset`,
`cut` (in the middle of the body), or null for what they do by themselves; with `"retryAfter": 1` it says so in its answers.
It alone is not recorded.
With `--took` each destination writes down in a file of its own what it took (`local.took`): a stand-in what its vendor would
have then, any other path what a receiver has that knows a second webhook by its `webhook-id`. What is hung up on or cut off
has been taken, which is what makes it hard; what is reset has not.
"""

import argparse
import asyncio
import json
import re
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple, TextIO

from aiohttp import web

from local import standins
from local.standins import Taken, Told
from local.took import Full, Took
from shared import exact

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_REMEMBERED_IDS = 100_000
MAX_CONTROLLED_PATHS = 1_000
MAX_SLOW_MS = 60_000
MAX_RETRY_AFTER = 86_400


WEBHOOKS = "webhook"
"""The name of what all paths are together that are no stand-in's."""
Fault = Literal["hang", "reset", "cut"]
FAULTS: tuple[Fault, ...] = ("hang", "reset", "cut")
_LABEL = re.compile("[a-z0-9-]{1,40}")


class Answer(NamedTuple):
    """What to answer, and after how long. A fault in the place of a status answers nothing that is whole."""

    status: int | Fault
    delay_ms: int = 0
    headers: Mapping[str, str] = MappingProxyType({})
    body: str | None = None


class Receiver:
    """The answers by path, and the file where each request becomes one JSON line before it is answered."""

    def __init__(self, record: TextIO, took: Took | None = None) -> None:
        self._record, self._took = record, took
        self._controlled: dict[str, Answer] = {}
        self._seen: dict[str, None] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post("/control", self.control)
        app.router.add_route("*", "/{tail:.*}", self.receive)
        return app

    async def receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        first, _, rest = request.path.removeprefix("/").partition("/")
        told = _played(first, f"/{rest}", request, body)
        answer = self._controlled_answer(request.path)
        if answer is None:
            answer = self._answer(first, rest, request) if told is None else _as_told(told)
        self._write(request, body, answer.status if isinstance(answer.status, int) else None)
        self._note(
            first if told else WEBHOOKS, told.taken if told else _webhook(request, body), answer.status
        )
        await asyncio.sleep(answer.delay_ms / 1000)
        if not isinstance(answer.status, int):
            return await _fail(request, answer.status)
        text = json.dumps({"status": answer.status}) if answer.body is None else answer.body
        headers = {"Content-Type": "application/json", **answer.headers}
        return web.Response(text=text or None, status=answer.status, headers=headers)

    async def control(self, request: web.Request) -> web.Response:
        asked = await request.json()
        path, wanted = asked["path"], asked["status"]
        if path not in self._controlled and len(self._controlled) >= MAX_CONTROLLED_PATHS:
            raise web.HTTPInsufficientStorage
        status = wanted if wanted in FAULTS else _number(str(wanted), 200, 599)
        if status is None and wanted is not None:
            raise web.HTTPBadRequest(text=f"a status is a number from 200 to 599, null, or of {FAULTS}")
        self._controlled.pop(path, None)
        if status is not None:
            wait = _number(str(asked.get("retryAfter")), 0, MAX_RETRY_AFTER)
            headers = {} if wait is None else {"Retry-After": str(wait)}
            self._controlled[path] = Answer(status, headers=headers)
        return web.json_response({path: answer.status for path, answer in self._controlled.items()})

    def _controlled_answer(self, asked: str) -> Answer | None:
        found = (answer for path, answer in self._controlled.items() if f"{asked}/".startswith(f"{path}/"))
        return next(found, None)

    def _answer(self, first: str, rest: str, request: web.Request) -> Answer:
        if first in ("flaky", "later"):
            status = self._flaky(request.headers.get("webhook-id", ""))
            return Answer(status, headers={"Retry-After": rest} if rest and status != 200 else {})
        return _ANSWERS.get(first, _unknown)(rest)

    def _note(self, name: str, brought: Taken | None, status: int | Fault) -> None:
        """Raises HTTPInsufficientStorage where nothing more can be written down."""
        if self._took is None or brought is None:
            return
        answered = status if isinstance(status, int) else None
        takes = 200 <= status < 300 if isinstance(status, int) else status != "reset"
        try:
            self._took.note(name, brought, answered, takes=takes)
        except Full:
            raise web.HTTPInsufficientStorage from None

    def _flaky(self, webhook_id: str) -> int:
        if webhook_id in self._seen:
            return 200
        if len(self._seen) >= MAX_REMEMBERED_IDS:
            del self._seen[next(iter(self._seen))]
        self._seen[webhook_id] = None
        return 503

    def _write(self, request: web.Request, body: bytes, status: int | None) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(),
            "method": request.method,
            "path": request.path_qs,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": body.decode(errors="replace"),
            "status": status,
        }
        self._record.write(json.dumps(line) + "\n")
        self._record.flush()


def _played(first: str, path: str, request: web.Request, body: bytes) -> Told | None:
    """What the stand-in answers that a path belongs to, if it belongs to one."""
    name, tilde, label = first.partition("~")
    if name not in standins.NAMES or (tilde and not _LABEL.fullmatch(label)):
        return None
    headers = {header.lower(): value for header, value in request.headers.items()}
    return standins.answer(name, standins.Asked(request.method, path, dict(request.query), headers, body))


def _as_told(told: Told) -> Answer:
    text = told.doc if isinstance(told.doc, str) else "" if told.doc is None else exact.dumps(told.doc)
    return Answer(told.status, headers=told.headers, body=text)


def _webhook(request: web.Request, body: bytes) -> Taken:
    """What a webhook brought: Standard Webhooks 1.0.0 has its receivers know a second one by `webhook-id`."""
    return Taken(exact.members(body), request.headers.get("webhook-id"))


async def _fail(request: web.Request, fault: Fault) -> web.StreamResponse:
    """Answer nothing, hang up, or hang up in the middle of an answer."""
    if fault == "hang":
        never: asyncio.Future[web.Response] = asyncio.get_running_loop().create_future()
        return await never
    response = web.StreamResponse(headers={"Content-Length": "100"})
    if fault == "cut":
        await response.prepare(request)
        await response.write(b"{")
    if request.transport:
        request.transport.abort()
    return response


def _number(text: str, low: int, high: int) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and low <= int(text) <= high else None


def _status(text: str) -> Answer:
    return Answer(_number(text, 200, 599) or 400)


def _slow(text: str) -> Answer:
    delay = _number(text, 0, MAX_SLOW_MS)
    return Answer(400) if delay is None else Answer(200, delay_ms=delay)


def _unknown(_: str) -> Answer:
    return Answer(404)


_ANSWERS: dict[str, Callable[[str], Answer]] = {
    "ok": lambda _: Answer(200),
    "gone": lambda _: Answer(410),
    "bad": lambda _: Answer(400),
    "status": _status,
    "slow": _slow,
    "hang": lambda _: Answer("hang"),
    "redirect": lambda _: Answer(302, headers={"Location": "/ok"}),
}


async def serve(file: Path, port: int, took: Path | None = None) -> None:
    """Serve on 127.0.0.1:`port` (0: any) until SIGTERM or SIGINT; print the port as one JSON line when ready."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as record:
        receiver = Receiver(record, None if took is None else Took(took))
        runner = web.AppRunner(receiver.application(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
        await stop.wait()
        await runner.cleanup()


def main() -> None:
    """The command line of `python -m local.receiver`."""
    parser = argparse.ArgumentParser(prog="python -m local.receiver", description="Play a destination")
    parser.add_argument("--file", type=Path, required=True, help="where each request becomes one JSON line")
    parser.add_argument(
        "--took", type=Path, help="the folder where each destination writes down what it took"
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    asked = parser.parse_args()
    asyncio.run(serve(asked.file, asked.port, asked.took))


if __name__ == "__main__":
    main()
