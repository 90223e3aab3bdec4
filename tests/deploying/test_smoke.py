"""After deploying: an event comes through a running app, and whether bodies in pieces reach it is told."""

import http.server
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploying.first import Furnisher
from deploying.outputs import Wishes
from local.client import Client
from shared.access.tokens import RANDOM_BYTES
from shared.azure.tables import AzureTables
from shared.azure.vault import MasterKeySeal
from shared.wiring import SystemClock
from tests.deploying.conftest import Hook
from tests.deploying.test_page import APP, fits, shown
from tests.running import Running

pytestmark = pytest.mark.slow
UNUSED = "https://unused.example.com"


@pytest.fixture
async def deployed(hook: Hook, running: Running) -> Hook:
    """A hook whose app runs here, furnished as after provisioning."""
    stack = running.stack
    hook.environment |= {
        "SIGNALBOX_URL": stack.base_url,
        "AZURE_STORAGE_TABLE_ENDPOINT": UNUSED,
        "AZURE_PACKAGE_CONTAINER_URL": f"{UNUSED}/app-package",
    }
    seal = MasterKeySeal(stack.environment["SIGNALBOX_MASTER_KEYS"])
    async with AzureTables(stack.environment["STORAGE_CONNECTION"]) as tables:
        furnisher = Furnisher(tables, seal, SystemClock(), secrets.token_bytes(RANDOM_BYTES))
        made = await furnisher.furnish(Wishes(signalbox_country="SE", ci=True), stack.base_url)
    hook.account.change(secrets={"signalbox-smoke-key": made.smoke_key})
    return hook


def receipt_in(output: str):
    return json.loads(output[output.index("{") :])


def test_an_event_comes_through_and_its_receipt_is_shown(deployed):
    done = deployed.run("smoke")

    assert done.returncode == 0, done.stderr
    receipt = receipt_in(done.stdout)
    assert (receipt["event"], receipt["status"], receipt["deliveries"]) == (
        "signals.smoke-test",
        "processed",
        [],
    )


def test_the_hook_after_deploying_says_what_the_page_shows(deployed, running):
    done = deployed.run("smoke", "chunked")

    assert fits(shown("smoke"), done.stdout.replace(running.stack.base_url, APP)), done.stdout


def test_what_it_leaves_behind_is_a_test_of_its_own_section_and_gone_after_a_day(deployed, running):
    receipt = receipt_in(deployed.run("smoke").stdout)

    operator = Client.keyed(running.stack.base_url, running.deployment_key, "smoke")
    assert operator.get("/v1/routes").doc["routes"] == []
    assert operator.get("/v1/definitions/signals.smoke-test").doc["retentionDays"] == 1
    assert receipt["test"] is True
    assert receipt["personId"] is None


def test_bodies_in_pieces_do_not_reach_the_app_and_the_front_is_named(deployed):
    done = deployed.run("chunked")

    assert done.returncode == 0, done.stderr
    assert "docs/deploying.md#a-front-for-chunked-bodies" in done.stdout


def test_behind_a_front_that_reads_the_body_first_bodies_in_pieces_reach_the_app(deployed, running):
    with front(running.stack.base_url) as url:
        done = deployed.run("chunked", SIGNALBOX_URL=url)

    assert (done.returncode, "chunked reach the app" in done.stdout) == (0, True), done.stderr


def test_what_is_neither_taken_nor_asked_for_its_length_is_an_error(deployed):
    deployed.account.change(secrets={"signalbox-smoke-key": "sbx_nobody"})

    done = deployed.run("chunked")

    assert done.returncode == 1
    assert "answered 401" in done.stderr


def test_a_key_that_the_app_does_not_know_ends_with_what_to_do(deployed):
    deployed.account.change(secrets={"signalbox-smoke-key": "sbx_nobody"})

    done = deployed.run("smoke", "chunked")

    assert done.returncode == 1
    assert "infra/scripts/hook.sh renew" in done.stderr
    assert "chunked" not in done.stdout


@pytest.mark.parametrize(
    ("path", "waited_for"),
    [("/health/live", "/health/live"), ("/v1/events", "first event"), ("/v1/events/1", "receipt of 1")],
)
def test_what_does_not_come_is_waited_for_and_then_an_error(deployed, path, waited_for):
    with app_without(path) as url:
        done = deployed.run("smoke", SIGNALBOX_URL=url, PATIENCE_SECONDS="0.3")

    assert done.returncode == 1
    assert "docs/deploying.md#when-something-fails" in done.stderr
    assert waited_for in done.stdout


def test_an_app_that_is_nowhere_is_an_error_that_names_it(deployed):
    done = deployed.run("smoke", SIGNALBOX_URL="http://127.0.0.1:1", PATIENCE_SECONDS="0.2")

    assert done.returncode == 1
    assert "http://127.0.0.1:1/health/live" in done.stderr


@contextmanager
def front(url: str) -> Iterator[str]:
    """A proxy that reads a body whole, and passes it on with its length."""

    class Front(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            kept = {"Authorization": self.headers["Authorization"]}
            answered(self, *passed_on(url + self.path, body, kept))

        def log_message(self, *_):
            pass

    with served(Front) as at:
        yield at


def passed_on(url: str, body: bytes, headers):
    answer = Client("").send("POST", url, body, headers)
    return answer.status, answer.doc


@contextmanager
def app_without(path: str) -> Iterator[str]:
    """An app that lives, takes events in and processes them, but for what is asked under one path."""
    good = {
        "/health/live": (200, {}),
        "/v1/events": (202, {"id": "1"}),
        "/v1/events/1": (200, {"status": "processed"}),
    }
    good[path] = (503, {"detail": "Not now."})

    class App(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answered(self, *good[self.path])

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            answered(self, *good[self.path])

        def log_message(self, *_):
            pass

    with served(App) as at:
        yield at


def answered(handler: http.server.BaseHTTPRequestHandler, status: int, doc: object) -> None:
    body = json.dumps(doc).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def served(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
