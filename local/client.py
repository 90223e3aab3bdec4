"""Talks to the API as a small integration would: standard library only."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    doc: Any
    asked: str = ""
    """Method and path of the request."""


@dataclass(frozen=True, slots=True)
class Client:
    """Calls one base URL with a key."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[bytes], Any] = json.loads
    """Makes a document of JSON."""

    @classmethod
    def keyed(cls, base_url: str, key: str, section: str | None = None) -> "Client":
        named = {"Signalbox-Section": section} if section else {}
        return cls(base_url, {"Authorization": f"Bearer {key}", **named})

    def get(self, path: str) -> Response:
        return self.send("GET", path)

    def post(self, path: str, doc: Any = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, b"" if doc is None else json.dumps(doc).encode(), named)

    def put(self, path: str, doc: Any) -> Response:
        return self.send("PUT", path, json.dumps(doc).encode())

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """One request; a refusal is an answer too. Raises OSError without an answer, ValueError if it is not JSON."""
        asked = f"{method} {path}"
        sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        request = urllib.request.Request(self.base_url + path, body, sent, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return self._response(asked, answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            return self._response(asked, refusal.code, refusal.headers, refusal.read())

    def receipt(self, id: str, until: Callable[[Any], bool], seconds: float = 30) -> Any:
        """The receipt once it is as awaited, or as it is after that many seconds."""
        deadline = monotonic() + seconds
        while True:
            doc = self.get(f"/v1/events/{id}").doc
            if until(doc) or monotonic() > deadline:
                return doc
            sleep(0.1)

    def _response(self, asked: str, status: int, headers: Any, body: bytes) -> Response:
        named = {name.lower(): value for name, value in headers.items()}
        return Response(status, named, self.read(body) if body else None, asked)
