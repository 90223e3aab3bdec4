"""How the tests of the doors ask: requests that an ordinary client cannot send, and what every refusal must look like."""

import asyncio
import base64
import hashlib
import hmac
import http.client
import json
import secrets
import socket
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from local.client import Client, Response
from local.demo.furnish import SHOP_SECRET
from shared.azure.tables import AzureTables
from shared.storage import TABLES
from tests.running import Running

PROBLEM = "application/problem+json"
SECONDS = 20


def assert_problem(answer: Response, status: int, type: str) -> None:
    """It is problem details (RFC 9457) of that status and type, and says where it happened and what to do."""
    assert (answer.status, answer.headers.get("content-type")) == (status, PROBLEM), answer.doc
    assert answer.doc["type"] == f"/problems/{type}"
    assert answer.doc["status"] == status
    assert answer.doc["title"]
    assert answer.doc["detail"].endswith(".")
    assert answer.doc["instance"].startswith("/")
    assert len(answer.doc["traceId"]) == 32


def pointers(answer: Response) -> list[str]:
    """Where the faults of a refused body are."""
    return [fault["pointer"] for fault in answer.doc.get("errors", ())]


def ask(client: Client, method: str, target: str, body: bytes = b"", **headers: str) -> Response:
    """A request whose target is sent as it stands: nothing is normalised or encoded."""
    host = client.base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=SECONDS)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        sent = {"Content-Type": "application/json", **client.headers, **_named(headers)}
        for name, value in {**sent, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        asked = f"{method} {target}"
        return _response(answer.status, dict(answer.getheaders()), answer.read(), asked)
    finally:
        connection.close()


def text_of(client: Client, path: str) -> str:
    """The body of an answer as it came."""
    request = urllib.request.Request(client.base_url + path, headers=dict(client.headers))  # noqa: S310
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body.decode()


def ask_in_bytes(client: Client, path: str, rest: bytes, *, leave: bool = False) -> bytes:
    """A POST whose last headers and body are `rest`; `leave` closes our side after it. All bytes that come back."""
    host, _, port = client.base_url.removeprefix("http://").partition(":")
    named = {"Host": host, "Content-Type": "application/json", "Connection": "close", **client.headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), ""]
    with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
        connection.sendall("\r\n".join(lines).encode() + rest)
        if leave:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(_received(connection))


@dataclass(frozen=True, slots=True)
class Storage:
    """Where the rows lie, for what lets time pass for some of them."""

    storage: str

    @classmethod
    def of(cls, running: Running) -> Self:
        return cls(running.stack.environment["STORAGE_CONNECTION"])


def kept(running: Running) -> list[str]:
    """All that there is: each row of each table, and each line of the logs."""
    logs = [log.read_text(errors="replace") for log in running.stack.home.glob("*.log")]
    return [*asyncio.run(_rows(Storage.of(running).storage)), *"".join(logs).splitlines()]


async def _rows(connection: str) -> list[str]:
    async with AzureTables(connection) as tables:
        return [repr(row) for table in TABLES for row in [one async for one in tables.scan(table.name)]]


def webhook(running: Running, body: bytes, hook: str | None = None, **changes: str) -> Response:
    """A signed webhook as Shopify sends one, under a webhook id of its own, some headers changed."""
    headers = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Webhook-Id": secrets.token_hex(8),
        "X-Shopify-Hmac-Sha256": signature(SHOP_SECRET, body),
        **_named(changes),
    }
    return running.anonymous.send("POST", hook or running.demo.hook, body, headers)


def signature(secret: str, body: bytes) -> str:
    """https://shopify.dev/docs/apps/build/webhooks/verify-deliveries"""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def shop_order(**changes: Any) -> bytes:
    """The body of an `orders/create` webhook with what its mapping reads."""
    order = {
        "id": 820982911946154508,
        "email": "grace@example.com",
        "created_at": "2026-11-22T10:15:00+01:00",
        "total_price": "199.90",
        "currency": "SEK",
        "customer": {"id": 706405506930370084},
    }
    return json.dumps({**order, **changes}).encode()


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _response(status: int, headers: Mapping[str, str], body: bytes, asked: str = "") -> Response:
    named = {name.lower(): value for name, value in headers.items()}
    is_json = "json" in named.get("content-type", "")
    return Response(status, named, json.loads(body) if is_json and body else body.decode(), asked)


def _received(connection: socket.socket) -> Iterable[bytes]:
    while chunk := connection.recv(65536):
        yield chunk
