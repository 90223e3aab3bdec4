"""The programs in docs/emitting.md run, print what the text says, and repeat what they should and no more.

`<!-- run: python -->` above a program, `js` for Node and `page` with its origin for a script of a web page;
`<!-- prints -->` above what it prints.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running

TEXT = (Path(__file__).parents[1] / "docs/emitting.md").read_text()
PROGRAM = re.compile(
    r"<!-- run: (\w+) ?(\S*) -->\n```(?:python|js)\n(.*?)```\n\n<!-- prints -->\n```text\n(.*?)```", re.DOTALL
)
PROGRAMS = PROGRAM.findall(TEXT)
NODE = Path(sys.executable).with_name("node")
SECONDS = 60
AS_A_BROWSER = """
const fetched = globalThis.fetch;
globalThis.fetch = (url, init) => fetched(url, {...init, headers: {...init.headers, Origin: "ORIGIN"}});
"""
"""Node names no origin by itself."""


def run(kind: str, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    if kind != "python":
        command = [str(NODE), "--input-type=module", "-e", code]
    return subprocess.run(  # noqa: S603
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_every_program_of_the_page_is_run():
    assert (
        len(PROGRAMS) == len(re.findall("^```(?:python|js)$", TEXT, re.MULTILINE)) == TEXT.count("<!-- run:")
    )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "origin", "code", "printed"), PROGRAMS, ids=[one[0] for one in PROGRAMS])
def test_a_program_prints_what_the_text_says(
    running: Running, kind: str, origin: str, code: str, printed: str
):
    if kind == "page":
        key = {"name": "page", "source": "web", "scopes": ["events:write"], "origins": [origin]}
        made = running.operator.post("/v1/keys", {**key, "events": ["transactions.order-placed"]})
        code = code.replace("https://signalbox.example.com", running.stack.base_url)
        code = AS_A_BROWSER.replace("ORIGIN", origin) + code.replace("sbp_...", made.doc["key"])

    ended = run(kind, code, SIGNALBOX_URL=running.stack.base_url, SIGNALBOX_KEY=running.demo.key)

    assert (ended.stdout, ended.returncode) == (printed, 0), ended.stderr


Answer = tuple[int, dict[str, Any]]


@contextmanager
def answering(answers: list[Answer | None]) -> Iterator[tuple[str, list[bytes]]]:
    """A door that answers in turn, None breaking the connection; where it is, and the bodies that it had."""
    had: list[bytes] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            had.append(self.rfile.read(int(self.headers["Content-Length"])))
            answer = answers[len(had) - 1]
            if answer is None:
                self.connection.close()
                return
            status, doc = answer
            body = json.dumps(doc).encode()
            self.send_response(status)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", had
        server.shutdown()


@pytest.fixture
def sent() -> Callable[..., tuple[subprocess.CompletedProcess[str], list[bytes]]]:
    """Lets the page's program in Python send to a door that answers in turn; how it ended, and what the door had."""
    [code] = [code for kind, _, code, _ in PROGRAMS if kind == "python"]

    def send(*answers: Answer | None) -> tuple[subprocess.CompletedProcess[str], list[bytes]]:
        with answering(list(answers)) as (url, had):
            return run("python", code, SIGNALBOX_URL=url, SIGNALBOX_KEY="sbx_none"), had

    return send


def test_the_sender_repeats_the_same_until_it_is_taken(sent):
    ended, had = sent((503, {}), (429, {}), (500, {}), (202, {"status": "accepted"}))

    assert (ended.stdout, ended.returncode) == ("accepted\n", 0), ended.stderr
    assert len(had) == 4
    assert len(set(had)) == 1


def test_the_sender_repeats_what_was_not_answered(sent):
    ended, had = sent(None, (202, {"status": "accepted"}))

    assert (ended.stdout, len(had)) == ("accepted\n", 2), ended.stderr
    assert had[0] == had[1]


def test_the_sender_does_not_repeat_what_is_refused_and_says_why(sent):
    ended, had = sent((422, {"detail": "The event does not fit."}))

    assert (ended.returncode, len(had)) == (1, 1)
    assert "ValueError: The event does not fit." in ended.stderr
