"""The examples of the documentation run, and answer what the text says.

`<!-- try: 202 -->` above a curl command means that it is sent to the running line and answered with that status,
`<!-- answers -->` above the JSON after it that the answer holds at least this: `…` stands for anything, `$NAME`
names a value that later commands of the page use.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from time import monotonic, sleep

import pytest

from local.azurite import Azurite
from local.client import Client
from local.demo.furnish import SHOP_SECRET
from local.issuer import TOKEN_PATH
from tests.running import Running

ROOT = Path(__file__).parents[1]
TRY = re.compile(
    r"<!-- try: (\d+) -->\n```sh\n(.*?)```(?:\s*<!-- answers -->\n```json\n(.*?)```)?", re.DOTALL
)
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if TRY.search(page.read_text())
]
PATIENCE_SECONDS = 20

CURL = argparse.ArgumentParser("curl")
CURL.add_argument("-s", action="store_true")
CURL.add_argument("-X", dest="method")
CURL.add_argument("-H", dest="headers", action="append", default=[])
CURL.add_argument("-d", dest="body")
CURL.add_argument("url")


@pytest.mark.slow
@pytest.mark.parametrize("at", PAGES, ids=lambda at: at.name)
@pytest.mark.feature("F85", "F110")
def test_the_examples_answer_what_the_text_says(at, running: Running):
    named = {
        "BASE": running.stack.base_url,
        "KEY": running.demo.key,
        "ADMIN": running.deployment_key,
        "RECEIVER": running.stack.receiver_url,
        "TOKEN_URL": running.stack.issuer_url + TOKEN_PATH,
        "SIGNATURE": "$SIGNATURE",
        "TODAY": f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z",
        "NOW": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    text = at.read_text()
    examples = TRY.findall(text)

    assert len(examples) == text.count("<!-- try:") == len(re.findall(r"^```sh\ncurl ", text, re.MULTILINE))
    assert sum(bool(shown) for *_, shown in examples) == text.count("<!-- answers -->")
    for status, command, shown in examples:
        tried(command, int(status), json.loads(shown) if shown else "…", named)


@pytest.mark.slow
def test_the_first_key_is_made_as_the_text_says(running: Running):
    [command] = re.findall(
        r"^\.venv/bin/python (-m local key create .+)$",
        (ROOT / "docs/keys.md").read_text(),
        re.MULTILINE,
    )

    made = subprocess.run(  # noqa: S603
        [sys.executable, *shlex.split(command)],
        cwd=ROOT,
        env=running.stack.environment,
        capture_output=True,
        check=True,
        timeout=60,
    )

    key = json.loads(made.stdout)["key"]
    assert Client.keyed(running.stack.base_url, key).get("/v1/sections").status == 200


@pytest.mark.slow
def test_a_client_of_the_deployment_is_made_as_the_text_says_and_revoked(running: Running):
    [command] = re.findall(
        r"^\.venv/bin/python -m local (client create .+)$",
        (ROOT / "docs/authentication.md").read_text(),
        re.MULTILINE,
    )

    made = local(running, *shlex.split(command))
    revoked = local(running, "client", "revoke", made["id"], "--section", "*")

    assert (made["scopes"], made["revokedAt"]) == (["sections:write"], None)
    assert revoked in local(running, "client", "list", "--section", "*")


def local(running: Running, *words: str):
    """What a command answers on the running stack's storage."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "local", *words],
        cwd=ROOT,
        env=running.stack.environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_backup_is_made_and_restored_as_the_text_says(running: Running, tmp_path):
    text = (ROOT / "docs/data.md").read_text()
    [make] = re.findall(r"^ *\.venv/bin/python (-m local backup .+)$", text, re.MULTILINE)
    [restore] = re.findall(r"^ *\.venv/bin/python (-m local restore .+)$", text, re.MULTILINE)

    with Azurite() as empty:
        for words, storage in (
            (make, running.stack.environment),
            (restore, {"STORAGE_CONNECTION": empty.connection_string}),
        ):
            subprocess.run(  # noqa: S603
                [sys.executable, *shlex.split(words)],
                cwd=tmp_path,
                env={**running.stack.environment, **storage, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                check=True,
                timeout=60,
            )

    assert [path.name for path in tmp_path.iterdir()] == ["signalbox.backup"]


def tried(command: str, status: int, shown, named: dict[str, str]) -> None:
    """Send what the command says; a GET is repeated until it answers as shown, for a while."""
    asked = CURL.parse_args(shlex.split(Template(command.replace("\\\n", "")).safe_substitute(named))[1:])
    body = asked.body.encode() if asked.body else None
    method = asked.method or ("POST" if body else "GET")
    signature = base64.b64encode(hmac.digest(SHOP_SECRET.encode(), body or b"", hashlib.sha256)).decode()
    given = dict(header.split(": ", 1) for header in asked.headers)
    headers = {"Content-Type": "application/x-www-form-urlencoded", **given}
    headers = {name: value.replace("$SIGNATURE", signature) for name, value in headers.items()}
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        answer = Client("").send(method, asked.url, body, headers)
        if answer.status == status and fits(shown, answer.doc, named):
            return
        if method != "GET" or monotonic() > deadline:
            pytest.fail(f"{command}\nanswered {answer.status} {json.dumps(answer.doc, indent=2)}")
        sleep(0.1)


def fits(shown, seen, named: dict[str, str]) -> bool:
    """Whether an answer holds at least what is shown; of a list, each item that is shown."""
    match shown:
        case "…":
            return True
        case dict():
            return isinstance(seen, dict) and all(
                name in seen and fits(value, seen[name], named) for name, value in shown.items()
            )
        case list():
            return isinstance(seen, list) and all(among(item, seen, named) for item in shown)
        case str() if shown.startswith("$"):
            return bool(seen == named.setdefault(shown[1:], seen))
        case str():
            return bool(seen == Template(shown).safe_substitute(named))
    return bool(shown == seen)


def among(item, seen: list[object], named: dict[str, str]) -> bool:
    """Whether one of them fits; the names that it gives are kept."""
    for one in seen:
        given = dict(named)
        if fits(item, one, given):
            named.update(given)
            return True
    return False
