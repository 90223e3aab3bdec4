"""What the line itself costs an event, without storage, bus and runtime: each step of the door by itself."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from bench import webhooks
from bench.load import Round, middle
from bench.parts import SECTION, Furnished
from local.client import Client
from local.demo.furnish import CLIENT, KEY, ORDER
from local.issuer import AUDIENCE, ERP, TENANT, TOKEN_PATH
from shared import exact
from shared.access.caller import SECTION_HEADER, Caller
from shared.access.entra import KNOWN_SECONDS, Entra
from shared.access.issuer import Issuer
from shared.access.rights import Scope
from shared.access.tokens import RANDOM_BYTES
from shared.azure.http import GuardedHttp
from shared.line import Line
from shared.sources import Received
from shared.stages.authenticate import authenticate
from shared.stages.receive import json_of
from shared.stages.translate import envelope
from shared.wiring import SystemClock

TIMES = 2_000


class _Ahead(SystemClock):
    """A clock that can be put forward, so that a token that was seen is forgotten."""

    seconds_ahead = 0

    def seconds(self) -> float:
        return super().seconds() + self.seconds_ahead


async def steps(furnished: Furnished, rounds: int) -> dict[str, Round]:
    """Authenticate by key and by token, check a token's signature, parse, translate, check with fingerprint and document; a webhook's; caches warm."""
    line = furnished.line
    by_token = await _token(furnished)
    made = await line.keys.create(SECTION, exact.loads(json.dumps(KEY)), secrets.token_bytes(RANDOM_BYTES))
    headers = {"authorization": f"Bearer {made['key']}", "content-type": "application/json"}
    caller = await _known(line, headers)
    body = _order()
    request = Received("POST", "/v1/events", {**headers, "content-length": str(len(body))}, body)
    parsed = json_of(request)
    draft = envelope(parsed)

    async def parse() -> None:
        json_of(request)

    async def translate() -> None:
        envelope(parsed)

    each: dict[str, Callable[[], Awaitable[object]]] = {
        "authenticate by key": lambda: _known(line, headers),
        "authenticate by token": lambda: _known(line, by_token),
        "parse": parse,
        "translate": translate,
        "validate": lambda: line.checker.check(furnished.section, caller, draft),
        **webhooks.steps(),
    }
    http, clock = GuardedHttp(allow_loopback=True), _Ahead()
    entra = Entra(Issuer(TENANT, frozenset({AUDIENCE}), furnished.issuer), http, clock)
    _, _, token = by_token["authorization"].partition(" ")

    async def check_token() -> None:
        clock.seconds_ahead += KNOWN_SECONDS + 1
        await entra.read(token)

    each["check a new token"] = check_token
    try:
        return {name: middle([await _cost(step) for _ in range(rounds)]) for name, step in each.items()}
    finally:
        await http.close()


async def _known(line: Line, headers: Mapping[str, str]) -> Caller:
    return await authenticate(line.keys, line.clients, line.sections, headers, Scope.EVENTS_WRITE)


async def _token(furnished: Furnished) -> dict[str, str]:
    """The headers of a client that is registered in the section."""
    await furnished.line.clients.create(SECTION, exact.loads(json.dumps(CLIENT)))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    asked = Client(furnished.issuer).send
    answer = await asyncio.to_thread(asked, "POST", TOKEN_PATH, urlencode(ERP.form).encode(), form)
    return {"authorization": f"Bearer {answer.doc['access_token']}", SECTION_HEADER.lower(): SECTION}


async def _cost(step: Callable[[], Awaitable[object]]) -> Round:
    began = time.process_time()
    for _ in range(TIMES):
        await step()
    return Round((time.process_time() - began) * 1000 / TIMES)


def _order() -> bytes:
    key = secrets.token_hex(12)
    properties = {"orderId": key, "totalValue": 42.50, "currency": "EUR"}
    person = {"email": "ada@example.com", "crmId": "c-1001"}
    doc = {"event": ORDER, "id": key, "person": person, "properties": properties}
    return json.dumps({**doc, "occurredAt": "2026-11-22T10:15:00+01:00"}).encode()
