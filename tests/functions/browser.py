"""A real browser, Chromium, and web pages of several origins for it to open."""

import json
import queue
import shutil
import subprocess
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import pytest

from local.process import Child

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
SECONDS = 60
"""In which a page has to say how it went; a browser starts in one or two."""

PAGE = """<!doctype html><meta charset="utf-8"><title>Shop</title><script type="module">
const wanted = WANTED;
const told = await fetch(wanted.url, wanted.init).then(
  async (answer) => ({ status: answer.status, type: answer.type, text: await answer.text() }),
  (error) => ({ failed: error.name }),
);
await fetch("/outcome", { method: "POST", body: JSON.stringify(told) });
</script>"""
"""It asks for what it is told to, with the browser's own fetch, and tells its own server what a script sees of the answer."""


class Site:
    """A web site of one origin, on a free port of this machine."""

    def __init__(self) -> None:
        self.told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.wanted: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fetches(self, home: Path, url: str, **init: Any) -> Mapping[str, Any]:
        """What a script of this site sees when it fetches: `status`, `type` and `text`, or `failed` and nothing else.

        The browser is a new one, with its files in `home`; it is gone afterwards.
        """
        self.wanted = {"url": url, "init": init}
        with Child(
            "chromium", [_chromium(), *OPTIONS, f"--user-data-dir={home}/profile", self.origin], home / "log"
        ):
            return self.told.get(timeout=SECONDS)


def shown(home: Path, url: str) -> tuple[str, str]:
    """A page as the browser has understood it, as HTML, and what the browser says of it in its console."""
    command = [
        _chromium(),
        *OPTIONS,
        f"--user-data-dir={home}/profile",
        "--enable-logging=stderr",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)  # noqa: S603
    return done.stdout, done.stderr


def _chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed: make browser")
    return found


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = PAGE.replace("WANTED", json.dumps(site.wanted)) if self.path == "/" else ""
            self._answer(page.encode())

        def do_POST(self) -> None:
            site.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler
